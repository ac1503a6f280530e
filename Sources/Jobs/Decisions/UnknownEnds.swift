internal import Journal
internal import Model

/// How long ago attempts ended of which nobody knows how, on the clock that does not jump.
///
/// Whoever looks for a lost effect waits until the destination would show it. The wall clock may be set forward in that
/// time, and then it would look too early, find nothing, and make the effect once more. Of attempts of an earlier process
/// only that much is sure: they ended before this one began.
struct UnknownEnds: Sendable {
    /// Longer than any wait for a lost effect.
    static let rememberedFor: Duration = .seconds(86_400)
    private static let prunedAboveFirst = 10_000

    /// Doubles with what is left after a look, so that a look costs little however many there are.
    private var prunedAbove = Self.prunedAboveFirst
    private let since: Duration
    private var ends: [JobID: Duration] = [:]

    init(since uptime: Duration) { since = uptime }

    mutating func note(_ settlement: Settlement, at uptime: Duration) {
        switch settlement.attempt.outcome {
        case .unknown: ends[settlement.job] = uptime
        case .succeeded: ends[settlement.job] = nil
        // They say nothing about the lost call.
        case .transient, .slowDown, .permanent, .credentials, .blocked, .notMade: break
        }
        guard ends.count > prunedAbove else { return }
        ends = ends.filter { uptime - $0.value < Self.rememberedFor }
        prunedAbove = max(Self.prunedAboveFirst, 2 * ends.count)
    }

    /// `told` is what a journal with a clock of its own says; where both know, the younger counts.
    func age(of job: JobID, told: Duration? = nil, at uptime: Duration) -> Duration {
        let known = ends[job].map { uptime - $0 }
        guard let told else { return known ?? uptime - since }
        return min(told, known ?? told)
    }
}
