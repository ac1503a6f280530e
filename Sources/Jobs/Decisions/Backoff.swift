package import Model
package import Settings

/// How long to wait after a failed attempt, and when to stop trying.
package struct Backoff: Sendable, Equatable {
    private static let stepsMax = 1000
    private let policy: RetryPolicy

    package init(_ policy: RetryPolicy) { self.policy = policy }

    /// The wait before the next attempt, when `failures` have failed (1 after the first).
    ///
    /// `first * factor^(failures - 1)`, at most `longest`, of which a chance in 0..<1 takes 50 to 100 %, so that jobs
    /// that failed together do not come back together. `floor` is what the destination itself asked for (Retry-After):
    /// never less than that.
    package func delay(afterFailures failures: Int, chance: Double, floor: Duration? = nil) -> Duration {
        let longest = max(policy.longest, .zero)
        var delay = min(max(policy.first, .zero), longest)
        // A growing delay reaches `longest` after some dozen steps; the bound is for factors hardly above one.
        for _ in 1..<max(min(failures, Self.stepsMax), 1) where policy.factor > 1 && delay < longest {
            delay = Self.scaled(delay, by: policy.factor, atMost: longest)
        }
        let jittered = Self.scaled(delay, by: 0.5 + min(max(chance, 0), 1) / 2, atMost: longest)
        return max(jittered, floor ?? .zero)
    }

    /// When the attempts end, counted from the first one.
    package func deadline(firstAttemptAt: Instant) -> Instant { firstAttemptAt + policy.giveUp }

    /// Whether no further attempt is made after `attempts` that were spent.
    package func isGivenUp(attempts: Int, firstAttemptAt: Instant, now: Instant) -> Bool {
        if let most = policy.attemptsMax, attempts >= most { return true }
        return now >= deadline(firstAttemptAt: firstAttemptAt)
    }

    private static func scaled(_ duration: Duration, by factor: Double, atMost longest: Duration) -> Duration {
        let milliseconds = Double(duration.milliseconds) * factor
        guard milliseconds < Double(longest.milliseconds) else { return longest }
        return .milliseconds(Int64(milliseconds))
    }
}
