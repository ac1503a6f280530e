internal import Journal
internal import Model
internal import Planning
internal import TestKit
internal import Testing

@Suite struct `A subject's state` {
    private let scene = Scene()

    private func state(_ events: [Event]) -> SubjectState {
        events.reduce(into: SubjectState()) { state, event in
            let fact = FactRules.statement(of: event).key ?? event.id.description
            if let statement = StateRules.statement(of: event, fact: fact) {
                state.record(statement.register, for: statement.aspect)
            }
        }
    }

    @Test(arguments: [
        ([EventType.paymentFailed, .paymentCanceled, .paymentSucceeded, .paymentRefunded, .paymentDisputed]),
        ([.checkoutAbandoned, .checkoutCompleted]),
        ([.ticketCreated, .ticketClosed]),
    ])
    func `goes by the course of life within one second`(life: [EventType]) throws {
        for (index, later) in life.enumerated() {
            for earlier in life[..<index] {
                let data = payment("pi_1", ["checkout": "cs", "ticket": "8"])
                let events = [scene.event(later, data), scene.event(earlier, data)]
                let alone = try #require(state([events[0]]).registers.first?.value)
                #expect(state(events).registers.values.map(\.fields) == [alone.fields])
                #expect(state(events.reversed()).registers.values.map(\.fields) == [alone.fields])
            }
        }
    }

    @Test func `takes a subscription's later status within one second`() {
        let statuses = ["incomplete", "trialing", "active", "past_due", "unpaid", "paused", "canceled"]
        let events = statuses.map {
            scene.event(.subscriptionChanged, ["subscription": "sub", "status": .string($0)])
        }
        for index in statuses.indices {
            let told = state(Array(events[...index].reversed()))
            #expect(told.registers["subscription"]?.fields["status"] == .string(statuses[index]))
        }
    }

    @Test func `has a register for each ticket`() {
        let told = state([
            scene.event(.ticketCreated, ["ticket": "8"]), scene.event(.ticketCreated, ["ticket": "9"]),
            scene.event(.ticketClosed, ["ticket": "8"], at: 5),
        ])
        #expect(told.registers["ticket:8"]?.fields["status"] == "closed")
        #expect(told.registers["ticket:9"]?.fields["status"] == "open")
    }

    @Test func `does not move by events that only enrich`() {
        #expect(state([scene.event(.paymentSucceeded, payment(), role: .enriches)]).registers.isEmpty)
    }

    @Test(arguments: 0..<1000)
    func `is the same whatever the order of arrival and of joins`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let types: [EventType] = [
            .paymentFailed, .paymentSucceeded, .paymentRefunded, .leadCaptured, .ticketCreated, .ticketClosed,
            .subscriptionChanged, .chatStarted,
        ]
        let events = (0..<8).map { _ in
            scene.event(
                types.randomElement(using: &generator) ?? .chatStarted,
                payment(
                    ["pi_1", "pi_2"].randomElement(using: &generator) ?? "",
                    [
                        "ticket": "8", "subscription": "sub", "email": "a@b.example",
                        "status": .string(["active", "paused"].randomElement(using: &generator) ?? ""),
                        "name": .string(["Ada", "Eve"].randomElement(using: &generator) ?? ""),
                    ]), at: .random(in: 0...2, using: &generator))
        }
        let expected = state(events)
        let order = events.shuffled(using: &generator)
        let cut = Int.random(in: 0...8, using: &generator)
        let (left, right) = (state(Array(order[..<cut])), state(Array(order[cut...])))
        #expect(state(order) == expected, "seed \(seed)")
        #expect(left.merged(with: right) == expected, "seed \(seed)")
        #expect(right.merged(with: left) == expected, "seed \(seed)")
    }
}
