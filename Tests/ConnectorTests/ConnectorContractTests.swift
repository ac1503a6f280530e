import ConnectorKit
import Connectors
import Journal
import Model
import Seams
import Settings
import TestKit
import Testing

@Suite struct `Every connector` {
    @Test(arguments: ActionCase.all) func `makes its effect and says so`(_ item: ActionCase) async throws {
        let http = ScriptedTransport { _, _ in .success(item.success) }
        let report = try await item.connector(http).make(item.effect)
        guard case .succeeded = report.verdict else {
            Issue.record("\(report)")
            return
        }
        #expect(!http.requests.isEmpty)
        #expect(http.requests.allSatisfy { $0.timeout <= .seconds(15) })
    }

    @Test(arguments: ActionCase.all) func `renders the same bytes for the same effect`(_ item: ActionCase) throws {
        let connector = try item.connector(ScriptedTransport(status: 200))
        let first = try connector.prepare(item.effect)
        #expect(try connector.prepare(item.effect) == first)
    }

    @Test(arguments: ActionCase.all)
    func `sends what was kept, byte for byte and under one key, on each retry`(_ item: ActionCase) async throws {
        let http = ScriptedTransport { _, _ in .success(item.success) }
        let connector = try item.connector(http)
        let action = try #require(connector.actions.first { $0.name == item.effect.action })
        guard action.effectClass.keepsRequest else { return }
        let kept = try connector.prepare(item.effect)
        var later = item.effect
        later.now = item.effect.now + .seconds(600)
        later.data["company"] = "Another"
        _ = await connector.perform(kept, for: item.effect, approach: .first, deadline: .seconds(15))
        let again: Approach = if case .keyed = action.effectClass { .repeatWithKey } else { .first }
        _ = await connector.perform(kept, for: later, approach: again, deadline: .seconds(15))
        let writes = http.requests.filter { $0.method != "GET" }
        let first = try #require(writes.first)
        let last = try #require(writes.last)
        #expect(writes.count == 2)
        #expect(first.body == last.body)
        #expect(first.url == last.url)
        for name in ["idempotency-key", "webhook-id"] { #expect(first.header(name) == last.header(name)) }
    }

    @Test(arguments: ActionCase.all)
    func `puts no credential into what the journal keeps`(_ item: ActionCase) throws {
        let request = try item.connector(ScriptedTransport(status: 200)).prepare(item.effect)
        let text = request.path + String(decoding: request.body, as: UTF8.self)
        for secret in Fixture.secrets.values { #expect(!text.contains(secret.trimmed)) }
    }

    @Test(arguments: ActionCase.all)
    func `tells no secret and no person in what it reports`(_ item: ActionCase) async throws {
        let secret = try #require(Fixture.secretNames[item.destination].flatMap { Fixture.secrets[$0] }).trimmed
        let words = [secret, "ada@example.com", "Analytical Engines"]
        for status in [400, 401, 403, 404, 409, 410, 422, 429, 500, 503] {
            let http = ScriptedTransport(status: status, body: "no: " + words.joined(separator: " and "))
            let report = try await item.connector(http).make(item.effect)
            let message = report.verdict.trouble?.message ?? ""
            for word in words { #expect(!message.contains(word), "\(status) told \(word)") }
            #expect(message.utf8.count <= Limits.storedErrorMax)
        }
    }

    @Test(arguments: ActionCase.all, StatusRow.all)
    func `reads statuses as the table says`(_ item: ActionCase, _ row: StatusRow) async throws {
        let http = ScriptedTransport(status: row.status, headers: row.headers)
        let report = try await item.connector(http).make(item.effect)
        #expect(Kind(report.verdict) == row.kind, "\(row.status): \(report)")
        if case .slowDown(_, let after) = report.verdict { #expect(after == row.wait) }
        #expect(report.status == row.status)
    }

    @Test(arguments: ActionCase.all)
    func `knows that a refused connection did nothing and a lost answer may have`(_ item: ActionCase) async throws {
        for (kind, arrived) in [(TransportError.Kind.connect, false), (.timeout, true), (.broken, true)] {
            let http = ScriptedTransport(error: TransportError(kind, mayHaveArrived: arrived, "it failed"))
            let verdict = try await item.connector(http).make(item.effect).verdict
            guard case .transient(let trouble, let mayHaveHappened, _) = verdict else {
                Issue.record("\(verdict)")
                continue
            }
            #expect(mayHaveHappened == arrived)
            #expect(trouble.errorClass == kind.rawValue)
        }
    }

    @Test(arguments: ActionCase.all)
    func `does not forget that an earlier attempt may have succeeded`(_ item: ActionCase) async throws {
        let http = ScriptedTransport(error: TransportError(.connect, mayHaveArrived: false, "refused"))
        let verdict = try await item.connector(http).make(item.effect, approach: .lookFirst).verdict
        guard case .transient(_, let mayHaveHappened, _) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(mayHaveHappened)
    }

    @Test(arguments: ActionCase.all)
    func `pauses where the address itself is wrong`(_ item: ActionCase) async throws {
        for kind in [TransportError.Kind.name, .refusedAddress, .tls] {
            let http = ScriptedTransport(error: TransportError(kind, mayHaveArrived: false, "no"))
            let verdict = try await item.connector(http).make(item.effect).verdict
            #expect(Kind(verdict) == .blocked)
        }
    }

    @Test(arguments: ActionCase.all)
    func `sends nothing where no time is left`(_ item: ActionCase) async throws {
        let http = ScriptedTransport { _, _ in .success(item.success) }
        let report = try await item.connector(http).make(item.effect, deadline: .zero)
        #expect(http.requests.isEmpty)
        guard case .transient(_, mayHaveHappened: false, _) = report.verdict else {
            Issue.record("\(report)")
            return
        }
    }

    @Test(arguments: ActionCase.all)
    func `sends nothing without its secret`(_ item: ActionCase) async throws {
        let http = ScriptedTransport { _, _ in .success(item.success) }
        let report = try await item.connector(http, hasSecrets: false).make(item.effect)
        #expect(http.requests.isEmpty)
        #expect(Kind(report.verdict) == .credentials)
    }

    @Test(arguments: ActionCase.all) func `refuses an action that it does not have`(_ item: ActionCase) throws {
        var effect = item.effect
        effect.action = "dance"
        let connector = try item.connector(ScriptedTransport(status: 200))
        #expect(throws: EffectRefusal.self) { try connector.prepare(effect) }
    }

    @Test func `offers the actions that the check of the configuration knows`() {
        let connectors = Fixture.connectors(ScriptedTransport(status: 200))
        for (name, kind) in Fixture.kinds {
            let offered = Set(connectors[name]?.actions.map(\.name) ?? [])
            #expect(offered == ConnectorFactory.actionNames(of: kind))
            #expect(!offered.isEmpty)
        }
    }

    @Test func `requires by name only what its default fields can bring`() {
        for connector in Fixture.connectors(ScriptedTransport(status: 200)).values {
            for action in connector.actions {
                #expect(Set(action.required).isSubset(of: action.defaults.map(\.name)), "\(action.name)")
            }
        }
    }

    @Test(arguments: ["crm", "desk", "team", "hook", "api"])
    func `pauses by a probe that is refused and resumes by one that works`(_ name: String) async throws {
        let refused = try Fixture.connector(name, ScriptedTransport(status: name == "team" ? 404 : 401))
        #expect([.credentials, .blocked].contains(Kind(await refused.probe())))
        let live = try Fixture.connector(name, ScriptedTransport(status: 200, body: #"{"user": {"id": 1}}"#))
        #expect(Kind(await live.probe()) == .succeeded)
    }
}

/// What one status must mean for every action of every connector.
struct StatusRow: Sendable, CustomTestStringConvertible {
    var status: Int
    var kind: Kind
    var headers: [String: String] = [:]
    var wait: Duration?

    var testDescription: String { "\(status)" }

    static let all = [
        StatusRow(status: 302, kind: .blocked), StatusRow(status: 400, kind: .permanent),
        StatusRow(status: 401, kind: .credentials), StatusRow(status: 408, kind: .transient),
        StatusRow(status: 422, kind: .permanent), StatusRow(status: 425, kind: .transient),
        StatusRow(status: 429, kind: .slowDown, headers: ["Retry-After": "7"], wait: .seconds(7)),
        StatusRow(
            status: 429, kind: .slowDown, headers: ["Retry-After": "Mon, 23 Nov 2026 10:00:30 GMT"],
            wait: .seconds(30)),
        StatusRow(status: 500, kind: .transient), StatusRow(status: 502, kind: .transient),
        StatusRow(status: 503, kind: .transient),
        StatusRow(status: 503, kind: .slowDown, headers: ["Retry-After": "3"], wait: .seconds(3)),
        StatusRow(status: 504, kind: .transient), StatusRow(status: 522, kind: .transient),
    ]
}

/// A verdict without its words.
enum Kind: Sendable, Hashable {
    case succeeded, transient, slowDown, permanent, credentials, blocked

    init(_ verdict: Verdict) {
        self =
            switch verdict {
            case .succeeded: .succeeded
            case .transient: .transient
            case .slowDown: .slowDown
            case .permanent: .permanent
            case .credentials: .credentials
            case .blocked: .blocked
            }
    }
}
