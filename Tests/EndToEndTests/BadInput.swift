import Model
import Sandbox
import Seams
import Testing

extension `The whole product`.`Bad input` {
    /// What is sent, and the status that answers it.
    struct Case {
        var name: String
        var status: Int
        var path = "/in/chat"
        var headers: [OutboundRequest.Header]
        var body: [UInt8]
    }

    @Test func `is refused each in its own way, and the server goes on`() async throws {
        try await Stage.set { stage in
            try await stage.server.start()
            for bad in Self.unsigned + Self.signed + Self.elsewhere {
                let answer = try await answer(to: bad, stage)
                #expect(answer.status == bad.status, "\(bad.name): \(String(decoding: answer.body, as: UTF8.self))")
                let text = String(decoding: answer.body, as: UTF8.self)
                #expect(text.contains("\"error\"") && text.contains("request_id"), "\(bad.name): \(text)")
            }
            #expect(await stage.server.status("/v1/events") == 401)
            #expect(await stage.server.status("/healthz") == 200)
            #expect(try await stage.all("/v1/events").isEmpty)
            #expect(try await stage.all("/v1/quarantine").count == Self.signed.count)
            #expect(await stage.deliver(Stage.lead(1)) == 200)
            try await stage.settle()
            #expect(stage.contacts.count == 1)
        }
    }

    /// On a busy machine a client may still be sending when the second is over that it gets for that; it tries again.
    private func answer(to bad: Case, _ stage: Stage) async throws -> InboundResponse {
        var trouble: TransportError?
        for _ in 1...3 {
            do throws(TransportError) {
                return try await stage.server.send("POST", bad.path, headers: bad.headers, body: bad.body)
            } catch {
                trouble = error
            }
        }
        throw Trouble("no answer to \(bad.name): \(trouble.map { "\($0)" } ?? "")")
    }

    private static let good = Stage.lead(0)

    private static var unsigned: [Case] {
        let now = Stage.time.now
        func signed(_ secret: String, at moment: Instant) -> [OutboundRequest.Header] {
            Signing.standard(secret: secret).headers(id: good.id, body: good.body, at: moment)
        }
        let json = OutboundRequest.Header("content-type", "application/json")
        let right = Stage.chat.secret
        return [
            Case(name: "no signature", status: 401, headers: [json], body: good.body),
            Case(
                name: "another secret", status: 401, headers: signed("whsec_YW5vdGhlciBzZWNyZXQ=", at: now),
                body: good.body),
            Case(name: "stale", status: 401, headers: signed(right, at: now - .seconds(3600)), body: good.body),
            Case(name: "future", status: 401, headers: signed(right, at: now + .seconds(3600)), body: good.body),
            Case(name: "another body", status: 401, headers: signed(right, at: now), body: good.body + [0x20]),
            Case(
                name: "garbage", status: 401,
                headers: [
                    json, .init("webhook-id", good.id), .init("webhook-timestamp", "soon"),
                    .init("webhook-signature", ",,v1 v1,%%%"),
                ], body: good.body),
            Case(
                name: "garbage for Stripe", status: 401, path: "/in/stripe",
                headers: [json, .init("stripe-signature", "t=,v1=zz,,=")], body: good.body),
        ]
    }

    private static var signed: [Case] {
        let bodies: [(String, String)] = [
            ("not JSON", "{\"id\": "),
            ("50,000 open brackets", String(repeating: "[", count: 50_000)),
            ("no id", #"{"type": "lead_captured", "session": "s", "data": {"email": "a@example.com"}}"#),
            ("no email", #"{"id": "bad-1", "type": "lead_captured", "session": "s", "data": {}}"#),
            ("no usable email", #"{"id": "bad-2", "type": "lead_captured", "session": "s", "data": {"email": "@@"}}"#),
            ("an unknown type", #"{"id": "bad-3", "type": "moon_landed", "session": "s", "data": {}}"#),
        ]
        return bodies.enumerated().map { index, body in
            let bytes = Array(body.1.utf8)
            let headers = Signing.standard(secret: Stage.chat.secret)
                .headers(id: "message-\(index)", body: bytes, at: Stage.time.now)
            return Case(name: body.0, status: 400, headers: headers, body: bytes)
        }
    }

    private static var elsewhere: [Case] {
        let json = OutboundRequest.Header("content-type", "application/json")
        let large = [UInt8](repeating: 0x20, count: 8 << 20)
        let wrongKey = OutboundRequest.Header("authorization", "Bearer tl_abcdefgh_abcdefghijklmnopqrstuvwxyz")
        return [
            Case(name: "no such source", status: 404, path: "/in/nobody", headers: good.headers, body: good.body),
            Case(name: "8 MB", status: 413, headers: [json], body: large),
            Case(name: "no key", status: 401, path: "/v1/events", headers: [json], body: good.body),
            Case(name: "a wrong key", status: 401, path: "/v1/events", headers: [json, wrongKey], body: good.body),
            Case(name: "8 MB without a key", status: 413, path: "/v1/events", headers: [json], body: large),
        ]
    }
}
