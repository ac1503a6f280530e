import Crypto
import Intake
import Journal
import Model
import Settings
import TestKit
import Testing

@Suite struct `A Zendesk delivery` {
    private func read(_ body: JSONObject, invocation: String? = "inv_1") -> Reception {
        Sender.reader(.zendesk, secrets: ["secret"]).read(
            Sender.zendesk(body.encoded, secret: "secret", invocation: invocation), at: Sender.now, mint: Sender.mint())
    }

    private let created: JSONObject = [
        "type": "ticket_created", "ticket": "35", "status": "New", "email": "ada@example.com", "external_id": "",
        "url": "acme.zendesk.com/agent/tickets/35", "at": "2026-11-23T09:59:00Z",
    ]

    @Test func `of our trigger template says that a ticket was created`() throws {
        let event = try #require(read(created).event)
        #expect(event.type == .ticketCreated && event.externalID == "inv_1")
        #expect(event.occurredAt == Instant(rfc3339: "2026-11-23T09:59:00Z"))
        #expect(
            event.data == [
                "ticket": "35", "status": "new", "email": "ada@example.com", "url": "acme.zendesk.com/agent/tickets/35",
            ])
    }

    @Test(arguments: [
        ("ticket_closed", "Solved", "ticket_closed"), ("ticket_updated", "Solved", "ticket_closed"),
        ("ticket_updated", "closed", "ticket_closed"), ("ticket_updated", "Open", "ignored"),
        ("user_created", "Open", "ignored"),
    ])
    func `of our trigger template is a closed ticket when it says so`(type: String, status: String, expected: String) {
        var body = created
        body["type"] = .string(type)
        body["status"] = .string(status)
        let reception = read(body)
        #expect((reception.event?.type.name ?? reception.word) == expected)
    }

    @Test(
        arguments: [
            ("ticket.created", nil, "ticket_created"), ("ticket.status_changed", "SOLVED", "ticket_closed"),
            ("ticket.status_changed", "closed", "ticket_closed"), ("ticket.status_changed", "OPEN", "ignored"),
            ("ticket.comment_added", nil, "ignored"),
        ] as [(String, JSONValue?, String)])
    func `of an event subscription is read by its envelope`(type: String, current: JSONValue?, expected: String) {
        var change = JSONObject()
        change["current"] = current
        let reception = read([
            "type": .string("zen:event-type:" + type), "id": "e1", "subject": "zen:ticket:35",
            "time": "2026-11-23T09:00:00Z", "detail": ["id": 35, "status": "OPEN"], "event": .object(change),
        ])
        #expect((reception.event?.type.name ?? reception.word) == expected)
        #expect(reception.event == nil || reception.event?.data["ticket"] == "35")
    }

    @Test func `without a ticket is quarantined, without any id rejected`() {
        #expect(read(["type": "ticket_created"]).field == "data.ticket")
        #expect(read(["type": "ticket_created"]).word == "quarantined")
        #expect(read(created, invocation: nil).code == "missing_id")
        #expect(read(created, invocation: nil).word == "rejected")
        #expect(read(["ticket": "35"]).code == "missing_type")
    }
}

@Suite struct `A mapped delivery` {
    private static func path(_ steps: String...) -> Path { Path(steps: steps) }
    private static let map = PayloadMap(
        type: path("type"), types: ["order.paid": .paymentSucceeded, "lead": .leadCaptured, "odd": EventType("odd")],
        occurredAt: path("timestamp"), session: path("data", "chat"), user: path("data", "user", "id"),
        fields: [
            .init(name: "payment", value: .path(path("data", "order"))),
            .init(name: "amount", value: .path(path("data", "total"))),
            .init(name: "currency", value: .literal("eur")),
            .init(name: "reason", value: .text([.literal("order "), .path(path("data", "order"))])),
        ])
    private let payload: JSONObject = [
        "id": 77, "type": "order.paid", "timestamp": "2026-11-23T09:00:00Z",
        "data": ["order": "o_1", "total": 1200, "chat": "sess_1", "user": ["id": 5]],
    ]

    private func standard(_ payload: JSONObject, map: PayloadMap = map) -> Reception {
        let key = SymmetricKey(data: Array("0123456789abcdefghijklmn".utf8))
        let secret = "whsec_" + Base64.encode(Array("0123456789abcdefghijklmn".utf8))
        return Sender.reader(.standard(map), secrets: [secret]).read(
            Sender.standard(payload.encoded, key: key, id: "msg_1"), at: Sender.now, mint: Sender.mint())
    }

    @Test func `becomes what its map says, under the webhook's id`() throws {
        let event = try #require(standard(payload).event)
        #expect(event.type == .paymentSucceeded && event.externalID == "msg_1" && event.externalType == "order.paid")
        #expect(event.session == "sess_1" && event.user == "5")
        #expect(event.occurredAt == Instant(rfc3339: "2026-11-23T09:00:00Z"))
        #expect(event.data == ["payment": "o_1", "amount": 1200, "currency": "eur", "reason": "order o_1"])
    }

    @Test(arguments: [1_795_457_040, 1_795_457_040_000] as [JSONValue])
    func `may tell its time in seconds or milliseconds`(time: JSONValue) {
        var payload = payload
        payload["timestamp"] = time
        #expect(standard(payload).event?.occurredAt == Instant(seconds: 1_795_457_040))
    }

    @Test func `of a type that is not listed is ignored`() {
        var payload = payload
        payload["type"] = "order.packed"
        #expect(standard(payload).word == "ignored")
        payload["type"] = nil
        #expect(standard(payload).word == "ignored")
    }

    @Test func `that does not fit its type is quarantined with the field`() {
        #expect(standard(["type": "order.paid", "data": ["order": "o_1"]]).field == "data.amount")
        #expect(standard(["type": "odd"]).code == "unknown_type")
    }

    @Test func `without mapped fields brings its own data`() throws {
        let map = PayloadMap(type: Self.path("type"), types: ["lead": .leadCaptured])
        let event = try #require(
            standard(["type": "lead", "data": ["email": "a@example.com", "x": 1]], map: map).event)
        #expect(event.data == ["email": "a@example.com", "x": 1])
    }

    @Test func `of a declared HMAC sender has its id where the source says`() throws {
        let scheme = HMACScheme(
            header: "X-Sig", algorithm: .sha512, encoding: .base64, prefix: "v1=",
            timestamp: .init(header: "X-Time", unit: .milliseconds, separator: "|"), signedPrefix: "acme|")
        let reader = Sender.reader(.hmac(scheme, id: Self.path("id"), Self.map), secrets: ["secret"])
        func read(_ payload: JSONObject) -> Reception {
            let time = "\(Sender.now.milliseconds)"
            let code = HMAC<SHA512>.authenticationCode(
                for: Array("acme|\(time)|".utf8) + payload.encoded, using: SymmetricKey(data: Array("secret".utf8)))
            let lines = [("X-Sig", "v1=" + Base64.encode(Array(code))), ("X-Time", time)]
            return reader.read(
                InboundDelivery(headers: HeaderList(lines.map { ($0.0, $0.1) }), body: payload.encoded),
                at: Sender.now, mint: Sender.mint())
        }
        #expect(read(payload).event?.externalID == "77")
        #expect(read(["type": "order.paid"]).code == "missing_id")
    }
}
