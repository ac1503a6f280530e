/// Stops the calls to a destination that fails again and again, and lets a single one feel whether it is back.
///
///     closed --failures in a row--> open --its time is over--> half-open --success--> closed
///                                    ^-----------failure (twice as long)------'
package struct Breaker: Sendable, Equatable {
    package struct Limits: Sendable, Equatable {
        /// Failures in a row, over all jobs, that open it.
        package var failuresMax = 5
        package var openFirst: Duration = .seconds(5)
        package var openMax: Duration = .seconds(60)

        package init() {}
    }

    package enum Phase: Sendable, Equatable {
        case closed
        case open(until: Duration)
        case halfOpen
    }

    package enum Action: Sendable, Equatable { case none, announceOpened, announceClosed }

    private enum State: Sendable, Equatable {
        case closed(failures: Int)
        /// Half-open is this state once `until` has passed; `since` is when it opened first.
        case open(until: Duration, length: Duration, since: Duration)
    }

    private let limits: Limits
    private var state: State = .closed(failures: 0)

    package init(limits: Limits = Limits()) { self.limits = limits }

    /// Times are readings of a clock that never runs backwards.
    package func phase(at now: Duration) -> Phase {
        switch state {
        case .closed: .closed
        case .open(let until, _, _): now < until ? .open(until: until) : .halfOpen
        }
    }

    /// Since when it has not been closed; nil while it is.
    package var openSince: Duration? {
        switch state {
        case .closed: nil
        case .open(_, _, let since): since
        }
    }

    /// Lets a single call feel now whether the destination is back.
    package mutating func tryNow(at now: Duration) {
        guard case .open(let until, let length, let since) = state, until > now else { return }
        state = .open(until: now, length: length, since: since)
    }

    package mutating func recordSuccess() -> Action {
        defer { state = .closed(failures: 0) }
        return openSince == nil ? .none : .announceClosed
    }

    package mutating func recordFailure(at now: Duration) -> Action {
        switch state {
        case .closed(let failures) where failures + 1 >= limits.failuresMax:
            state = .open(until: now + limits.openFirst, length: limits.openFirst, since: now)
            return .announceOpened
        case .closed(let failures):
            state = .closed(failures: failures + 1)
        case .open(let until, let length, let since) where now >= until:
            let longer = min(length * 2, limits.openMax)
            state = .open(until: now + longer, length: longer, since: since)
        case .open:
            // A call that was under way when it opened says nothing new.
            break
        }
        return .none
    }
}
