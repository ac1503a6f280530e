import Model
import Sandbox
import Seams
import TestKit
import Testing

/// The real binary, real files and real signals; one after the other, for the machine is small.
@Suite(.serialized, .timeLimit(.minutes(3))) struct `The whole product` {
    @Suite struct Scenes {}
    @Suite struct Crashes {}
    @Suite struct Credentials {}
    @Suite struct `Bad input` {}
    @Suite struct Commands {}
}

extension `The whole product`.Scenes {
    @Test func `a double charge and a complaint give one ticket with both payments`() async throws {
        try await Stage.set { stage in
            try await stage.server.start()
            let story = DoubleCharge()
            for delivery in story.deliveries { #expect(await stage.deliver(delivery) == 200) }
            try await stage.settle()

            let ticket = try #require(stage.tickets.first)
            #expect(stage.tickets.count == 1)
            let body = try #require(ticket.comments.first?.body)
            for part in [story.first.paymentIntentID, story.second.paymentIntentID, story.user] {
                #expect(body.contains(part), "the ticket does not name \(part): \(body)")
            }
            #expect(stage.notices.count == 1)
            #expect(stage.contacts.map { $0.properties["email"] } == [story.email])

            let queries = story.ids + [String(ticket.id)]
            #expect(queries.count == 8)
            for query in queries {
                let trail = try await stage.server.api("POST", "/v1/trace", body: ["id": .string(query)])
                try expectAll(of: story, ticket: ticket.id, in: trail, from: query)
            }
        }
    }

    private func expectAll(of story: DoubleCharge, ticket: Int, in trail: JSONValue, from query: String) throws {
        let items = try #require(trail["items"]?.array)
        let text = trail.encodedText
        for id in story.ids + [String(ticket)] {
            #expect(text.contains(id), "the trail of \(query) lacks \(id)")
        }
        let kinds = Set(items.compactMap { $0["kind"]?.string })
        #expect(kinds == ["event", "decision", "job", "attempt", "record"], "the trail of \(query)")
        #expect(items.filter { $0["kind"]?.string == "event" }.count == story.deliveries.count, "the trail of \(query)")
        #expect(items.contains { $0["kind"]?.string == "job" && $0["destination"]?.string == "team" })
    }

    @Test func `an old failure after a newer success changes nothing at the CRM`() async throws {
        try await Stage.set { stage in
            try await stage.server.start()
            let start = Stage.time.now - .seconds(600)
            let purchase = StripePurchase(
                tag: "late failure", email: "grace@example.com", name: "Grace Hopper", amount: 4900, startedAt: start)
            let failure = purchase.paymentFailed(at: start)
            for event in [
                purchase.paymentSucceeded(at: start + .seconds(60)),
                purchase.checkoutCompleted(at: start + .seconds(60)),
            ] {
                #expect(await stage.deliver(Stage.stripe.delivery(event, at: Stage.time.now)) == 200)
            }
            try await stage.settle()
            let before = try #require(stage.contacts.first)
            #expect(before.properties["throughline_payment_status"] == "succeeded")

            #expect(await stage.deliver(Stage.stripe.delivery(failure, at: Stage.time.now)) == 200)
            try await stage.settle()
            #expect(stage.contacts.map(\.properties) == [before.properties])
            #expect(try await stage.all("/v1/events").contains { $0["external_id"]?.string == failure.id })
        }
    }

    @Test(arguments: [11 as UInt64])
    func `1,000 deliveries of 200 leads in random order and at once give 200 contacts`(seed: UInt64) async throws {
        try await Stage.set { stage in
            try await stage.server.start()
            var generator = SeededGenerator(seed: seed)
            let leads = (0..<200).map(Stage.lead)
            let deliveries = (0..<5).flatMap { _ in leads }.shuffled(using: &generator)
            var answers: [Int?: Int] = [:]
            try await stage.deliver(deliveries, atOnce: 40) { answers[$1, default: 0] += 1 }
            #expect(answers == [200: 1000])
            try await stage.settle(within: 40)

            let addresses = stage.contacts.compactMap { $0.properties["email"] }
            #expect(addresses.count == 200)
            #expect(Set(addresses).count == 200)
            #expect(try await stage.all("/v1/events").count == 200)
            let writes = stage.standIns.calls(of: "hubspot").filter { $0.key.contains("objects/contacts") }
            #expect(writes.values.reduce(0, +) == 200, "each contact is written once: \(writes)")
        }
    }
}

/// Somebody who chats, pays twice for the same thing and complains.
struct DoubleCharge {
    let session = "sess_81"
    let user = "u_12"
    let email = "ada@example.com"
    let complaint = "help-81"
    let first: StripePurchase
    let second: StripePurchase
    let deliveries: [SimulatedDelivery]

    init() {
        let start = Stage.time.now - .seconds(300)
        let (session, email) = (session, email)
        func purchase(_ tag: String) -> StripePurchase {
            StripePurchase(
                tag: tag, email: email, name: "Ada Lovelace", amount: 4900, clientReference: session,
                metadata: ["chat_session": session], startedAt: start)
        }
        (first, second) = (purchase("once"), purchase("again"))
        func said(_ id: String, _ type: EventType, _ data: JSONObject) -> SimulatedDelivery {
            Stage.chat.delivery(id: id, type: type, session: "sess_81", user: "u_12", data: data, at: Stage.time.now)
        }
        var all = [
            said("chat-81", .chatStarted, ["channel": "web"]),
            said("lead-81", .leadCaptured, ["email": .string(email), "firstname": "Ada"]),
        ]
        for (purchase, moment) in [(first, start), (second, start + .seconds(1))] {
            all.append(Stage.stripe.delivery(purchase.paymentSucceeded(at: moment), at: moment))
            all.append(Stage.stripe.delivery(purchase.checkoutCompleted(at: moment), at: moment))
        }
        let words: JSONObject = [
            "reason": "double charge", "message": "I was charged twice", "email": .string(email),
            "payment": .string(second.paymentIntentID),
        ]
        deliveries = all + [said(complaint, .supportEscalated, words)]
    }

    /// What anyone may have in hand, beside the ticket.
    var ids: [String] {
        [session, user, email, first.customerID, first.paymentIntentID, second.paymentIntentID, complaint]
    }
}
