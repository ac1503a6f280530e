import ConnectorKit
import Connectors
import Journal
import Model
import Seams
import Settings
import TestKit
import Testing

@Suite struct `HubSpot` {
    private func rendered(_ effect: Effect) throws -> JSONValue {
        let connector = try Fixture.connector("crm", ScriptedTransport(status: 200))
        let request = try connector.prepare(effect)
        return try #require(try JSONValue(parsing: request.body)["inputs"]?.array?.first)
    }

    private func report(_ status: Int, _ body: JSONValue, headers: [String: String] = [:]) async throws -> Report {
        let http = ScriptedTransport { _, _ in .answer(status, body, headers: headers) }
        return try await Fixture.connector("crm", http).make(Fixture.effect("upsert_contact"))
    }

    // MARK: Contacts

    @Test func `upserts one contact by email with text values and the name in two`() throws {
        let fields: JSONObject = ["email": "ada@example.com", "company": "Engines", "phone": 4412]
        let input = try rendered(Fixture.effect("upsert_contact", fields: fields))
        #expect(input["id"] == "ada@example.com")
        #expect(input["idProperty"] == "email")
        #expect(
            input["properties"] == [
                "email": "ada@example.com", "company": "Engines", "phone": "4412", "firstname": "Ada",
                "lastname": "Lovelace",
            ])
    }

    @Test func `sends exactly the flow's own fields and leaves absent ones out`() throws {
        let input = try rendered(
            Fixture.effect(
                "upsert_contact", set: ["email": "b@example.com", "firstname": "", "lifecyclestage": "lead", "x": nil]))
        #expect(input["properties"] == ["email": "b@example.com", "lifecyclestage": "lead"])
    }

    @Test func `finds the email in the fact, else at the subject, else waits for it`() throws {
        let known = SubjectIdentifier(.email, "sub@example.com", .claimed)
        let bare: JSONObject = ["payment": "pi_1"]
        let effect = Fixture.effect(
            "set_payment_status", data: bare, identifiers: [known], state: Fixture.paymentState)
        #expect(try rendered(effect)["id"] == "sub@example.com")
        let connector = try Fixture.connector("crm", ScriptedTransport(status: 200))
        #expect(throws: EffectRefusal.missingField("email")) {
            try connector.prepare(Fixture.effect("set_payment_status", data: bare, state: Fixture.paymentState))
        }
        #expect(throws: EffectRefusal.missingField("email")) {
            try connector.prepare(Fixture.effect("upsert_contact", data: ["name": "Ada"]))
        }
        #expect(throws: EffectRefusal.missingField("payment")) {
            try connector.prepare(Fixture.effect("set_payment_status"))
        }
    }

    @Test func `writes how the subject's payment stands now`() throws {
        let input = try rendered(Fixture.effect("set_payment_status", state: Fixture.paymentState))
        #expect(
            input["properties"] == [
                "email": "ada@example.com", "throughline_payment_status": "succeeded",
                "throughline_payment_amount": "49.00", "throughline_payment_currency": "usd",
                "throughline_payment_at": "2026-11-23T10:00:00Z",
            ])
    }

    @Test func `names the contact that it made`() async throws {
        let report = try await report(200, ActionCase.upserted)
        #expect(report.verdict == .succeeded(ExternalRecord(kind: "contact", id: "512")))
    }

    @Test func `reads the error inside a 207`() async throws {
        let error: JSONValue = ["category": "VALIDATION_ERROR", "message": "it is wrong", "status": "error"]
        let report = try await report(207, ["status": "COMPLETE", "results": [], "numErrors": 1, "errors": [error]])
        #expect(report.verdict == .permanent(.init("validation_error", "it is wrong")))
    }

    @Test func `updates the contact that a conflict names`() async throws {
        let http = ScriptedTransport { _, index in
            index == 0
                ? .answer(409, ["category": "CONFLICT", "message": "Contact already exists. Existing ID: 51"])
                : .answer(200, ["id": "51"])
        }
        let report = try await Fixture.connector("crm", http).make(Fixture.effect("upsert_contact"))
        #expect(report.verdict == .succeeded(ExternalRecord(kind: "contact", id: "51")))
        let update = try #require(http.requests.last)
        #expect(update.method == "PATCH")
        #expect(update.url == "https://api.hubapi.com/crm/v3/objects/contacts/51")
        #expect(update.json?["properties"]?["email"] == nil)
        #expect(update.json?["properties"]?["lastname"] == "Lovelace")
    }

    @Test func `tries again after an answer that it cannot read`() async throws {
        guard case .transient(_, mayHaveHappened: true, _) = try await report(200, ["results": []]).verdict else {
            Issue.record("an unreadable answer is not an end")
            return
        }
    }

    // MARK: Notes

    @Test func `writes a note that shows the customer's words and nothing else`() throws {
        let input = try rendered(Fixture.effect("add_note", set: ["body": "a <script> & \"b\"\nc"]))
        #expect(input["properties"]?["hs_note_body"] == "a &lt;script&gt; &amp; &quot;b&quot;<br>c")
        #expect(input["properties"]?["hs_timestamp"] == "2026-11-23T10:00:00Z")
        #expect(input["idProperty"] == "throughline_id")
        #expect(input["id"] == input["properties"]?["throughline_id"])
    }

    @Test func `ties a note to the known contact`() async throws {
        let http = ScriptedTransport { request, _ in
            request.method == "PUT" ? .answer(200) : .answer(200, ["results": [["id": "77"]]])
        }
        let effect = Fixture.effect("add_note", records: [ExternalRecord(kind: "contact", id: "512")])
        let report = try await Fixture.connector("crm", http).make(effect)
        #expect(report.verdict == .succeeded(ExternalRecord(kind: "note", id: "77")))
        #expect(
            http.requests.map { "\($0.method) \($0.url.dropFirst(22))" } == [
                "POST /crm/v3/objects/notes/batch/upsert",
                "PUT /crm/v4/objects/notes/77/associations/default/contacts/512",
            ])
    }

    @Test func `bounds all calls of one effect by one deadline`() async throws {
        let time = ManualTime(Fixture.now)
        let http = ScriptedTransport { request, _ in
            time.advance(by: .seconds(6))
            return request.method == "PUT" ? .answer(200) : .answer(200, ["id": "512", "results": [["id": "77"]]])
        }
        let connector = try Fixture.connector("crm", http, time: time)
        let report = try await connector.make(Fixture.effect("add_note"), deadline: .seconds(10))
        #expect(http.requests.map(\.timeout) == [.seconds(10), .seconds(4)])
        #expect(report.verdict.trouble?.errorClass == "timeout")
    }

    @Test(arguments: ["GET", "POST"])
    func `tries again where an answer came without what was asked for, cut off on its way, say`(_ method: String)
        async throws
    {
        let http = ScriptedTransport { request, _ in
            if request.method == method { return .answer(200) }
            return request.method == "GET" ? .answer(200, ["id": "512"]) : .answer(200)
        }
        let report = try await Fixture.connector("crm", http).make(Fixture.effect("add_note"))
        guard case .transient(let trouble, mayHaveHappened: true, _) = report.verdict else {
            Issue.record("\(report.verdict)")
            return
        }
        #expect(trouble.errorClass == "unreadable_answer")
    }

    @Test func `finds the contact anew where the known one is gone`() async throws {
        let http = ScriptedTransport { request, _ in
            switch (request.method, request.url) {
            case ("PUT", let url) where url.hasSuffix("/512"): .answer(404, ["category": "OBJECT_NOT_FOUND"])
            case ("GET", _): .answer(200, ["id": "900"])
            case ("PUT", _): .answer(200)
            default: .answer(200, ["results": [["id": "77"]]])
            }
        }
        let effect = Fixture.effect("add_note", records: [ExternalRecord(kind: "contact", id: "512")])
        let report = try await Fixture.connector("crm", http).make(effect)
        #expect(report.verdict == .succeeded(ExternalRecord(kind: "note", id: "77")))
        #expect(http.requests.last?.url.hasSuffix("/contacts/900") == true)
    }

    // MARK: Errors and limits

    @Test(arguments: [
        ("TEN_SECONDLY_ROLLING", Duration.seconds(10)), ("SECONDLY", .seconds(1)), ("DAILY", .seconds(3600)),
    ])
    func `waits as long as the broken limit needs`(_ policy: String, _ wait: Duration) async throws {
        let report = try await report(
            429, ["category": "RATE_LIMITS", "message": "limit", "policyName": .string(policy)])
        #expect(report.verdict == .slowDown(.init("rate_limits", "limit"), after: wait))
    }

    @Test func `says how to make a property that is missing`() async throws {
        let body: JSONValue = [
            "category": "VALIDATION_ERROR", "message": "Property values were not valid",
            "errors": [
                [
                    "code": "PROPERTY_DOESNT_EXIST", "message": "Property \"plan\" does not exist",
                    "context": ["propertyName": ["plan"]],
                ]
            ],
        ]
        guard case .blocked(let trouble) = try await report(400, body).verdict else {
            Issue.record("not blocked")
            return
        }
        #expect(trouble.errorClass == "property_does_not_exist")
        #expect(trouble.message.contains("`plan`"))
        #expect(trouble.message.contains("`throughline config check --connect --create`"))
    }

    @Test func `pauses for a credential that is refused`() async throws {
        for (status, category) in [(401, "EXPIRED_AUTHENTICATION"), (403, "MISSING_SCOPES")] {
            let report = try await report(status, ["category": .string(category), "message": "no"])
            #expect(Kind(report.verdict) == .credentials)
        }
    }

    @Test(arguments: [(423, Kind.transient), (477, .slowDown)])
    func `waits while HubSpot locks or moves`(_ status: Int, _ kind: Kind) async throws {
        #expect(Kind(try await report(status, ["message": "wait"]).verdict) == kind)
    }

    @Test func `passes on what the limit headers say`() async throws {
        let headers = [
            "X-HubSpot-RateLimit-Remaining": "42", "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            "X-HubSpot-RateLimit-Daily-Remaining": "1000",
        ]
        let hint = try await report(200, ActionCase.upserted, headers: headers).limit
        #expect(hint == RateHint(remaining: 42, resetsAfter: .seconds(10)))
        let spent = try await report(200, ActionCase.upserted, headers: ["X-HubSpot-RateLimit-Daily-Remaining": "0"])
        #expect(spent.limit == RateHint(remaining: 0, resetsAfter: .seconds(3600)))
    }

    // MARK: Requirements

    private var flows: [Flow] {
        [
            Flow(
                id: "a", name: "a", on: [.leadCaptured],
                calls: [.init(destination: "crm", action: "upsert_contact"), .init(destination: "other", action: "x")],
                set: [.init(name: "email", value: .literal("x")), .init(name: "plan_tier", value: .literal("x"))]),
            Flow(
                id: "b", name: "b", on: [.paymentSucceeded],
                calls: [.init(destination: "crm", action: "set_payment_status")]),
            Flow(id: "c", name: "c", on: [.leadCaptured], calls: [.init(destination: "crm", action: "add_note")]),
        ]
    }

    @Test func `names the properties that flows write and the account lacks`() async throws {
        let http = ScriptedTransport { request, _ in
            request.url.hasSuffix("/contacts")
                ? .answer(200, ["results": [["name": "email"], ["name": "throughline_payment_status"]]])
                : .answer(200, ["results": [["name": "throughline_id", "hasUniqueValue": false]]])
        }
        let report = try await Fixture.connector("crm", http).missingRequirements(for: flows, isCreating: false)
        #expect(
            report.missing == [
                "contacts.plan_tier", "contacts.throughline_payment_amount", "contacts.throughline_payment_at",
                "contacts.throughline_payment_currency", "notes.throughline_id (it exists without unique values)",
            ])
        #expect(http.requests.allSatisfy { $0.method == "GET" })
    }

    @Test func `makes what is missing when asked to`() async throws {
        let http = ScriptedTransport { request, _ in
            request.method == "GET" ? .answer(200, ["results": [["name": "email"]]]) : .answer(201, [:])
        }
        let report = try await Fixture.connector("crm", http).missingRequirements(for: flows, isCreating: true)
        #expect(report.missing.isEmpty)
        #expect(report.created.count == 6)
        let made = http.requests.filter { $0.method == "POST" }.compactMap(\.json)
        let key = try #require(made.first { $0["name"] == "throughline_id" })
        #expect(key["hasUniqueValue"] == true)
        let amount = try #require(made.first { $0["name"] == "throughline_payment_amount" })
        #expect(amount["type"] == "number")
        #expect(amount["groupName"] == "contactinformation")
    }

    @Test func `says why it could not ask`() async throws {
        let connector = try Fixture.connector("crm", ScriptedTransport(status: 401))
        let report = await connector.missingRequirements(for: flows, isCreating: false)
        #expect(report.trouble?.errorClass == "http_401")
    }
}
