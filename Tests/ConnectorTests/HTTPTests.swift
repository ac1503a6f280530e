import ConnectorKit
import Connectors
import Journal
import Model
import Seams
import Settings
import TestKit
import Testing

@Suite struct `A declared API` {
    private func connector(_ action: HTTPAction, _ http: any HTTPTransport = ScriptedTransport(status: 200))
        -> HTTPConnector
    {
        let declared = HTTPDestination(url: "https://api.example/v1/", actions: [action])
        return HTTPConnector(
            settings: DestinationSettings(name: "api", kind: .http(declared)), declared: declared,
            secrets: { _ in nil }, world: World(time: ManualTime(), chance: SeededChance(seed: 1), http: http))
    }

    private func people(_ value: String) throws -> String {
        let action = HTTPAction(
            name: "put", path: .text([.literal("/people/"), .path(Path(steps: ["email"])), .literal("?a=b")]))
        return try connector(action).prepare(Fixture.effect("put", data: ["email": .string(value)])).path
    }

    @Test func `keeps a value inside its place in the path`() throws {
        #expect(try people("a/b?c&d=é#") == "/people/a%2Fb%3Fc%26d%3D%C3%A9%23?a=b")
    }

    @Test(arguments: [".", ".."]) func `refuses a value that leads elsewhere`(_ value: String) {
        #expect(throws: EffectRefusal.self) { try people(value) }
    }

    @Test func `waits for a value that the path needs`() {
        #expect(throws: EffectRefusal.missingField("email")) { try people("") }
    }

    @Test func `waits for a field that it requires`() {
        let action = HTTPAction(name: "x", path: .literal("/x"), required: ["plan"])
        #expect(throws: EffectRefusal.missingField("plan")) { try connector(action).prepare(Fixture.effect("x")) }
    }

    @Test func `sends the declared body, header by header`() async throws {
        let http = ScriptedTransport(status: 201, body: #"{"id": 7}"#)
        let report = try await Fixture.connector("api", http).make(Fixture.effect("create"))
        let sent = try #require(http.requests.first)
        #expect(sent.url == "https://sandbox/api/leads")
        #expect(sent.text == #"{"who":"ada@example.com"}"#)
        #expect(sent.header("authorization") == "Bearer api-token-333444")
        #expect(sent.header("x-product") == "acme")
        #expect(sent.header("content-type") == "application/json")
        #expect(sent.header("idempotency-key")?.hasPrefix("tl-") == true)
        #expect(report.verdict == .succeeded(ExternalRecord(kind: "lead", id: "7")))
    }

    @Test func `lets the flow's own fields stand before the fact's`() throws {
        let action = HTTPAction(
            name: "x", path: .literal("x"),
            body: .array([.path(Path(steps: ["email"])), .path(Path(steps: ["name"]))]))
        let request = try connector(action).prepare(Fixture.effect("x", set: ["email": "other@example.com"]))
        #expect(String(decoding: request.body, as: UTF8.self) == #"["other@example.com","Ada Lovelace"]"#)
        #expect(request.path == "/x")
    }

    @Test func `takes only the declared statuses for success`() async throws {
        let action = HTTPAction(name: "x", path: .literal("/x"), success: [409])
        let effect = Fixture.effect("x")
        let taken = try await connector(action, ScriptedTransport(status: 409)).make(effect)
        #expect(Kind(taken.verdict) == .succeeded)
        #expect(Kind(try await connector(action, ScriptedTransport(status: 200)).make(effect).verdict) == .permanent)
    }

    @Test(arguments: [
        (#"{"items": [{"id": "n1"}]}"#, 1), (#"{"items": []}"#, 2), (#"[]"#, 2), (#"{"items": false}"#, 2),
    ])
    func `creates only what its look-up does not find`(_ body: String, _ calls: Int) async throws {
        let http = ScriptedTransport { request, _ in
            .success(
                InboundResponse(
                    status: request.method == "GET" ? 200 : 201,
                    body: Array((request.method == "GET" ? body : #"{"id": "n2"}"#).utf8)))
        }
        let report = try await Fixture.connector("api", http).make(Fixture.effect("mark"), approach: .lookFirst)
        #expect(http.requests.count == calls)
        let id = calls == 1 ? "n1" : "n2"
        #expect(report.verdict == .succeeded(ExternalRecord(kind: "note", id: id)))
    }

    @Test(arguments: [(500, "{}"), (200, "no JSON"), (200, "")])
    func `creates nothing where the look-up fails`(_ status: Int, _ body: String) async throws {
        let http = ScriptedTransport(status: status, body: body)
        let report = try await Fixture.connector("api", http).make(Fixture.effect("mark"), approach: .lookFirst)
        #expect(http.requests.map(\.method) == ["GET"])
        guard case .transient(_, mayHaveHappened: true, _) = report.verdict else {
            Issue.record("\(report)")
            return
        }
    }
}

@Suite struct `An effect's digest` {
    @Test func `is short, stable and its own`() {
        let key = EffectKey(flow: "f", call: .init(destination: "d", action: "a"), fact: "x")
        let again = EffectKey(text: key.text)
        #expect(key.digest == again.digest)
        #expect(key.digest.utf8.count == 29)
        #expect(key.digest != EffectKey(text: key.text + "1").digest)
        #expect(key.digest.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-") })
    }
}
