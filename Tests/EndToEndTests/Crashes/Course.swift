import Model
import Sandbox
import TestKit
import Testing

/// Leads and complaints on their way into a server that dies now and then, sent again until they are acknowledged.
struct Course {
    let stage: Stage
    let count: Int
    let seed: UInt64
    var generator: SeededGenerator
    private var waiting: [SimulatedDelivery]
    private(set) var acknowledged: Set<String> = []

    init(_ stage: Stage, count: Int, seed: UInt64) {
        self.stage = stage
        self.count = count
        self.seed = seed
        generator = SeededGenerator(seed: seed)
        waiting = ((0..<count).map(Stage.lead) + (0..<count).map(Stage.escalation)).shuffled(using: &generator)
    }

    /// Some answers of the destinations are slow, some are lost after the effect.
    func fail(share: Double) {
        for name in ["hubspot", "zendesk"] {
            let faults = [Fault.slow(.milliseconds(60)).share(0.5), Fault.after(.reset).share(share)]
            stage.standIns.setFaults(faults, seed: seed, for: name)
        }
    }

    /// Delivers the next `count`; tells of each that was acknowledged how many were, and returns that in the end.
    ///
    /// As a provider does, it sends again what was not acknowledged, and now and then what was.
    mutating func deliver(_ count: Int, atOnce: Int = 8, _ each: (Int) async throws -> Void = { _ in }) async throws
        -> Int
    {
        var taken = 0
        _ = try await answers(to: count, atOnce: atOnce) { status in
            if status == 200 { taken += 1 }
            try await each(taken)
        }
        return taken
    }

    /// Delivers the next `count`, and counts the answers by their status; nil where none came.
    mutating func answers(
        to count: Int, atOnce: Int = 8, _ each: (Int?) async throws -> Void = { _ in }
    ) async throws -> [Int?: Int] {
        var taken: Set<String> = []
        var answers: [Int?: Int] = [:]
        try await stage.deliver(Array(waiting.prefix(count)), atOnce: atOnce) { delivery, status in
            if status == 200 { taken.insert(delivery.id) }
            answers[status, default: 0] += 1
            try await each(status)
        }
        acknowledged.formUnion(taken)
        waiting = waiting.filter { !taken.contains($0.id) || Int.random(in: 0..<8, using: &generator) == 0 }
        return answers
    }

    /// Lets a server live, delivers the rest, and looks at what came of it.
    ///
    /// Where none runs, one is started.
    mutating func finish() async throws {
        for name in ["hubspot", "zendesk"] { stage.standIns.setFaults([], for: name) }
        if !stage.server.isRunning { try await stage.server.start() }
        var last: Set<String> = []
        try await stage.deliver(waiting, atOnce: 8) { delivery, status in
            #expect(status == 200, "seed \(seed)")
            last.insert(delivery.id)
        }
        acknowledged.formUnion(last)
        try await stage.settle(within: 40)
        try await expectOnce()
    }

    private func expectOnce() async throws {
        let setAside = try await stage.all("/v1/quarantine").map { $0["code"]?.string }
        #expect(setAside.isEmpty, "seed \(seed): \(setAside)")
        let kept = try await stage.all("/v1/events").compactMap { $0["external_id"]?.string }
        #expect(acknowledged.count == 2 * count)
        #expect(acknowledged.subtracting(kept).isEmpty, "acknowledged and lost, seed \(seed)")
        #expect(kept.count == Set(kept).count, "kept twice, seed \(seed)")

        let addresses = stage.contacts.compactMap { $0.properties["email"] }.filter { $0.hasPrefix("lead") }
        #expect(addresses.sorted() == (0..<count).map { "lead\($0)@example.com" }.sorted(), "seed \(seed)")
        for number in 0..<count {
            let tickets = stage.tickets.filter { $0.comments.first?.body.contains("complaint <\(number)>") == true }
            #expect(tickets.count == 1, "tickets of escalation \(number), seed \(seed)")
        }
        #expect(stage.tickets.count == count, "seed \(seed)")
        let jobs = try await stage.all("/v1/jobs")
        #expect(jobs.allSatisfy { $0["state"]?.string == "completed" }, "seed \(seed)")
    }
}
