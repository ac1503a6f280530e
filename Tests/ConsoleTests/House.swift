import API
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Journal
import JournalSQLite
import Logging
import Model
import NIOCore
import Seams
import ServiceLifecycle
import Settings
import Synchronization
import TestKit
import Watch

@testable import Console

struct InlineWork: BlockingWork {
    func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value { try work() }
}

/// The whole console over a real journal.
final class House: Sendable {
    static let at = Instant(rfc3339: "2026-11-23T10:00:00Z") ?? Instant(milliseconds: 0)

    let folder: TemporaryFolder
    let journal: SQLiteJournal
    let time = ManualTime()
    let chance = SeededChance(seed: 7)
    let destinations: FakeDestinations
    let backstage = FakeBackstage()
    let provider = FakeProvider()
    let reconciling = FakeReconciling()
    let dependencies: Dependencies
    let sessions: Sessions
    let passwords: Passwords
    let console: Console

    init(
        receiving: any Receiving = FakeReceiving(), destinations: FakeDestinations = FakeDestinations(),
        publicURL: String? = nil, signIn: [SignInProvider] = []
    ) throws {
        folder = try TemporaryFolder()
        journal = try SQLiteJournal.open(path: folder.file("journal.db"))
        self.destinations = destinations
        passwords = Passwords(chance: chance, blocking: InlineWork(), costExponent: 4)
        let passwords = passwords
        var settings = Settings(
            product: "Acme <Assistant>", http: HTTPSettings(publicURL: publicURL),
            sources: [SourceSettings(name: "chat", kind: .events, secrets: [])],
            destinations: [
                DestinationSettings(
                    name: "crm", kind: .hubspot(token: .environment("T")), rate: Rate(count: 10, per: .seconds(1)))
            ],
            flows: [
                Flow(
                    id: "new-lead", name: "new lead", on: [.leadCaptured],
                    calls: [Flow.Call(destination: "crm", action: "upsert_contact")])
            ])
        settings.console.signIn = signIn
        dependencies = Dependencies(
            settings: LiveSettings(settings), reading: journal, operating: journal, receiving: receiving,
            destinations: destinations, meters: Meters(),
            keys: KeyRing(journal: journal, time: time, localCredential: Redacted("local")), readiness: Readiness(),
            time: time, chance: chance, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            wakePlanning: {}, wakeWork: {}, hashPassword: { try await passwords.hash($0) },
            aftercare: Aftercare(
                reconciling: reconciling, runs: journal, subjects: journal, pruning: journal,
                receipts: ReceiptDesk(journal: journal, time: time, chance: chance)))
        sessions = Sessions(time: time, chance: chance)
        console = try Console(
            dependencies: dependencies, survey: journal, backstage: backstage, sessions: sessions,
            passwords: passwords, http: provider)
    }

    // MARK: Asking

    struct Reply: Sendable {
        var status: Int
        var headers: HTTPFields
        var text: String
        func header(_ name: String) -> String? { HTTPField.Name(name).flatMap { headers[$0] } }
        /// The session that the answer sets.
        var cookie: String? { header("set-cookie")?.split(separator: ";").first.map(String.init) }
    }

    var application: some ApplicationProtocol {
        Application(
            responder: Responder(
                routes: console.routes, keys: dependencies.keys, meters: dependencies.meters, time: time,
                chance: chance, logger: dependencies.logger),
            configuration: .init(address: .hostname("127.0.0.1", port: 0)), logger: dependencies.logger)
    }

    /// One request through the whole door, without a socket.
    func send(
        _ method: String, _ path: String, cookie: String? = nil, headers: [String: String] = [:], body: String? = nil
    )
        async throws -> Reply
    {
        var fields = HTTPFields()
        for (name, value) in headers { if let name = HTTPField.Name(name) { fields[name] = value } }
        if let cookie { fields[.cookie] = cookie }
        if body != nil { fields[.contentType] = "application/x-www-form-urlencoded" }
        let sent = fields
        return try await application.test(.router) { client in
            try await client.execute(
                uri: path, method: .init(method) ?? .get, headers: sent, body: body.map { ByteBuffer(string: $0) }
            ) { response in
                Reply(status: response.status.code, headers: response.headers, text: String(buffer: response.body))
            }
        }
    }

    func get(_ path: String, cookie: String? = nil) async throws -> Reply {
        try await send("GET", path, cookie: cookie)
    }

    /// A form as a browser sends it.
    func submit(_ path: String, _ fields: [String: String], cookie: String? = nil, headers: [String: String] = [:])
        async throws -> Reply
    {
        let body = fields.map { "\($0.key)=\(PercentCoding.encode($0.value))" }.joined(separator: "&")
        return try await send("POST", path, cookie: cookie, headers: headers, body: body)
    }

    // MARK: People

    func add(_ email: String, _ role: UserRow.Role, password: String? = nil) async throws {
        let hash = if let password { try await passwords.hash(password) } else { "" }
        try await journal.putUser(
            UserRow(email: email, role: role, createdAt: Self.at), passwordHash: hash, by: "test")
    }

    /// Signed in with that role: the cookie, and the token that its forms carry.
    func enter(as role: UserRow.Role = .admin) async throws -> (cookie: String, csrf: String) {
        let email = "\(role.rawValue)@example.com"
        try await add(email, role)
        let id = sessions.open(email: email, role: role, replacing: nil)
        return ("throughline_session=\(id)", sessions.session(id)?.csrf ?? "")
    }

    // MARK: What happened

    struct Dead: Sendable {
        var subject: SubjectID
        var event: EventID
        var job: JobID
    }

    func id<Tag>() -> Identifier<Tag> { Identifier(at: Self.at, random: (chance.next(), chance.next())) }

    /// A lead whose job gave up.
    @discardableResult
    func deadLead(
        email: String = "ada@example.com", data: JSONObject = ["firstname": "Ada"], error: String = "no such property",
        errorClass: String = "http_400", externalID: String? = nil, payload: String = "{}", request: String? = nil
    ) async throws -> Dead {
        let (event, subject, job): (EventID, SubjectID, JobID) = (id(), id(), id())
        var data = data
        data["email"] = .string(email)
        let lead = Event(
            id: event, source: "chat", externalID: externalID ?? "lead-\(event)", externalType: "lead_captured",
            type: .leadCaptured, occurredAt: Self.at, receivedAt: Self.at, session: "s-\(event)", data: data)
        _ = try await journal.append([.event(lead, payload: Array(payload.utf8))])
        let call = Flow.Call(destination: "crm", action: "upsert_contact")
        let new = NewJob(
            id: job, effect: EffectKey(flow: "new-lead", call: call, fact: "\(event)"), flow: "new-lead", call: call,
            event: event, fact: nil, subject: subject, lane: nil, startsAt: Self.at)
        let identifier = SubjectIdentifier(.email, email.lowercased(), .claimed)
        _ = try await journal.planPending(limit: 10, now: Self.at) { pending, tx in
            try tx.createSubject(subject, for: pending.id, at: Self.at)
            try tx.addIdentifier(identifier, to: subject, event: pending.id)
            try tx.assign(pending.id, to: subject)
            try tx.insert(new, at: Self.at)
            try tx.record(
                Decision(
                    event: pending.id, subject: subject, at: Self.at, flow: "new-lead", call: call.name,
                    outcome: .planned, job: new.id, detail: error))
        }
        let claimed = try await journal.exchange(
            [], claims: [ClaimRequest(destination: "crm", limit: 1)], node: "n", now: Self.at
        ).claimed
        guard let claim = claimed.first else { throw Failure(.notFound, "nothing was claimed") }
        if let request {
            _ = try await journal.keepRequest(
                StoredRequest(method: "POST", path: "/contacts", body: Array(request.utf8), renderedAt: Self.at),
                of: claim.id, token: claim.token)
        }
        let end = AttemptEnd(
            outcome: .permanent, endedAt: Self.at, durationMilliseconds: 5, status: 400, errorClass: errorClass,
            error: error)
        _ = try await journal.exchange(
            [Settlement(job: claim.id, token: claim.token, result: .dead, attempt: end)], claims: [], node: "n",
            now: Self.at)
        return Dead(subject: subject, event: event, job: job)
    }

    func keep(
        reason: String = "no type", code: String = "invalid_field", externalID: String = "odd", payload: String = "{}"
    )
        async throws -> QuarantineID
    {
        let kept = KeptDelivery(
            id: id(), kind: .quarantined, source: "chat", externalID: externalID, code: code, reason: reason,
            receivedAt: Self.at, payload: Array(payload.utf8))
        _ = try await journal.append([.kept(kept)])
        return kept.id
    }

    /// A comparison that ended with these differences.
    func compared(_ differences: [Difference], judged: Int, words: String = "stripe") async throws -> ReconciliationID {
        var run = Reconciliation(
            id: id(), place: words, side: .source, since: Self.at - .seconds(86_400), until: Self.at,
            startedAt: Self.at, startedBy: words)
        try await journal.beginReconciliation(run)
        try await journal.keepDifferences(differences, of: run.id)
        run.state = .completed
        run.endedAt = Self.at
        run.samples = [.init(name: words, judged: judged, matched: judged - differences.count)]
        try await journal.endReconciliation(run)
        return run.id
    }

    /// Carries out what was ordered for many things, until that order is over.
    func work(until path: String) async throws {
        let id = String(path.split(separator: "/").last ?? "")
        await withThrowingTaskGroup(of: Void.self) { group in
            for service in console.services { group.addTask { try await service.run() } }
            while let state = console.desk.run(id)?.state, state == .waiting || state == .running { await Task.yield() }
            group.cancelAll()
        }
    }

    func audit() async throws -> [AuditRow] { try await journal.audit(page: PageRequest()).items }
}

/// Keeps what is ordered.
final class FakeReconciling: ReconciliationControl {
    let places = ["crm", "stripe"]
    let orders = Mutex<[String]>([])

    func order(place: String?, since: Instant?, by actor: String) async throws -> [Reconciliation] {
        orders.withLock { $0.append("compare \(place ?? "all") since \(since?.description ?? "always")") }
        return []
    }
    func repairPlan(of id: ReconciliationID, causes: Set<Difference.Cause>) async throws -> JSONObject {
        var steps: [JSONValue] = [
            ["cause": "never_arrived", "count": 2, "words": "fetched and taken in as recovered", "is_final": false],
            ["cause": "changed_at_destination", "count": 1, "words": "set right", "is_final": true],
        ]
        if !causes.isEmpty { steps.removeAll { step in !causes.contains { $0.rawValue == step["cause"]?.string } } }
        return [
            "count": .int(steps.reduce(0) { $0 + ($1["count"]?.int ?? 0) }), "steps": .array(steps),
        ]
    }
    func orderRepair(of id: ReconciliationID, causes: Set<Difference.Cause>, by actor: String) async throws {
        orders.withLock { $0.append("repair \(id) \(causes.map(\.rawValue).sorted().joined(separator: ","))") }
    }
}

/// Takes everything in.
struct FakeReceiving: Receiving {
    var refusals: [RefusedDelivery] = []
    var answer = ReceiptAnswer(status: 200, body: ["status": "accepted"])

    func receive(source: String, headers: [(name: String, value: String)], body: [UInt8]) async -> ReceiptAnswer {
        answer
    }
    func receiveEvents(source: String?, contentType: String?, body: [UInt8], boundSource: String?) async
        -> ReceiptAnswer
    { answer }
    func replay(_ kept: KeptDelivery) async -> ReceiptAnswer { answer }
    func recentRefusals() -> [RefusedDelivery] { refusals }
}

final class FakeDestinations: DestinationControl {
    let calls = Mutex<[String]>([])
    let result: ResumeResult
    let pause: Pause?

    init(result: ResumeResult = .resumed, pause: Pause? = nil) {
        self.result = result
        self.pause = pause
    }
    func health() async -> [DestinationStatus] {
        [DestinationStatus(name: "crm", kind: "hubspot", pause: pause, breaker: "closed", running: 0)]
    }
    func pause(_ destination: String, reason: String) async throws {
        calls.withLock { $0.append("pause \(destination)") }
    }
    func resume(_ destination: String, isForced: Bool) async throws -> ResumeResult {
        calls.withLock { $0.append("resume \(destination) \(isForced)") }
        return isForced ? .resumed : result
    }
}

/// Actions and secrets as the wiring tells them.
final class FakeBackstage: Backstage {
    let hostile = Mutex("")

    func action(_ call: Flow.Call) -> CallSketch? {
        CallSketch(effectClass: "upsert", required: ["email"], defaults: [])
    }
    func requirements(of destination: String) async -> RequirementSketch {
        RequirementSketch(missing: [hostile.withLock { $0 }], trouble: hostile.withLock { $0 })
    }
    func rehearse(_ event: EventID, configuration: String?, asNew: Bool) async throws -> Rehearsed {
        throw Failure(.invalid, "This configuration has errors: \(configuration ?? "")")
    }
    func secrets() async throws -> [SecretSketch] {
        [SecretSketch(name: "env:T", uses: ["destinations.crm.token"], changedAt: nil, isThere: true)]
    }
    func secret(_ reference: SecretReference) -> Redacted<String>? { Redacted("client-secret") }
}
