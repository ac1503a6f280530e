package import ConnectorKit
package import Journal
internal import Model
package import Settings

/// All that decides how many jobs of one destination may be called out now.
///
/// Pause, breaker, rate and patience are the destination's, not the jobs': they are read when jobs are claimed, and no
/// job is rewritten for them. Times are readings of a clock that never runs backwards.
package struct DestinationDesk: Sendable {
    /// How an attempt ended, as far as the destination is concerned.
    package enum Ending: Sendable, Hashable {
        case succeeded
        /// It answered; what it said is about that request alone.
        case answered(Verdict.Trouble)
        case failed(Verdict.Trouble)
        case slowedDown(Verdict.Trouble, for: Duration)
        case refused(Pause.Cause, Verdict.Trouble)
        /// No call was made.
        case notMade
    }

    /// What the holder has to do about an ending.
    package enum Action: Sendable, Hashable {
        case none, announceOpened, announceClosed
        case pause(Pause.Cause, Verdict.Trouble)
    }

    /// The shortest patience for a destination that says "slow down" without saying how long, and the longest that is
    /// granted: one header must not stop a destination for a week.
    static let patienceLeast: Duration = .seconds(1)
    static let patienceMost: Duration = .seconds(3600)

    package let name: String
    private var concurrency: Int
    private var bucket: TokenBucket?
    private var breaker: Breaker
    private var hint: Hint?
    private var slowUntil: Duration?
    /// After a pause that ended by itself one job goes first, alone.
    private var isOnTrial = false
    package private(set) var inFlight = 0
    package private(set) var pause: Pause?
    package private(set) var lastTrouble: Verdict.Trouble?
    var probing = Probing()

    private struct Hint: Sendable {
        var remaining: Int
        var until: Duration
    }

    package init(_ settings: DestinationSettings, at now: Duration, breaker: Breaker.Limits = .init()) {
        name = settings.name
        concurrency = max(settings.concurrency, 1)
        bucket = settings.rate.map { TokenBucket($0, at: now) }
        self.breaker = Breaker(limits: breaker)
    }

    /// Takes new settings over; calls under way stay counted.
    package mutating func adopt(_ settings: DestinationSettings, at now: Duration) {
        concurrency = max(settings.concurrency, 1)
        bucket = settings.rate.map { bucket?.adjusted(to: $0, at: now) ?? TokenBucket($0, at: now) }
        probing.hasten(to: now)
    }

    // MARK: Claiming

    /// How many jobs may be claimed now.
    package mutating func capacity(at now: Duration) -> Int {
        if let hint, now >= hint.until { self.hint = nil }
        if let slowUntil, now >= slowUntil { self.slowUntil = nil }
        guard pause == nil, slowUntil == nil else { return 0 }
        let places: Int
        switch breaker.phase(at: now) {
        case .open: return 0
        case .halfOpen: places = 1
        case .closed: places = isOnTrial ? 1 : concurrency
        }
        let tokens = min(bucket?.available(at: now) ?? .max, hint?.remaining ?? .max)
        return max(0, min(places - inFlight, tokens, Limits.claimBatchMax))
    }

    /// When capacity may grow by time alone; nil: only an ending or a person can change it.
    package func nextChange(at now: Duration) -> Duration? {
        guard pause == nil else { return nil }
        var times = [slowUntil, hint?.until].compactMap(\.self)
        if case .open(let until) = breaker.phase(at: now) { times.append(until) }
        if let bucket, bucket.available(at: now) == 0 { times.append(bucket.nextToken(at: now)) }
        return times.filter { $0 > now }.min()
    }

    /// Counts claimed jobs as under way.
    package mutating func taken(_ count: Int, at now: Duration) {
        inFlight += count
        bucket?.take(count, at: now)
        if let hint { self.hint?.remaining = max(0, hint.remaining - count) }
    }

    // MARK: Endings

    package mutating func finished(_ ending: Ending, limit: RateHint? = nil, at now: Duration) -> Action {
        inFlight = max(0, inFlight - 1)
        if let limit { note(limit, at: now) }
        switch ending {
        case .succeeded:
            lastTrouble = nil
            return worked()
        case .answered(let trouble):
            lastTrouble = trouble
            return worked()
        case .failed(let trouble):
            lastTrouble = trouble
            return breaker.recordFailure(at: now) == .announceOpened ? .announceOpened : .none
        case .slowedDown(let trouble, let patience):
            lastTrouble = trouble
            let until = now + min(max(patience, Self.patienceLeast), Self.patienceMost)
            slowUntil = max(slowUntil ?? until, until)
            return .none
        case .refused(let cause, let trouble):
            lastTrouble = trouble
            return pause == nil ? .pause(cause, trouble) : .none
        case .notMade:
            bucket?.refund(at: now)
            if let hint { self.hint?.remaining = hint.remaining + 1 }
            return .none
        }
    }

    private mutating func worked() -> Action {
        isOnTrial = false
        if pause == nil { probing.forget() }
        return breaker.recordSuccess() == .announceClosed ? .announceClosed : .none
    }

    private mutating func note(_ limit: RateHint, at now: Duration) {
        // Calls under way may not be counted in it yet.
        let remaining = max(0, limit.remaining - inFlight)
        let length = min(max(limit.resetsAfter, .zero), Self.patienceMost)
        hint = length > .zero ? Hint(remaining: remaining, until: now + length) : nil
    }

    // MARK: Pausing

    /// A pause by the engine never replaces one by a person.
    package mutating func paused(_ pause: Pause, at now: Duration) {
        guard self.pause?.cause != .person || pause.cause == .person else { return }
        self.pause = pause
        if pause.cause == .person { probing.stop() } else { probing.start(at: now) }
    }

    /// Ends the pause; one job goes first, alone, and the others follow when the destination has taken it.
    package mutating func resumed() {
        pause = nil
        slowUntil = nil
        probing.stop()
        isOnTrial = true
    }

    /// Does not wait until an open breaker lets the next call through.
    package mutating func tryNow(at now: Duration) { breaker.tryNow(at: now) }

    /// Since when the breaker has not been closed; nil while it is.
    package var openSince: Duration? { breaker.openSince }
    package func phase(at now: Duration) -> Breaker.Phase { breaker.phase(at: now) }
    package func patience(at now: Duration) -> Duration? { slowUntil.flatMap { $0 > now ? $0 - now : nil } }
    package var rate: Rate? { bucket?.rate }
    package var places: Int { concurrency }
}
