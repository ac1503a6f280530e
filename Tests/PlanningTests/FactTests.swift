internal import Journal
internal import Model
internal import Planning
internal import Seams
internal import TestKit
internal import Testing

@Suite struct `A fact` {
    private let scene = Scene()

    private func key(_ type: EventType, _ data: JSONObject, session: String? = nil, user: String? = nil) -> String? {
        FactRules.statement(of: scene.event(type, data, session: session, user: user)).key
    }

    @Test func `bears the name of what happened`() {
        let second = scene.event(.ticketClosed).occurredAt.seconds
        let money: JSONObject = ["amount": 5, "currency": "usd"]
        func with(_ more: JSONObject) -> JSONObject {
            var data = more
            data.fill(from: money)
            return data
        }
        #expect(key(.paymentSucceeded, with(["payment": "pi"])) == "payment_succeeded:pi")
        #expect(key(.paymentCanceled, with(["payment": "pi"])) == "payment_canceled:pi")
        #expect(key(.paymentFailed, with(["payment": "pi", "charge": "ch"])) == "payment_failed:pi:ch")
        #expect(key(.paymentRefunded, with(["charge": "ch", "refund": "re"])) == "payment_refunded:re")
        #expect(key(.paymentDisputed, with(["payment": "pi", "dispute": "dp"])) == "payment_disputed:dp")
        #expect(
            key(.subscriptionChanged, ["subscription": "sub", "status": "active"])
                == "subscription_changed:sub:active:\(second)")
        #expect(
            key(.leadCaptured, ["email": " Ada@Example.com "], session: "s", user: "u")
                == "lead_captured:s:ada@example.com")
        #expect(key(.leadCaptured, ["email": "ada@example.com"], user: "u") == "lead_captured:u:ada@example.com")
        #expect(key(.leadCaptured, ["email": "ada@example.com"]) == "lead_captured:ada@example.com")
        #expect(key(.bookingConfirmed, ["reference": "b"]) == "booking_confirmed:b")
        #expect(key(.checkoutAbandoned, ["checkout": "cs"]) == "checkout_abandoned:cs")
        #expect(key(.ticketCreated, ["ticket": 8]) == "ticket_created:8")
        #expect(key(.ticketClosed, ["ticket": "8"]) == "ticket_closed:8:\(second)")
    }

    @Test func `is told apart by the sender's id where nothing else does`() {
        let failed = scene.event(.paymentFailed, payment())
        let refunded = scene.event(.paymentRefunded, payment())
        #expect(FactRules.statement(of: failed).key == "payment_failed:pi_1:\(failed.externalID)")
        #expect(FactRules.statement(of: refunded).key == "payment_refunded:pi_1:4900:\(refunded.externalID)")
    }

    @Test(arguments: [EventType.chatStarted, .userIdentified, .supportEscalated, EventType("trial_extended")])
    func `is not stated by a type of which each event stands for itself`(type: EventType) {
        #expect(key(type, ["email": "ada@example.com", "payment": "pi"], session: "s") == nil)
    }

    @Test func `is not stated by an event that only enriches`() {
        let statement = FactRules.statement(of: scene.event(.paymentSucceeded, payment(), role: .enriches))
        #expect(statement.key == nil)
        #expect(statement.object == "payment:pi_1")
    }

    @Test func `never takes amount, status or reason from its object's row`() throws {
        let event = scene.event(
            .paymentFailed, payment("pi_1", ["email": "a@b.example", "status": "failed", "reason": "declined"]))
        let row = try #require(ObjectRules.row(of: event))
        #expect(row.object == "payment:pi_1")
        #expect(row.data == ["payment": "pi_1", "email": "a@b.example"])
    }

    @Test(arguments: 0..<500)
    func `merges to the same whatever the order of its events`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let subject: SubjectID = scene.mint.make()
        let told = (0..<5).map { _ in
            var data: JSONObject = [:]
            for field in ["email", "name", "customer", "note"] where Bool.random(using: &generator) {
                data[field] = .string(["", "a", "b", "c"].randomElement(using: &generator) ?? "")
            }
            let event = scene.event(.paymentSucceeded, data, at: .random(in: 0...2, using: &generator))
            return FactMerge.fact("k", type: event.type, object: nil, subject: subject, event: event, data: data)
        }
        func merged(_ facts: [Fact]) -> Fact { facts.dropFirst().reduce(facts[0]) { FactMerge.merge($0, with: $1) } }
        let expected = merged(told)
        for _ in 0..<4 {
            let order = told.shuffled(using: &generator)
            let cut = Int.random(in: 1...4, using: &generator)
            #expect(merged(order) == expected, "seed \(seed)")
            #expect(
                FactMerge.merge(merged(Array(order[..<cut])), with: merged(Array(order[cut...]))) == expected,
                "seed \(seed)")
        }
        #expect(FactMerge.merge(expected, with: expected) == expected, "seed \(seed)")
    }

    @Test func `keeps of two contradicting values the earlier one`() {
        let subject: SubjectID = scene.mint.make()
        let early = scene.event(.paymentSucceeded, ["name": "Ada"], at: 1)
        let late = scene.event(.paymentSucceeded, ["name": "Eve", "email": "e@example.com"], at: 2)
        let earliest = scene.event(.paymentSucceeded, ["email": "a@example.com"], at: 0)
        var fact = FactMerge.fact("k", type: nil, object: nil, subject: subject, event: late, data: late.data)
        for event in [early, earliest] {
            let told = FactMerge.fact("k", type: nil, object: nil, subject: subject, event: event, data: event.data)
            fact = FactMerge.merge(fact, with: told)
        }
        #expect(fact.data == ["name": "Ada", "email": "a@example.com"])
        #expect(fact.event == earliest.id)
    }
}
