import Jobs
import Model
import Seams
import Settings
import TestKit
import Testing

@Suite struct `A backoff` {
    private let policy = RetryPolicy(first: .seconds(2), factor: 2, longest: .seconds(3600))

    @Test(arguments: [(1, 2), (2, 4), (3, 8), (10, 1024), (11, 2048), (12, 3600), (500, 3600), (0, 2)])
    func `grows by its factor up to the longest`(failures: Int, seconds: Int) {
        let backoff = Backoff(policy)
        #expect(backoff.delay(afterFailures: failures, chance: 0) == .seconds(seconds) / 2)
        #expect(backoff.delay(afterFailures: failures, chance: 0.5) == .seconds(seconds) * 3 / 4)
    }

    @Test func `stays between half and whole of the step, whatever the policy`() {
        for seed in UInt64(0)..<5000 {
            var chance = SeededGenerator(seed: seed)
            let policy = RetryPolicy(
                first: .milliseconds(Int.random(in: 0...100_000, using: &chance)),
                factor: Double.random(in: 0...10, using: &chance),
                longest: .milliseconds(Int.random(in: 0...10_000_000, using: &chance)))
            let failures = Int.random(in: 0...10_000, using: &chance)
            let least = Backoff(policy).delay(afterFailures: failures, chance: 0)
            let some = Backoff(policy).delay(
                afterFailures: failures, chance: Double.random(in: 0..<1, using: &chance))
            let most = Backoff(policy).delay(afterFailures: failures, chance: 1)
            #expect(least <= some && some <= most && most <= policy.longest, "seed \(seed)")
            #expect(most - least * 2 <= .milliseconds(2), "seed \(seed)")
        }
    }

    @Test func `is never shorter than what the destination asked for`() {
        #expect(Backoff(policy).delay(afterFailures: 1, chance: 0.3, floor: .seconds(90)) == .seconds(90))
        #expect(Backoff(policy).delay(afterFailures: 9, chance: 0, floor: .seconds(1)) == .seconds(256))
    }

    @Test func `gives up by time and by attempts, whichever comes first`() {
        let start = Instant(seconds: 1000)
        let backoff = Backoff(RetryPolicy(giveUp: .seconds(60), attemptsMax: 3))
        #expect(!backoff.isGivenUp(attempts: 2, firstAttemptAt: start, now: start + .seconds(59)))
        #expect(backoff.isGivenUp(attempts: 3, firstAttemptAt: start, now: start))
        #expect(backoff.isGivenUp(attempts: 1, firstAttemptAt: start, now: start + .seconds(60)))
    }
}
