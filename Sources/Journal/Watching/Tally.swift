package import Model

/// How often something happened and how often it failed, in one minute or hour.
///
/// Kept beside the history, so that a rate costs the same in a journal of any size.
package struct Tally: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// Answered attempts, by destination and minute.
        case work
        /// Deliveries at the door, by source and minute.
        case delivery
        /// Acknowledgements, by minute; those that took too long count as failed.
        case ack
        /// Authentic arrivals, by source and hour.
        case arrival

        package var bucket: Duration { self == .arrival ? .seconds(3600) : .seconds(60) }
        /// How long they are kept.
        package var kept: Duration { self == .arrival ? .seconds(22 * 86_400) : .seconds(3 * 3600) }
    }

    package var kind: Kind
    package var name: String
    /// The beginning of the bucket.
    package var at: Instant
    package var total: Int
    package var failed: Int

    package init(kind: Kind, name: String, at: Instant, total: Int, failed: Int) {
        self.kind = kind
        self.name = name
        self.at = kind.start(of: at)
        self.total = total
        self.failed = failed
    }
}

extension Tally.Kind {
    /// The beginning of the bucket in which that moment lies.
    package func start(of moment: Instant) -> Instant {
        let length = bucket.milliseconds
        let rest = moment.milliseconds % length
        return Instant(milliseconds: moment.milliseconds - (rest < 0 ? rest + length : rest))
    }
}

/// Tallies of one name added up over a window, and over its last part.
package struct TallySum: Sendable, Hashable {
    package var kind: Tally.Kind
    package var name: String
    package var total: Int
    package var failed: Int
    package var recentTotal: Int
    package var recentFailed: Int

    package init(
        kind: Tally.Kind, name: String, total: Int, failed: Int, recentTotal: Int = 0, recentFailed: Int = 0
    ) {
        self.kind = kind
        self.name = name
        self.total = total
        self.failed = failed
        self.recentTotal = recentTotal
        self.recentFailed = recentFailed
    }
}
