import ConnectorKit
import Connectors
import Journal
import Model
import Seams
import Testing

@Suite struct `Zendesk` {
    private func ticket(_ effect: Effect) throws -> JSONValue {
        let request = try Fixture.connector("desk", ScriptedTransport(status: 200)).prepare(effect)
        return try #require(try JSONValue(parsing: request.body)["ticket"])
    }

    private var escalation: JSONObject {
        [
            "email": "ada@example.com", "name": "Ada", "reason": "charged twice", "message": "I paid <b>twice</b>!",
            "intent": "refund", "confidence": 0.93, "urgency": "high", "payment": "pi_2",
        ]
    }

    private func escalated(payments: [PaymentView] = []) -> Effect {
        Fixture.effect("open_ticket", type: .supportEscalated, data: escalation, payments: payments)
    }

    // MARK: Tickets

    @Test func `opens a ticket that says who, where and what the payments show`() throws {
        let payments = [
            Fixture.payment("pi_2", after: .seconds(180)), Fixture.payment("pi_1"),
            Fixture.payment("pi_9", after: .seconds(-90_000), amount: 500, isProven: false),
        ]
        let ticket = try ticket(escalated(payments: payments))
        let body = try #require(ticket["comment"]?["body"]?.string)
        for line in [
            "I paid <b>twice</b>!", "Reason: charged twice", "Intent: refund", "Urgency: high", "User: u_12",
            "Conversation: sess_81", "Payment named in the conversation: pi_2",
            "- pi_1: 49.00 USD, succeeded, 2026-11-23T10:00:00Z",
            "- pi_9: 5.00 USD, succeeded, 2026-11-22T09:00:00Z, matched by address, unproven",
            "possible double charge: pi_1 and pi_2, 49.00 USD each, 3 minutes apart", "Trail: \(Fixture.trail)",
        ] {
            #expect(body.split(separator: "\n").contains(Substring(line)), "\(line) is not in:\n\(body)")
        }
        #expect(ticket["requester"] == ["name": "Ada", "email": "ada@example.com"])
        #expect(ticket["priority"] == nil)
        #expect(ticket["tags"] == ["throughline"])
    }

    @Test func `shows the payments to staff alone and the words as plain text`() throws {
        let comment = try ticket(escalated(payments: [Fixture.payment("pi_1")]))["comment"]
        #expect(comment?["public"] == false)
        #expect(comment?["html_body"] == nil)
    }

    @Test func `takes the flow's own ticket fields and keeps the details`() throws {
        let effect = Fixture.effect(
            "open_ticket", type: .supportEscalated, data: escalation,
            set: ["subject": "Refund", "priority": "urgent", "tags": "vip, billing", "group_id": 7])
        let ticket = try ticket(effect)
        #expect(ticket["subject"] == "Refund")
        #expect(ticket["priority"] == "urgent")
        #expect(ticket["tags"] == ["throughline", "vip", "billing"])
        #expect(ticket["group_id"] == 7)
        #expect(ticket["comment"]?["body"]?.string?.contains("Conversation: sess_81") == true)
    }

    @Test func `leaves the requester to Zendesk where no address is known`() throws {
        let ticket = try ticket(Fixture.effect("open_ticket", type: .supportEscalated, data: ["message": "help"]))
        #expect(ticket["requester"] == nil)
    }

    @Test func `sends its key and signs in as the agent's token`() async throws {
        let http = ScriptedTransport { _, _ in .answer(201, ["ticket": ["id": 35436]]) }
        let report = try await Fixture.connector("desk", http).make(escalated())
        let sent = try #require(http.requests.first)
        #expect(sent.url == "https://acme.zendesk.com/api/v2/tickets")
        #expect(sent.header("idempotency-key") == sent.json?["ticket"]?["external_id"]?.string)
        #expect(sent.header("authorization")?.hasPrefix("Basic b3BzQGFjbWUuZXhhbXBsZS90b2tlbjp6ZC10b2tlb") == true)
        #expect(
            report.verdict
                == .succeeded(
                    ExternalRecord(
                        kind: "ticket", id: "35436", url: "https://acme.zendesk.com/agent/tickets/35436")))
    }

    @Test func `adopts the ticket that an earlier attempt made`() async throws {
        let effect = escalated()
        let key = try #require(try ticket(effect)["external_id"]?.string)
        let http = ScriptedTransport { request, _ in
            request.method == "GET"
                ? .answer(200, ["tickets": [["id": 9, "external_id": .string(key)]]]) : .answer(500)
        }
        let report = try await Fixture.connector("desk", http).make(effect, approach: .lookFirst)
        #expect(http.requests.map(\.method) == ["GET"])
        #expect(http.requests.first?.url == "https://acme.zendesk.com/api/v2/tickets?external_id=\(key)")
        guard case .succeeded(let record) = report.verdict else {
            Issue.record("\(report)")
            return
        }
        #expect(record?.id == "9")
    }

    @Test func `does not adopt a ticket of another key`() async throws {
        let http = ScriptedTransport { request, _ in
            request.method == "GET"
                ? .answer(200, ["tickets": [["id": 9, "external_id": "other"]]])
                : .answer(201, ["ticket": ["id": 10]])
        }
        _ = try await Fixture.connector("desk", http).make(escalated(), approach: .lookFirst)
        #expect(http.requests.map(\.method) == ["GET", "POST"])
    }

    @Test func `creates nothing where the look-up says nothing`() async throws {
        let http = ScriptedTransport { _, _ in .answer(200, ["unexpected": true]) }
        let report = try await Fixture.connector("desk", http).make(escalated(), approach: .lookFirst)
        #expect(http.requests.map(\.method) == ["GET"])
        #expect(Kind(report.verdict) == .transient)
    }

    @Test func `looks for the ticket where its key is taken by other bytes`() async throws {
        let effect = escalated()
        let key = try #require(try ticket(effect)["external_id"]?.string)
        let http = ScriptedTransport { request, _ in
            request.method == "GET"
                ? .answer(200, ["tickets": [["id": 9, "external_id": .string(key)]]])
                : .answer(400, ["error": "IdempotentRequestError", "description": "Request parameters don't match"])
        }
        #expect(Kind(try await Fixture.connector("desk", http).make(effect).verdict) == .succeeded)
    }

    // MARK: Comments and status

    @Test func `comments internally unless told otherwise, with its mark last`() throws {
        let effect = Fixture.effect("comment", records: [Fixture.ticket])
        let comment = try #require(try ticket(effect)["comment"])
        #expect(comment["public"] == false)
        #expect(comment["body"]?.string?.split(separator: "\n").last?.hasPrefix("[throughline tl-") == true)
        let open = Fixture.effect("comment", set: ["body": "x", "public": true], records: [Fixture.ticket])
        #expect(try ticket(open)["comment"]?["public"] == true)
    }

    @Test func `finds its comment on a later page and does not write it again`() async throws {
        let effect = Fixture.effect("comment", records: [Fixture.ticket])
        let body = try #require(try ticket(effect)["comment"]?["body"])
        let http = ScriptedTransport { request, index in
            switch (request.method, index) {
            case ("GET", 0):
                .answer(200, ["comments": [["body": "hi"]], "meta": ["has_more": true, "after_cursor": "c+1"]])
            case ("GET", _): .answer(200, ["comments": [["body": body]], "meta": ["has_more": false]])
            default: .answer(500)
            }
        }
        let report = try await Fixture.connector("desk", http).make(effect, approach: .lookFirst)
        #expect(Kind(report.verdict) == .succeeded)
        #expect(http.requests.map(\.method) == ["GET", "GET"])
        #expect(http.requests.last?.url.hasSuffix("page%5Bafter%5D=c%2B1") == true)
    }

    @Test func `waits for the ticket's record and refuses what cannot be one`() throws {
        let connector = try Fixture.connector("desk", ScriptedTransport(status: 200))
        for action in ["comment", "set_status"] {
            #expect(throws: EffectRefusal.missingRecord("ticket")) {
                try connector.prepare(Fixture.effect(action, set: ["status": "solved"]))
            }
        }
        #expect(throws: EffectRefusal.self) {
            try connector.prepare(Fixture.effect("comment", set: ["ticket": "1/../2"]))
        }
        #expect(throws: EffectRefusal.missingField("status")) {
            try connector.prepare(Fixture.effect("set_status", records: [Fixture.ticket]))
        }
        #expect(throws: EffectRefusal.self) {
            try connector.prepare(Fixture.effect("set_status", set: ["status": "gone"], records: [Fixture.ticket]))
        }
    }

    @Test func `says what to do about a closed ticket`() async throws {
        let body: JSONValue = [
            "error": "RecordInvalid", "description": "Record validation errors",
            "details": ["status": [["description": "Status: closed prevents ticket update"]]],
        ]
        let http = ScriptedTransport { _, _ in .answer(422, body) }
        let effect = Fixture.effect("set_status", set: ["status": "solved"], records: [Fixture.ticket])
        guard case .permanent(let trouble) = try await Fixture.connector("desk", http).make(effect).verdict else {
            Issue.record("not permanent")
            return
        }
        #expect(trouble.errorClass == "ticket_closed")
        #expect(trouble.message.contains("follows it up"))
    }

    // MARK: Limits and credentials

    @Test func `reads its limits`() async throws {
        let http = ScriptedTransport(
            status: 201, body: #"{"ticket": {"id": 1}}"#,
            headers: ["ratelimit-remaining": "99", "ratelimit-reset": "41", "X-Rate-Limit-Remaining": "500"])
        let report = try await Fixture.connector("desk", http).make(escalated())
        #expect(report.limit == RateHint(remaining: 99, resetsAfter: .seconds(41)))
    }

    @Test func `knows that an anonymous answer is no sign-in`() async throws {
        let http = ScriptedTransport { _, _ in .answer(200, ["user": ["id": nil, "role": "end-user"]]) }
        #expect(Kind(await (try Fixture.connector("desk", http)).probe()) == .credentials)
    }
}
