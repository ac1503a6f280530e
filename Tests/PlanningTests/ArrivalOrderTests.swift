internal import Journal
internal import Model
internal import Settings
internal import TestKit
internal import Testing

/// One customer's story as seven events of three sources.
///
/// None of the payment's own events holds an address.
private func story(in scene: Scene) -> [Event] {
    [
        scene.event(.chatStarted, session: "s_1"),
        scene.event(.leadCaptured, ["email": "ada@example.com", "name": "Ada"], at: 10, session: "s_1"),
        scene.event(
            .checkoutCompleted,
            ["checkout": "cs_1", "payment": "pi_1", "client_reference": "s_1", "email": "ada@pay.example"], at: 20),
        scene.event(.paymentSucceeded, payment("pi_1", ["customer": "cus_1"]), at: 19),
        scene.event(.paymentSucceeded, payment("pi_1", ["charge": "ch_1", "name": "A. L."]), role: .enriches, at: 21),
        scene.event(.paymentSucceeded, payment("pi_1", ["invoice": "in_1"]), at: 19),
        scene.event(.paymentRefunded, payment("pi_1", ["refund": "re_1"]), at: 99),
    ]
}

@Suite struct `The order of arrival` {
    @Test(arguments: 0..<400)
    func `leaves no trace in subjects, facts, state and effects`(seed: UInt64) throws {
        let named = Condition.all([.init(path: Path(steps: ["name"]), test: .equals("A. L."))])
        let flows: [Flow] = [
            .to("upsert_contact", on: .leadCaptured, id: "lead"),
            .to("upsert_contact", on: .paymentSucceeded, id: "paid"),
            .to("upsert_contact", on: .paymentRefunded, id: "refunded"),
            .to("notify", on: .paymentSucceeded, when: named, id: "named"),
        ]
        var generator = SeededGenerator(seed: seed)
        let straight = Scene(flows)
        let shuffled = Scene(flows)
        for event in story(in: straight) { try straight.plan(event) }
        let events = story(in: shuffled)
        for event in events.shuffled(using: &generator) { try shuffled.plan(event) }
        // A second telling of all, in yet another order, adds nothing.
        for event in events.shuffled(using: &generator) { try shuffled.plan(event) }

        for scene in [straight, shuffled] {
            #expect(scene.journal.order.count { scene.journal.root(of: $0) == $0 } == 1, "seed \(seed)")
            #expect(scene.journal.jobs.values.allSatisfy { !$0.isWaiting }, "seed \(seed)")
            #expect(scene.journal.jobs.count == 4, "seed \(seed)")
        }
        #expect(Set(shuffled.journal.jobs.keys) == Set(straight.journal.jobs.keys), "seed \(seed)")
        #expect(
            shuffled.journal.facts.mapValues(\.data) == straight.journal.facts.mapValues(\.data), "seed \(seed)")
        #expect(state(shuffled) == state(straight), "seed \(seed)")
    }

    private func state(_ scene: Scene) -> SubjectState? {
        scene.journal.order.first { scene.journal.root(of: $0) == $0 }.map { scene.journal.state(of: $0) }
    }
}
