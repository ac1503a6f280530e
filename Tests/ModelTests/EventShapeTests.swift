import Model
import TestKit
import Testing

@Suite struct `The shape of an event` {
    private let catalogue = EventCatalogue(declared: [
        EventShape(
            EventType("trial_extended"),
            fields: [
                .init("days", .integer), .init("score", .number), .init("is_paid", .flag), .init("until", .time),
                .init("note", .text),
            ])
    ])

    private func checked(_ type: EventType, _ data: JSONObject) throws -> JSONObject {
        let shape = try #require(catalogue[type])
        return try shape.checked(data)
    }

    private func field(_ type: EventType, _ data: JSONObject) throws -> String? {
        do {
            _ = try checked(type, data)
            return nil
        } catch let error as ShapeError {
            return error.field
        }
    }

    @Test func `drops null and empty text as absent`() throws {
        let data = try checked(.leadCaptured, ["email": "a@example.com", "name": nil, "company": ""])
        #expect(data == ["email": "a@example.com"])
    }

    @Test func `normalises addresses, currencies, amounts and times`() throws {
        let payment = try checked(
            .paymentFailed,
            [
                "payment": "pi_1", "amount": 4900.0, "currency": "EUR", "email": " Ada@EXAMPLE.com ",
                "next_attempt_at": "2026-11-23T11:00:00+01:00",
            ])
        #expect(payment["amount"] == 4900)
        #expect(payment["currency"] == "eur")
        #expect(payment["email"] == "Ada@example.com")
        #expect(payment["next_attempt_at"] == "2026-11-23T10:00:00Z")
    }

    @Test func `keeps unknown fields and drops zero characters`() throws {
        let data = try checked(
            .leadCaptured, ["email": "a@example.com", "plan": ["seats": 3, "note": "a\u{0}b"], "name": "\u{0}"])
        #expect(data == ["email": "a@example.com", "plan": ["seats": 3, "note": "ab"]])
    }

    @Test(
        arguments: [
            (["email": 5], "data.email"), (["email": "nonsense"], "data.email"), ([:], "data.email"),
            (["email": ""], "data.email"), (["email": "a@example.com", "name": ["a"]], "data.name"),
        ] as [(JSONObject, String)])
    func `names the field of a lead that does not fit`(data: JSONObject, expected: String) throws {
        #expect(try field(.leadCaptured, data) == expected)
    }

    @Test(
        arguments: [
            (["amount": -1], "data.amount"), (["amount": 1.5], "data.amount"), (["amount": "12"], "data.amount"),
            (["currency": "euro"], "data.currency"), (["currency": "e1r"], "data.currency"),
            (["next_attempt_at": "tomorrow"], "data.next_attempt_at"), (["attempt": 1.5], "data.attempt"),
        ] as [(JSONObject, String)])
    func `names the field of a payment that does not fit`(change: JSONObject, expected: String) throws {
        var data: JSONObject = ["payment": "pi_1", "amount": 1, "currency": "eur"]
        for member in change.members { data[member.key] = member.value }
        #expect(try field(.paymentFailed, data) == expected)
    }

    @Test(
        arguments: [
            (["days": "3"], "data.days"), (["score": true], "data.score"), (["is_paid": 1], "data.is_paid"),
            (["until": 5], "data.until"), (["note": false], "data.note"),
        ] as [(JSONObject, String)])
    func `names the field of a declared type that does not fit`(data: JSONObject, expected: String) throws {
        #expect(try field(EventType("trial_extended"), data) == expected)
    }

    @Test func `asks for one of a group`() throws {
        let rest: JSONObject = ["amount": 1, "currency": "eur"]
        #expect(try field(.paymentRefunded, rest) == "data.payment")
        var byCharge = rest
        byCharge["charge"] = "ch_1"
        #expect(try field(.paymentRefunded, byCharge) == nil)
    }

    @Test func `bounds text by its kind`() throws {
        func lead(_ name: String, _ length: Int) -> JSONObject {
            ["email": "a@example.com", name: .string(String(repeating: "x", count: length))]
        }
        #expect(try field(.leadCaptured, lead("name", Limits.textLengthMax)) == nil)
        #expect(try field(.leadCaptured, lead("name", Limits.textLengthMax + 1)) == "data.name")
        #expect(try field(.leadCaptured, lead("message", Limits.messageLengthMax)) == nil)
        #expect(try field(.leadCaptured, lead("message", Limits.messageLengthMax + 1)) == "data.message")
        #expect(try field(.leadCaptured, lead("own", Limits.textLengthMax + 1)) == "data.own")
        let id = String(repeating: "x", count: Limits.idLengthMax + 1)
        #expect(try field(.ticketCreated, ["ticket": .string(id)]) == "data.ticket")
    }

    @Test func `bounds the number of fields`() throws {
        var data: JSONObject = ["email": "a@example.com"]
        for index in 1..<Limits.dataFieldsMax { data["f\(index)"] = 1 }
        #expect(try field(.leadCaptured, data) == nil)
        data["one_more"] = 1
        #expect(try field(.leadCaptured, data) == "data")
    }

    @Test func `takes the first of a name that stands twice`() throws {
        let data = try JSONObject(parsing: Array(#"{"email":"a@example.com","email":"b@example.com"}"#.utf8))
        #expect(try checked(.leadCaptured, data) == ["email": "a@example.com"])
    }

    @Test func `leaves out what does not fit of a provider's optional fields`() throws {
        let shape = try #require(catalogue[.paymentSucceeded])
        let data = try shape.fitted(
            ["payment": "pi_1", "amount": 1, "currency": "eur", "email": "nonsense"], isComplete: true)
        #expect(data == ["payment": "pi_1", "amount": 1, "currency": "eur"])
        #expect(throws: ShapeError.self) { try shape.fitted(["payment": "pi_1"], isComplete: true) }
        #expect(try shape.fitted(["payment": "pi_1"], isComplete: false) == ["payment": "pi_1"])
    }

    @Test(arguments: 0..<20)
    func `changes nothing when it checks again`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let values: [JSONValue] = [
            "USD", "a@Example.com", "2026-11-23T10:00:00.5+02:00", 7, 7.0, nil, "", true, ["x\u{0}"], ["k": nil],
        ]
        let names = ["payment", "amount", "currency", "email", "next_attempt_at", "own"]
        for _ in 0..<200 {
            var data = JSONObject()
            for name in names { data[name] = values.randomElement(using: &generator) }
            guard let once = try? checked(.paymentSucceeded, data) else { continue }
            #expect(try checked(.paymentSucceeded, once) == once, "seed \(seed): \(data.encodedText)")
        }
    }
}
