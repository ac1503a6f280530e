import Crypto
import Intake
import Journal
import Model
import Settings
import TestKit
import Testing

@Suite struct `An event of our own form` {
    private static let reader = Sender.reader(
        .events, secrets: [Sender.standardSecret],
        catalogue: EventCatalogue(declared: [
            EventShape(EventType("seat_added"), fields: [.init("team", .id)], required: ["team"])
        ]))

    private func read(_ text: String) -> Reception {
        Self.reader.decode(Array(text.utf8), id: nil, at: Sender.now, mint: Sender.mint())
    }

    @Test func `is taken as it is described`() throws {
        let event = try #require(
            read(
                """
                {"id": "lead-7f3a", "type": "lead_captured", "occurred_at": "2026-11-23T09:00:00Z",
                 "session": "sess_81", "user": "u_12",
                 "data": {"email": "ada@Example.com", "name": "Ada", "phone": null, "message": "How much?"}}
                """
            ).event)
        #expect(event.externalID == "lead-7f3a" && event.type == .leadCaptured && event.role == .states)
        #expect(event.session == "sess_81" && event.user == "u_12" && event.source == "source")
        #expect(event.occurredAt == Instant(rfc3339: "2026-11-23T09:00:00Z") && event.receivedAt == Sender.now)
        #expect(event.data == ["email": "ada@example.com", "name": "Ada", "message": "How much?"])
    }

    @Test func `happened when it was received, unless it says otherwise`() {
        #expect(read(#"{"id":"1","type":"chat_started","session":"s"}"#).event?.occurredAt == Sender.now)
        #expect(read(#"{"id":"1","type":"chat_started","session":"s","occurred_at":""}"#).event != nil)
    }

    @Test(arguments: [
        (#"{"type":"chat_started","session":"s"}"#, "missing_id", "id"),
        (#"{"id":"","type":"chat_started","session":"s"}"#, "missing_id", "id"),
        (#"{"id":7,"type":"chat_started","session":"s"}"#, "missing_id", "id"),
        (#"{"id":"1","session":"s"}"#, "missing_type", "type"),
        (#"{"id":"1","type":"chat_begun","session":"s"}"#, "unknown_type", "type"),
        (#"{"id":"1","type":["chat_started"],"session":"s"}"#, "invalid_field", "type"),
        (#"{"id":"1","type":"chat_started","session":"s","sesion":"x"}"#, "unknown_field", "sesion"),
        (#"{"id":"1","type":"chat_started","session":5}"#, "invalid_field", "session"),
        (#"{"id":"1","type":"chat_started","user":{"id":"x"}}"#, "invalid_field", "user"),
        (#"{"id":"1","type":"chat_started","session":"s","occurred_at":"yesterday"}"#, "invalid_field", "occurred_at"),
        (#"{"id":"1","type":"chat_started","session":"s","data":[]}"#, "invalid_field", "data"),
        (#"{"id":"1","type":"lead_captured","session":"s","data":{}}"#, "invalid_field", "data.email"),
        (#"{"id":"1","type":"lead_captured","data":{"email":"nonsense"}}"#, "invalid_field", "data.email"),
        (#"{"id":"1","type":"chat_started"}"#, "missing_identity", "session"),
        (#"{"id":"1","type":"chat_started","data":{"page":"/"}}"#, "missing_identity", "session"),
    ])
    func `is rejected with the field that is wrong`(text: String, code: String, field: String) {
        let reception = read(text)
        #expect(reception.word == "rejected")
        #expect(reception.code == code)
        #expect(reception.field == field)
    }

    @Test(arguments: [
        #"{"id":"1","type":"chat_started","user":"u"}"#,
        #"{"id":"1","type":"lead_captured","data":{"email":"a@example.com"}}"#,
        #"{"id":"1","type":"support_escalated","data":{"payment":"pi_1"}}"#,
        #"{"id":"1","type":"seat_added","data":{"team":"t1"}}"#,
        #"{"id":"1","type":"chat_started","data":{"phone":"+44 1"}}"#,
    ])
    func `is about somebody when any identifier says so`(text: String) {
        #expect(read(text).word == "event")
    }

    @Test(arguments: ["id", "session", "user"])
    func `has ids of bounded length`(name: String) {
        func text(_ length: Int) -> String {
            var event: JSONObject = ["id": "1", "type": "chat_started", "session": "s"]
            event[name] = .string(String(repeating: "x", count: length))
            return event.encodedText
        }
        #expect(read(text(Limits.idLengthMax)).word == "event")
        #expect(read(text(Limits.idLengthMax + 1)).word == "rejected")
        #expect(read(text(Limits.idLengthMax + 1)).field == name)
    }

    @Test func `that is no JSON is kept under the digest of its body`() throws {
        guard case .rejected(let kept) = read("{nonsense") else {
            Issue.record("it was not rejected")
            return
        }
        #expect(kept.code == "invalid_json")
        #expect(kept.externalID == "sha256:" + Sender.hex(SHA256.hash(data: Array("{nonsense".utf8))))
        #expect(kept.payload == Array("{nonsense".utf8))
        #expect(read("").code == "invalid_json")
        #expect(read("[]").code == "invalid_json")
        #expect(read("\"text\"").code == "invalid_json")
    }

    @Test func `that is nested without end is rejected`() {
        #expect(read(String(repeating: "[", count: 50_000)).code == "too_deep")
        #expect(read(String(repeating: #"{"a":"#, count: 50_000)).code == "too_deep")
    }

    @Test(arguments: 0..<20)
    func `is read out of any garbage without a trap`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let whole = Array(
            #"{"id":"1","type":"lead_captured","session":"s","data":{"email":"a@example.com","n":[1,2.5,null]}}"#.utf8)
        for _ in 0..<200 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...6, using: &generator) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: .min ... .max, using: &generator)
                case 1: bytes.remove(at: place)
                default: bytes.insert(contentsOf: bytes[place...].prefix(9), at: place)
                }
            }
            let reception = Self.reader.decode(bytes, id: nil, at: Sender.now, mint: Sender.mint())
            #expect(["event", "rejected"].contains(reception.word), "seed \(seed): \(bytes)")
        }
    }
}
