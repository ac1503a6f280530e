import ConnectorKit
import Connectors
import Journal
import Model
import Sandbox
import Seams
import Settings
import TestKit
import Testing

/// The connectors against services that refuse what the real ones refuse.
@Suite struct `Against a stand-in` {
    let time = ManualTime(Fixture.now)
    let services = StandInSet([
        "hubspot": HubSpotStandIn(token: Fixture.token),
        "zendesk": ZendeskStandIn(email: "ops@acme.example", token: "zd-token-000111222"),
        "slack": SlackStandIn(), "hook": WebhookReceiver(secrets: [Fixture.webhookSecret]),
        "api": GenericAPIStandIn(token: "api-token-333444"),
    ])

    private func connector(_ name: String) throws -> any Connector {
        try Fixture.connector(name, SandboxTransport(services, time: time), time: time)
    }

    private var hubspot: HubSpotStandIn { get throws { try #require(services.state(of: "hubspot")) } }
    private var zendesk: ZendeskStandIn { get throws { try #require(services.state(of: "zendesk")) } }

    /// Makes the account's properties, as `config check --connect --create` does.
    private func prepareHubSpot() async throws {
        let calls = ["set_payment_status", "add_note"].map { Flow.Call(destination: "crm", action: $0) }
        let flows = calls.map { Flow(id: $0.action, name: $0.action, on: [.leadCaptured], calls: [$0]) }
        let report = try await connector("crm").missingRequirements(for: flows, isCreating: true)
        #expect(report.missing.isEmpty)
        #expect(report.trouble == nil)
        #expect(report.created.count == 5)
    }

    private func succeeds(_ name: String, _ effect: Effect, approach: Approach = .first) async throws
        -> ExternalRecord?
    {
        let report = try await connector(name).make(effect, approach: approach)
        guard case .succeeded(let record) = report.verdict else {
            Issue.record("\(name).\(effect.action): \(report)")
            return nil
        }
        return record
    }

    /// Performs, loses the answer after the effect, performs again as a worker would after an unknown end.
    private func losesAnswerThenRetries(
        _ name: String, of service: String, _ effect: Effect, on method: String = "POST"
    )
        async throws -> ExternalRecord?
    {
        let connector = try connector(name)
        let request = try connector.prepare(effect)
        services.setFaults([Fault.after(.timeout).times(1).on(method)], for: service)
        let first = await connector.perform(request, for: effect, approach: .first, deadline: .seconds(15))
        guard case .transient(_, mayHaveHappened: true, _) = first.verdict else {
            Issue.record("\(first)")
            return nil
        }
        let action = try #require(connector.actions.first { $0.name == effect.action })
        let approach: Approach = if case .findable = action.effectClass { .lookFirst } else { .repeatWithKey }
        time.advance(by: .seconds(60))
        let again = await connector.perform(request, for: effect, approach: approach, deadline: .seconds(15))
        guard case .succeeded(let record) = again.verdict else {
            Issue.record("\(again)")
            return nil
        }
        return record
    }

    // MARK: HubSpot

    @Test func `one lead is one contact after a lost answer`() async throws {
        let fields: JSONObject = ["email": "ada@example.com", "company": "Analytical Engines"]
        let effect = Fixture.effect("upsert_contact", fields: fields)
        let record = try await losesAnswerThenRetries("crm", of: "hubspot", effect)
        let contacts = try hubspot.contacts
        #expect(contacts.count == 1)
        #expect(record?.id == contacts.first.map { String($0.id) })
        #expect(contacts.first?.properties["lastname"] == "Lovelace")
    }

    @Test func `a payment stands at its contact once the properties are made`() async throws {
        let effect = Fixture.effect("set_payment_status", state: Fixture.paymentState)
        let before = try await connector("crm").make(effect)
        #expect(before.verdict.trouble?.errorClass == "property_does_not_exist")
        try await prepareHubSpot()
        _ = try await succeeds("crm", effect)
        let contact = try #require(try hubspot.contacts.first)
        #expect(contact.properties["throughline_payment_status"] == "succeeded")
        #expect(contact.properties["throughline_payment_amount"] == "49.00")
    }

    @Test func `one note is written after a lost answer, and its contact made`() async throws {
        try await prepareHubSpot()
        let effect = Fixture.effect("add_note")
        let record = try await losesAnswerThenRetries("crm", of: "hubspot", effect, on: "PUT")
        #expect(try hubspot.notes.count == 1)
        #expect(try hubspot.contacts.count == 1)
        #expect(record?.kind == "note")
        let note = try #require(try hubspot.notes.first?.id)
        let contact = try #require(try hubspot.contacts.first?.id)
        #expect(try hubspot.areAssociated(note, contact))
    }

    @Test func `a revoked HubSpot token pauses`() async throws {
        _ = services.change("hubspot", as: HubSpotStandIn.self) { $0.tokens = [] }
        #expect(Kind(await (try connector("crm")).probe()) == .credentials)
        #expect(Kind(try await connector("crm").make(Fixture.effect("upsert_contact")).verdict) == .credentials)
    }

    // MARK: Zendesk

    private var escalation: Effect {
        Fixture.effect(
            "open_ticket", type: .supportEscalated, fact: "tev_1")
    }

    @Test func `one escalation is one ticket after a lost answer`() async throws {
        let record = try await losesAnswerThenRetries("desk", of: "zendesk", escalation)
        #expect(try zendesk.allTickets.count == 1)
        #expect(record?.id == (try zendesk.allTickets.first.map { String($0.id) }))
    }

    @Test func `one escalation is one ticket when the key has been forgotten`() async throws {
        let connector = try connector("desk")
        let effect = escalation
        let request = try connector.prepare(effect)
        services.setFaults([Fault.after(.reset).times(1)], for: "zendesk")
        _ = await connector.perform(request, for: effect, approach: .first, deadline: .seconds(15))
        time.advance(by: .seconds(3 * 3600))
        let again = await connector.perform(request, for: effect, approach: .lookFirst, deadline: .seconds(15))
        #expect(Kind(again.verdict) == .succeeded)
        #expect(try zendesk.allTickets.count == 1)
    }

    @Test func `one comment is written after a lost answer`() async throws {
        let ticket = try #require(try await succeeds("desk", escalation))
        let effect = Fixture.effect("comment", records: [ticket])
        _ = try await losesAnswerThenRetries("desk", of: "zendesk", effect, on: "PUT")
        #expect(try zendesk.allTickets.first?.comments.count == 2)
        #expect(try zendesk.allTickets.first?.comments.last?.isPublic == false)
    }

    @Test func `a status is set, and a closed ticket says so`() async throws {
        let ticket = try #require(try await succeeds("desk", escalation))
        let effect = Fixture.effect("set_status", set: ["status": "solved"], records: [ticket])
        _ = try await succeeds("desk", effect)
        #expect(try zendesk.allTickets.first?.status == "solved")
        let id = try #require(Int(ticket.id))
        _ = services.change("zendesk", as: ZendeskStandIn.self) {
            $0.setStatus("closed", ofTicket: id, at: Fixture.now)
        }
        let report = try await connector("desk").make(effect)
        #expect(report.verdict.trouble?.errorClass == "ticket_closed")
    }

    @Test func `a revoked Zendesk token fails the probe`() async throws {
        #expect(Kind(await (try connector("desk")).probe()) == .succeeded)
        _ = services.change("zendesk", as: ZendeskStandIn.self) { $0.tokens = [] }
        #expect(Kind(await (try connector("desk")).probe()) == .credentials)
    }

    // MARK: Slack, webhook, HTTP

    @Test func `a notice arrives in the channel, and a probe leaves nothing there`() async throws {
        _ = try await succeeds("team", Fixture.effect("notify"))
        #expect(Kind(await (try connector("team")).probe()) == .succeeded)
        let slack = try #require(services.state(of: "slack", as: SlackStandIn.self))
        #expect(slack.messages.count == 1)
        _ = services.change("slack", as: SlackStandIn.self) { $0.isRemoved = true }
        #expect(Kind(await (try connector("team")).probe()) == .blocked)
    }

    @Test func `a signed event arrives once after a lost answer`() async throws {
        _ = try await losesAnswerThenRetries("hook", of: "hook", Fixture.effect("send"))
        let receiver = try #require(services.state(of: "hook", as: WebhookReceiver.self))
        #expect(receiver.messages.count == 1)
        #expect(receiver.duplicates == 1)
        let body = try JSONValue(parsing: try #require(receiver.messages.first).body)
        #expect(body["type"] == "lead_captured")
        #expect(body["data"]?["data"]?["email"] == "ada@example.com")
    }

    @Test func `a closed endpoint pauses its destination`() async throws {
        _ = services.change("hook", as: WebhookReceiver.self) { $0.isGone = true }
        #expect(Kind(try await connector("hook").make(Fixture.effect("send")).verdict) == .blocked)
    }

    @Test(arguments: [("create", "leads"), ("mark", "notes"), ("put", "people")])
    func `a declared action makes one item after a lost answer`(_ action: String, _ list: String) async throws {
        let method = action == "put" ? "PUT" : "POST"
        _ = try await losesAnswerThenRetries("api", of: "api", Fixture.effect(action), on: method)
        let api = try #require(services.state(of: "api", as: GenericAPIStandIn.self))
        #expect(api.items[list]?.count == 1)
    }
}
