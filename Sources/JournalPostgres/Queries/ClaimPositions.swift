internal import Model

/// What one node remembers of the queues from which it claims.
///
/// A destination has two queues a priority: jobs in the order in which they were planned, by `seq`, and those that
/// came back (retried, released by their lane) in the order in which they did, by `turn`.
struct ClaimPositions: Sendable, Equatable {
    /// Where to read the queues of one destination.
    struct Reading: Sendable, Equatable {
        /// Known priorities, the highest first.
        var priorities: [Int64] = []
        var planned: [Int64] = []
        var returned: [Int64] = []

        /// The ranges between known priorities, without their ends: a job of an unknown one is found there.
        var gaps: (low: [Int64], high: [Int64]) {
            ([priorities, [.min]].flatMap(\.self), [[.max], priorities].flatMap(\.self))
        }
    }

    /// What a claim saw of the queues of one priority.
    struct Sight: Sendable, Equatable {
        var priority: Int64
        var planned: ForwardPosition.Sight
        var returned: ForwardPosition.Sight
    }

    private struct Queues: Equatable {
        var planned = ForwardPosition()
        var returned = ForwardPosition()
    }

    /// A retry is due after the moment at which it was settled.
    ///
    /// Transactions are shorter than this, and clocks of two nodes nearer.
    private static let dueSlack: Duration = .seconds(300)

    private var queues: [String: [Int64: Queues]] = [:]
    private var sweeping = Sweeping()
    /// Until when all that had fallen due was made available; nil where more was than could be.
    private var promotedUntil: Instant?

    /// Where to read now.
    mutating func reading(of destination: String, at uptime: Duration) -> Reading {
        let known = (queues[destination] ?? [:]).sorted { $0.key > $1.key }
        let isSweep = sweeping.isDue("claims of \(destination)", at: uptime)
        return Reading(
            priorities: known.map(\.key), planned: known.map { isSweep ? 0 : $0.value.planned.floor },
            returned: known.map { isSweep ? 0 : $0.value.returned.floor })
    }

    /// The time from which on jobs may have fallen due that nobody has made available.
    mutating func dueFloor(at uptime: Duration) -> Instant {
        let isSweep = sweeping.isDue("due", at: uptime)
        guard let promotedUntil, !isSweep else { return Instant(milliseconds: 0) }
        return promotedUntil - Self.dueSlack
    }

    /// What was seen, once the transaction that saw it has been committed.
    mutating func note(_ sights: [Sight], of destination: String) {
        for sight in sights {
            queues[destination, default: [:]][sight.priority, default: Queues()].planned.note(sight.planned)
            queues[destination, default: [:]][sight.priority, default: Queues()].returned.note(sight.returned)
        }
    }

    /// All that had fallen due by then has been made available; nil where there is more.
    mutating func notePromotion(until time: Instant?) { promotedUntil = time }
}
