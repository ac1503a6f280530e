import Foundation
import Simulation
import Testing

/// Runs the body on a thread of its own: a run blocks its thread, and the few of the test runner are needed elsewhere.
private func apart<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { caller in
        let thread = Thread { caller.resume(with: Result(catching: body)) }
        thread.stackSize = 8 << 20
        thread.start()
    }
}

/// One run of each seed.
private func reports(_ seeds: ClosedRange<UInt64>) async throws -> [RunReport] {
    try await apart {
        let simulator = try Simulator()
        return try seeds.map { try simulator.run(seed: $0) }
    }
}

@Suite struct `A simulated run` {
    @Test func `is the same again for the same seed`() async throws {
        let first = try await reports(1...20)
        let second = try await reports(1...20)
        for (one, other) in zip(first, second) {
            #expect(one.hash == other.hash && one.steps == other.steps, "seed \(one.seed)")
        }
        #expect(Set(first.map(\.hash)).count == 20)
    }

    @Test func `tells what happened when it is asked to`() async throws {
        let report = try await apart { try Simulator().run(seed: 3, isSpoken: true) }
        #expect(report.lines.contains { $0.contains("is answered 200 accepted") })
        #expect(report.lines.contains { $0.contains("calm") })
    }

    @Test func `that fails does so again in the same way, and says how`() async throws {
        let flaw = try #require(Flaw.named("silence-is-success"))
        let (first, second) = try await apart {
            let simulator = try Simulator()
            let seed = try #require((1...50).first { try !simulator.run(seed: $0, flaw: flaw).violations.isEmpty })
            return (
                try simulator.run(seed: seed, flaw: flaw), try simulator.run(seed: seed, flaw: flaw, isSpoken: true)
            )
        }
        #expect(first.hash == second.hash && first.violations == second.violations)
        let broken = try #require(second.violations.first)
        #expect(second.lines.contains { $0.hasSuffix("VIOLATION \(broken.rule): \(broken.text)") })
    }
}

@Suite(.serialized) struct `The engine in a bad world` {
    @Test(arguments: [1, 31, 61] as [UInt64]) func `holds its promises`(first: UInt64) async throws {
        for report in try await reports(first...first + 29) {
            let broken = report.violations.map { "\($0.rule): \($0.text)" }.joined(separator: "; ")
            #expect(report.violations.isEmpty, "throughline-sim --seed \(report.seed): \(broken)")
        }
    }

    @Test func `dies, loses its disk and its calls, and goes on`() async throws {
        let reports = try await reports(91...110)
        #expect(reports.contains { $0.lives > 1 })
        #expect(reports.contains { $0.diskFaults > 0 })
        #expect(Set(reports.flatMap(\.hazards)).count > 20)
    }
}

@Suite(.serialized) struct `A planted bug` {
    /// Seeds within which each must be found.
    private static let seeds: ClosedRange<UInt64> = 1...150

    @Test(arguments: Flaw.all.map(\.name)) func `is found`(name: String) async throws {
        let flaw = try #require(Flaw.named(name))
        let found = try await apart {
            let simulator = try Simulator()
            return try Self.seeds.first { try !simulator.run(seed: $0, flaw: flaw).violations.isEmpty }
        }
        #expect(found != nil, "nobody notices \(name) in seeds \(Self.seeds)")
    }
}
