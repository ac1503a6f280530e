import Foundation
import Model
import Sandbox
import Seams
import TestKit
import Testing

extension `The whole product`.Crashes {
    /// Two rounds of twelve in each run; `THROUGHLINE_KILLS=1000` makes it a long one.
    private static var seeds: [UInt64] {
        let kills = ProcessInfo.processInfo.environment["THROUGHLINE_KILLS"].flatMap { Int($0) } ?? 24
        return (0..<max(1, (kills + 11) / 12)).map { UInt64($0) + 3 }
    }

    @Test(arguments: seeds)
    func `twelve kills under load lose nothing and double nothing`(seed: UInt64) async throws {
        try await Stage.set { stage in
            var course = Course(stage, count: 120, seed: seed)
            course.fail(share: 0.2)
            for round in 1...12 {
                try await stage.server.start()
                let fatal = Int.random(in: 1...18, using: &course.generator)
                let taken = try await course.deliver(40) { taken in
                    if taken == fatal { try await stage.server.kill() }
                }
                #expect(taken >= fatal, "round \(round), seed \(seed): the load ended before the kill")
            }
            try await course.finish()
        }
    }

    #if DEBUG
        @Test(
            .enabled(if: ServerProcess.isOfThisBuild, "a release build passes all points"),
            arguments: CrashPoint.allCases)
        func `a death at any step loses nothing and doubles nothing`(point: CrashPoint) async throws {
            try await Stage.set { stage in
                var course = Course(stage, count: 20, seed: 1)
                for number in [1, 2, 5] {
                    try stage.server.launch(dyingAt: "\(point.rawValue):\(number)")
                    // A server that dies while it takes up what is open may never be ready.
                    try? await stage.server.isReady()
                    _ = try await course.deliver(14, atOnce: 2)
                    try await stage.server.isDead(within: 20)
                }
                try await course.finish()
            }
        }
    #endif
}

/// Leads and complaints on their way into a server that dies now and then, sent again until they are acknowledged.
private struct Course {
    let stage: Stage
    let count: Int
    let seed: UInt64
    var generator: SeededGenerator
    private var waiting: [SimulatedDelivery]
    private var acknowledged: Set<String> = []

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
        var taken: Set<String> = []
        try await stage.deliver(Array(waiting.prefix(count)), atOnce: atOnce) { delivery, status in
            if status == 200 { taken.insert(delivery.id) }
            try await each(taken.count)
        }
        acknowledged.formUnion(taken)
        waiting = waiting.filter { !taken.contains($0.id) || Int.random(in: 0..<8, using: &generator) == 0 }
        return taken.count
    }

    /// Lets the server live, delivers the rest, and looks at what came of it.
    mutating func finish() async throws {
        for name in ["hubspot", "zendesk"] { stage.standIns.setFaults([], for: name) }
        try await stage.server.start()
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
