import ConnectorKit
import Connectors
import Journal
import Model
import Sandbox
import Seams
import Settings
import TestKit
import Testing

@Suite struct `Stripe's history` {
    private let time = ManualTime(Fixture.now)

    private func history(_ http: any HTTPTransport, key: String? = "rk_test") -> StripeHistory {
        StripeHistory(
            api: ProviderAPI(key: .environment("K")), key: key.map { Redacted($0) },
            world: World(time: time, chance: SeededChance(seed: 1), http: http))
    }

    private func services(_ count: Int) -> StandInSet {
        var standIn = StripeStandIn(key: "rk_test")
        for index in 0..<count {
            let at = Fixture.now - .seconds(Int64(index))
            let purchase = StripePurchase(
                tag: "t\(index)", email: "a@example.com", name: "Ada", amount: 100, startedAt: at)
            standIn.record(purchase.paymentSucceeded(at: at))
        }
        return StandInSet(["stripe": standIn])
    }

    private var window: ListWindow {
        ListWindow(since: Fixture.now - .seconds(86_400), until: Fixture.now + .seconds(1))
    }

    @Test func `is read page by page, events as a delivery would bring them`() async throws {
        let http = RecordingTransport(SandboxTransport(services(250), time: time))
        let history = history(http)
        var (events, after): ([ToldEvent], String?) = ([], nil)
        repeat {
            let page = try await history.events(in: window, after: after)
            events += page.items
            after = page.next
        } while after != nil
        #expect(Set(events.map(\.id)).count == 250 && http.requests.count == 3)
        #expect(events.allSatisfy { $0.object?.hasPrefix("payment:pi_") == true })
        #expect(try JSONObject(parsing: events[0].payload)["object"] == "event")
        let sent = try #require(http.requests.first)
        #expect(sent.method == "GET" && sent.headers.contains { $0.name == "stripe-version" })
        var told: [ToldObject] = []
        for kind in history.objectKinds { told += try await history.objects(kind, in: window, after: nil).items }
        #expect(told.count == 100)
        #expect(
            told.allSatisfy {
                if case .fact(let key) = $0.trace { key.hasPrefix("payment_succeeded:pi_") } else { false }
            })
    }

    @Test func `gives an object as the event that would tell of it, under an id that Stripe never has`() async throws {
        let services = services(1)
        let history = history(SandboxTransport(services, time: time))
        let object = try #require(await history.objects("payment_intents", in: window, after: nil).items.first)
        let payload = try #require(await history.payload(of: object.id, now: time.now))
        let event = try JSONObject(parsing: payload)
        #expect(event["type"] == "payment_intent.succeeded")
        #expect(event["id"]?.string == "recovered-\(object.id)-succeeded")
        #expect(event["data"]?["object"]?["id"]?.string == object.id)
        #expect(try await history.payload(of: "pi_none", now: time.now) == nil)
        #expect(try await history.payload(of: "evt_none", now: time.now) == nil)
    }

    private func verdict(_ body: () async throws(Setback) -> Void) async -> Verdict? {
        do throws(Setback) {
            try await body()
            return nil
        } catch {
            return error.report.verdict
        }
    }

    @Test func `says what stands in its way`() async throws {
        let services = services(1)
        let window = window
        let wrong = history(SandboxTransport(services, time: time), key: "rk_other")
        #expect(
            Kind(
                try #require(await verdict { () throws(Setback) in _ = try await wrong.events(in: window, after: nil) })
            ) == .credentials)
        let missing = history(SandboxTransport(services, time: time), key: nil)
        #expect(
            Kind(
                try #require(
                    await verdict { () throws(Setback) in _ = try await missing.events(in: window, after: nil) }))
                == .credentials)
        let history = history(SandboxTransport(services, time: time))
        var last: Verdict?
        for _ in 0..<30 {
            last = await verdict { () throws(Setback) in _ = try await history.events(in: window, after: nil) } ?? last
        }
        guard case .slowDown(_, let after)? = last else {
            Issue.record("it did not ask for patience")
            return
        }
        #expect(after == .seconds(1))
        services.setFaults([.status(500)], for: "stripe")
        let down = await verdict { () throws(Setback) in _ = try await history.events(in: window, after: nil) }
        guard case .transient(_, mayHaveHappened: false, _)? = down else {
            Issue.record("a reading never happened")
            return
        }
    }
}

@Suite struct `A look around at a destination` {
    private let time = ManualTime(Fixture.now)

    private func wanted(_ id: String, siblings: [String] = [], emails: [String] = [], action: String = "upsert_contact")
        -> WantedRecord
    {
        WantedRecord(
            job: Identifier(at: Fixture.now, random: (1, UInt64(id.count) &+ UInt64(id.hashValue.magnitude))),
            action: action, effect: EffectKey(text: "f/x.y/\(id)/0"), record: ExternalRecord(kind: "r", id: id),
            siblings: siblings, emails: emails,
            state: SubjectState(registers: [
                "payment": .init(at: Fixture.now, rank: 1, of: "pi", fields: ["status": "succeeded"])
            ]))
    }

    private func crm(_ services: StandInSet) throws -> any RecordProvider {
        try #require(
            try Fixture.connector("crm", SandboxTransport(services, time: time), time: time) as? any RecordProvider)
    }

    private func contacts(_ emails: String...) async throws -> (StandInSet, [String]) {
        let services = StandInSet(["hubspot": HubSpotStandIn(token: Fixture.token)])
        let connector = try Fixture.connector("crm", SandboxTransport(services, time: time), time: time)
        _ = await connector.missingRequirements(
            for: [
                Flow(
                    id: "f", name: "f", on: [.paymentSucceeded],
                    calls: [.init(destination: "crm", action: "set_payment_status")])
            ],
            isCreating: true)
        for email in emails {
            _ = try await connector.make(Fixture.effect("upsert_contact", set: ["email": .string(email)]))
        }
        let made = try #require(services.state(of: "hubspot", as: HubSpotStandIn.self)).contacts
        return (
            services, emails.compactMap { email in made.first { $0.properties["email"] == email }.map { "\($0.id)" } }
        )
    }

    @Test func `finds contacts by id, else by address, and misses what is gone`() async throws {
        let (services, ids) = try await contacts("a@example.com", "b@example.com")
        var survey = try crm(services).survey(since: Fixture.now)
        let gone = wanted("9999", emails: ["nobody@example.com"])
        let anew = wanted("8888", emails: ["B@example.com"])
        let found = try await survey.find([wanted(ids[0]), gone, anew])
        #expect(found[wanted(ids[0]).job] == FoundRecord(ids: [ids[0]]))
        #expect(found[gone.job] == nil && found[anew.job] == FoundRecord(ids: [ids[1]]))
    }

    @Test func `tells two contacts of one person as doubles only where one stands on a strange address`() async throws {
        let (services, ids) = try await contacts("a@example.com", "b@example.com")
        var survey = try crm(services).survey(since: Fixture.now)
        let both = wanted(ids[0], siblings: ids, emails: ["a@example.com", "b@example.com"])
        #expect(try await survey.find([both])[both.job] == FoundRecord(ids: [ids[0]]))
        let one = wanted(ids[0], siblings: ids, emails: ["b@example.com"])
        #expect(try await survey.find([one])[one.job] == FoundRecord(ids: [ids[1], ids[0]]))
        try await crm(services).fold([ids[0]], into: ids[1])
        var after = try crm(services).survey(since: Fixture.now)
        #expect(try await after.find([one])[one.job] == FoundRecord(ids: [ids[1]]))
    }

    @Test func `tells a payment's status that somebody changed, and nothing that people may change`() async throws {
        let (services, ids) = try await contacts("a@example.com")
        let time = time
        _ = services.change("hubspot", as: HubSpotStandIn.self) {
            $0.setProperty("lifecyclestage", "customer", ofContact: Int(ids[0]) ?? 0, at: time.now)
        }
        var survey = try crm(services).survey(since: Fixture.now)
        let status = wanted(ids[0], action: "set_payment_status")
        #expect(try await survey.find([status])[status.job]?.differing == ["throughline_payment_status"])
        #expect(try await survey.find([wanted(ids[0])])[status.job]?.differing == [])
    }

    @Test func `reads Zendesk's export once, at its pace, and knows deleted and merged tickets`() async throws {
        var limits = ZendeskStandIn.Limits()
        limits.callsPerMinute = 100_000
        let services = StandInSet([
            "zendesk": ZendeskStandIn(email: "ops@acme.example", token: "zd-token-000111222", limits: limits)
        ])
        let http = RecordingTransport(SandboxTransport(services, time: time))
        let connector = try Fixture.connector("desk", http, time: time)
        guard
            case .succeeded(let ticket?) = try await connector.make(
                Fixture.effect("open_ticket", type: .supportEscalated)
            ).verdict
        else {
            Issue.record("no ticket was made")
            return
        }
        let marker = try #require(
            services.state(of: "zendesk", as: ZendeskStandIn.self)?.allTickets.first?.externalID)
        let moment = time.now
        _ = services.change("zendesk", as: ZendeskStandIn.self) { desk in
            for _ in 0..<1200 { _ = desk.copyTicket(Int(ticket.id) ?? 0, at: moment) }
        }
        time.advance(by: .seconds(120))
        let provider = try #require(connector as? any RecordProvider)
        var survey = provider.survey(since: moment - .seconds(60))
        let one = WantedRecord(
            job: Identifier(at: moment, random: (1, 1)), action: "open_ticket",
            effect: Fixture.effect("open_ticket", type: .supportEscalated).key, record: ticket, siblings: [],
            emails: [],
            state: SubjectState())
        #expect(one.effect.digest == marker)
        let before = time.now
        let found = try #require(await survey.find([one])[one.job])
        #expect(found.ids.first == ticket.id && found.ids.count == 1201)
        // Two pages of a thousand, with six seconds between them.
        #expect(time.now - before >= .seconds(6))
        _ = try await survey.find([one])
        #expect(http.requests.filter { $0.url.contains("incremental") }.count == 2)
        let double = try #require(found.ids.last)
        try await provider.fold([double], into: ticket.id)
        let now = time.now
        _ = services.change("zendesk", as: ZendeskStandIn.self) { $0.deleteTicket(Int(found.ids[1]) ?? 0, at: now) }
        time.advance(by: .seconds(120))
        var after = provider.survey(since: moment - .seconds(60))
        let left = try #require(await after.find([one])[one.job])
        #expect(!left.ids.contains(double) && !left.ids.contains(found.ids[1]) && left.ids.count == 1199)
    }
}
