import ConnectorKit
import Journal
import Model
import Reconciliation
import Sandbox
import Seams
import Settings
import Synchronization
import TestKit
import Testing

@Suite(.timeLimit(.minutes(20))) struct `Five hundred planted differences` {
    private static let settle: Duration = .seconds(1200)

    /// What was planted: by place and cause, the keys that must be named.
    private final class Planted: Sendable {
        private let keys = Mutex<[String: [Difference.Cause: Set<String>]]>([:])

        func note(_ place: String, _ cause: Difference.Cause, _ key: String) {
            keys.withLock { _ = $0[place, default: [:]][cause, default: []].insert(key) }
        }
        var all: [String: [Difference.Cause: Set<String>]] { keys.withLock { $0 } }
        var count: Int { all.values.flatMap(\.values).reduce(0) { $0 + $1.count } }
    }

    private func lead(_ email: String) -> JSONObject { ["email": .string(email), "name": "Ada", "company": "Engines"] }
    private func complaint(_ id: String) -> JSONObject {
        ["email": .string("\(id)@example.com"), "message": "You charged me twice", "reason": "double charge"]
    }

    // MARK: Planting

    /// Events over which planning broke: they stand in the journal, set aside.
    private func plantUnplannable(_ shop: Shop, _ planted: Planted) async throws {
        let purchases = (0..<10).map { shop.purchase("unplannable\($0)") }
        for purchase in purchases {
            let event = purchase.paymentSucceeded(at: shop.time.now)
            shop.record(event)
            planted.note("stripe", .neverPlanned, event.id)
        }
        // Taken in by a process whose planner failed over each of them.
        struct Broken: Error {}
        for purchase in purchases {
            let event = purchase.paymentSucceeded(at: shop.time.now)
            let arrival = Event(
                id: shop.world.mint.make(), source: "stripe", externalID: event.id, externalType: event.type,
                type: .paymentSucceeded, occurredAt: shop.time.now, receivedAt: shop.time.now,
                data: [
                    "payment": .string(purchase.paymentIntentID), "amount": 4900, "currency": "usd",
                    "email": .string(purchase.email),
                ])
            _ = try await shop.journal.append([.event(arrival, payload: event.json.encoded)])
        }
        while try await shop.journal.planPending(limit: 100, now: shop.time.now, plan: { _, _ in throw Broken() })
            .isMore
        {}
    }

    /// Deliveries that an earlier version could not read.
    private func plantQuarantined(_ shop: Shop, _ planted: Planted) async throws {
        for index in 0..<20 {
            let event = shop.purchase("quarantined\(index)").paymentSucceeded(at: shop.time.now)
            shop.record(event)
            planted.note("stripe", .neverPlanned, event.id)
            let kept = KeptDelivery(
                id: shop.world.mint.make(), kind: .quarantined, source: "stripe", externalID: event.id,
                externalType: event.type, code: "invalid_field", reason: "the amount was not understood",
                receivedAt: shop.time.now, payload: event.json.encoded)
            _ = try await shop.journal.append([.kept(kept)])
        }
    }

    private func plantLost(_ shop: Shop, _ planted: Planted) {
        for index in 0..<65 {
            let purchase = shop.purchase("lost\(index)")
            for event in [purchase.paymentSucceeded(at: shop.time.now), purchase.chargeSucceeded(at: shop.time.now)] {
                shop.record(event)
                planted.note("stripe", .neverArrived, event.id)
            }
        }
        // Their events are gone from Stripe's list; only the objects tell.
        for index in 0..<20 {
            let purchase = shop.purchase("old\(index)")
            let event = purchase.paymentSucceeded(at: shop.time.now)
            shop.record(event)
            _ = shop.services.change("stripe", as: StripeStandIn.self) { $0.dropEvent(event.id) }
            planted.note("stripe", .neverArrived, purchase.paymentIntentID)
        }
    }

    private func plantNeverPlanned(_ shop: Shop, _ planted: Planted) async throws {
        // The flows did not exist yet.
        shop.live.replace(with: Shop.settings(flows: []))
        for index in 0..<60 {
            let event = try await shop.chat(.leadCaptured, "early\(index)", lead("early\(index)@example.com"))
            planted.note("crm", .neverPlanned, event.description)
        }
        for index in 0..<20 {
            let event = try await shop.chat(.supportEscalated, "earlyc\(index)", complaint("earlyc\(index)"))
            planted.note("desk", .neverPlanned, event.description)
        }
        try await shop.settle()
        shop.live.replace(with: Shop.settings())
    }

    private func plantDead(_ shop: Shop, _ planted: Planted) async throws {
        for name in ["hubspot", "zendesk"] { shop.services.setFaults([.status(400)], for: name) }
        for index in 0..<60 {
            let event = try await shop.chat(.leadCaptured, "dead\(index)", lead("dead\(index)@example.com"))
            planted.note("crm", .dead, event.description)
        }
        for index in 0..<20 {
            let event = try await shop.chat(.supportEscalated, "deadc\(index)", complaint("deadc\(index)"))
            planted.note("desk", .dead, event.description)
        }
        try await shop.settle()
        for name in ["hubspot", "zendesk"] { shop.services.setFaults([], for: name) }
    }

    /// What is done well, of which some will be changed behind our back.
    private func work(_ shop: Shop) async throws {
        for index in 0..<120 {
            try await shop.chat(.leadCaptured, "lead\(index)", user: "u\(index)", lead("lead\(index)@example.com"))
        }
        for index in 0..<60 {
            let purchase = shop.purchase("paid\(index)")
            try await shop.deliver(purchase.paymentSucceeded(at: shop.time.now))
            try await shop.deliver(purchase.chargeSucceeded(at: shop.time.now))
            try await shop.deliver(purchase.checkoutCompleted(at: shop.time.now))
        }
        for index in 0..<20 {
            var purchase = shop.purchase("sub\(index)")
            purchase.isSubscription = true
            try await shop.deliver(purchase.subscriptionCreated(at: shop.time.now))
        }
        for index in 0..<70 {
            try await shop.chat(.supportEscalated, "ticket\(index)", complaint("ticket\(index)"))
        }
        try await shop.settle()
    }

    private func plantDoubles(_ shop: Shop, _ planted: Planted) async throws {
        let contacts = try #require(shop.services.state(of: "hubspot", as: HubSpotStandIn.self)).contacts
        for index in 0..<20 {
            let email = "lead\(index)@example.com"
            let contact = try #require(contacts.first { $0.properties["email"] == email })
            let now = shop.time.now
            _ = shop.services.change("hubspot", as: HubSpotStandIn.self) {
                $0.setProperty("email", "private\(index)@elsewhere.example", ofContact: contact.id, at: now)
            }
            // The same person in another conversation: the old contact is not found any more, a second one is made.
            try await shop.chat(.leadCaptured, "again\(index)", user: "u\(index)", lead(email))
        }
        try await shop.settle()
        let doubled = try #require(shop.services.state(of: "hubspot", as: HubSpotStandIn.self)).contacts
        for index in 0..<20 {
            let second = try #require(doubled.first { $0.properties["email"] == "lead\(index)@example.com" })
            planted.note("crm", .double, "\(second.id)")
        }
        let now = shop.time.now
        let tickets = try #require(shop.services.state(of: "zendesk", as: ZendeskStandIn.self)).allTickets
        for ticket in tickets.prefix(20) {
            _ = shop.services.change("zendesk", as: ZendeskStandIn.self) { $0.copyTicket(ticket.id, at: now) }
            planted.note("desk", .double, "\(ticket.id)")
        }
    }

    private func plantChanges(_ shop: Shop, _ planted: Planted) throws {
        let now = shop.time.now
        let contacts = try #require(shop.services.state(of: "hubspot", as: HubSpotStandIn.self)).contacts
        func contact(_ email: String) throws -> Int {
            try #require(contacts.first { $0.properties["email"] == email }).id
        }
        for index in 30..<90 {
            let id = try contact("lead\(index)@example.com")
            _ = shop.services.change("hubspot", as: HubSpotStandIn.self) { $0.deleteContact(id) }
            planted.note("crm", .changed, "\(id)")
        }
        for index in 0..<30 {
            let id = try contact("paid\(index)@example.com")
            _ = shop.services.change("hubspot", as: HubSpotStandIn.self) {
                $0.setProperty("throughline_payment_status", "open", ofContact: id, at: now)
            }
            planted.note("crm", .changed, "\(id)")
        }
        let tickets = try #require(shop.services.state(of: "zendesk", as: ZendeskStandIn.self)).allTickets
        for ticket in tickets.dropFirst(30).prefix(20) {
            _ = shop.services.change("zendesk", as: ZendeskStandIn.self) { $0.deleteTicket(ticket.id, at: now) }
            planted.note("desk", .changed, "\(ticket.id)")
        }
        for index in 0..<10 {
            let id = shop.purchase("sub\(index)").subscriptionID
            _ = shop.services.change("stripe", as: StripeStandIn.self) { $0.setStatus("canceled", of: id) }
            planted.note("stripe", .changed, id)
        }
    }

    // MARK: Comparing

    private func check(
        _ told: [String: (run: Reconciliation, differences: [Difference])], _ planted: Planted
    ) {
        #expect(planted.count == 500)
        #expect(Set(told.keys) == ["stripe", "crm", "desk"])
        for (place, result) in told {
            #expect(result.run.judged - result.run.matched == result.differences.count, "\(place)")
            #expect(result.run.samples.contains { $0.matched > 0 } && !result.run.isCut, "\(place)")
            for cause in Difference.Cause.allCases {
                let found = result.differences.filter { $0.cause == cause }.map(\.key)
                let expected = planted.all[place]?[cause] ?? []
                #expect(found.count == Set(found).count, "\(place) tells one \(cause) twice")
                #expect(Set(found).subtracting(expected) == [], "\(place) tells \(cause) of what is well")
                #expect(expected.subtracting(found) == [], "\(place) misses \(cause)")
            }
        }
    }

    @Test(arguments: Store.all) func `are all found, and nothing else, repaired, and found no more`(
        store: Store
    ) async throws {
        let planted = Planted()
        try await Shop.open(store) { shop in
            try await plantUnplannable(shop, planted)
            try await plantQuarantined(shop, planted)
            let crm = try #require(shop.connectors["crm"])
            _ = await crm.missingRequirements(for: Shop.flows, isCreating: true)
        } _: { shop in
            try await plantNeverPlanned(shop, planted)
            try await plantDead(shop, planted)
            try await work(shop)
            plantLost(shop, planted)
            shop.time.advance(by: .seconds(5))
            try await plantDoubles(shop, planted)
            try plantChanges(shop, planted)
            shop.time.advance(by: Self.settle)
            // What is on its way is no difference.
            try await shop.chat(.leadCaptured, "fresh", lead("fresh@example.com"))

            let first = try await shop.reconcile()
            check(first, planted)

            for run in first.values.map(\.run) {
                let plan = try await shop.reconciler.repairPlan(of: run.id, causes: [])
                #expect(plan.count == run.differences)
                try await shop.reconciler.orderRepair(of: run.id, causes: [], by: "ada")
            }
            await shop.reconciler.performAll()
            for run in first.values.map(\.run) {
                let unrepaired = try await shop.differences(of: run.id).filter { $0.repair?.outcome != .done }
                #expect(unrepaired.isEmpty, "\(unrepaired.prefix(3))")
            }
            try await shop.settle()
            try await checkEffects(of: shop)

            shop.time.advance(by: Self.settle)
            let second = try await shop.reconcile()
            for (place, result) in second {
                #expect(result.differences == [], "\(place)")
                #expect(result.run.rate == 1, "\(place)")
            }
        }
    }

    /// Each repaired thing had its effect once.
    private func checkEffects(of shop: Shop) async throws {
        #expect(try await shop.jobs([.dead]).isEmpty)
        let contacts = try #require(shop.services.state(of: "hubspot", as: HubSpotStandIn.self)).contacts
        let emails = contacts.compactMap { $0.properties["email"] }
        #expect(emails.count == Set(emails).count)
        for name in ["lost0", "lost64", "early0", "dead59", "lead30", "lead89"] {
            #expect(emails.contains("\(name)@example.com"), "\(name)")
        }
        for contact in contacts where contact.properties["email"]?.hasPrefix("paid") == true {
            #expect(contact.properties["throughline_payment_status"] == "succeeded")
        }
        let tickets = try #require(shop.services.state(of: "zendesk", as: ZendeskStandIn.self)).allTickets
        let markers = tickets.filter { $0.status != "deleted" && !$0.tags.contains("closed_by_merge") }
            .compactMap(\.externalID)
        #expect(markers.count == Set(markers).count && markers.count == 110)
        // The payment whose two events were lost is one payment with one job.
        let lost = shop.purchase("lost7")
        let stories = try await shop.journal.subjects(matching: lost.paymentIntentID)
        let story = try await shop.journal.story(of: try #require(stories.first).root, limit: 100)
        #expect(story.events.map(\.event.isRecovered) == [true, true])
        #expect(story.jobs.map(\.action) == ["set_payment_status"] && story.jobs.first?.state == .completed)
        let delivered = try await shop.journal.subjects(matching: shop.purchase("paid7").paymentIntentID)
        let well = try await shop.journal.story(of: try #require(delivered.first).root, limit: 100)
        let isAnyRecovered = well.events.contains { $0.event.isRecovered }
        #expect(!isAnyRecovered)
    }
}
