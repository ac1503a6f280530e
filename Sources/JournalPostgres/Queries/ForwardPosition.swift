/// From where on a queue is read, for one node.
///
/// While somebody holds an old snapshot open, rows that left a queue stay in its index, and whoever reads it from its
/// beginning walks over all of them: a queue in Postgres gets slower with each job it has done. So it is read from a
/// position on. The position never passes a row that may still come: places in a queue are given out before their
/// transactions commit, so it follows only when every transaction that ran when the place was seen has ended.
///
/// That holds because a transaction has its number before it is given a place: see `Lanes.nextTurn`, and what is
/// written first in `JobTable.insert` and in an acknowledging commit.
struct ForwardPosition: Sendable, Equatable {
    /// What one reading of the queue saw.
    struct Sight: Sendable, Equatable {
        /// The first place that is taken; nil where this reading cannot tell.
        var first: Int64?
        /// The oldest transaction that was under way.
        var oldestRunning: Int64
        /// The first transaction that had not begun.
        var nextToBegin: Int64
    }

    private struct Candidate: Equatable {
        var place: Int64
        var horizon: Int64
    }

    /// No row stands before it, and none will.
    private(set) var floor: Int64 = 0
    /// Becomes the floor when all transactions below its horizon have ended.
    private var candidate: Candidate?

    /// Goes on, where that is safe.
    mutating func note(_ sight: Sight) {
        if let candidate, sight.oldestRunning >= candidate.horizon {
            (floor, self.candidate) = (max(floor, candidate.place), nil)
        }
        guard let first = sight.first else { return }
        // Where a sweep has found something behind us, we go back to it.
        if first < floor { (floor, candidate) = (first, nil) }
        if candidate == nil, first > floor { candidate = Candidate(place: first, horizon: sight.nextToBegin) }
    }
}

/// When a queue is read from its beginning all the same.
///
/// Between programs of two versions a row may come back into the queue without a new place; so it waits no longer than
/// this.
struct Sweeping: Sendable, Equatable {
    static let interval: Duration = .seconds(60)

    private var sweptAt: [String: Duration] = [:]

    /// Whether the queue is due; then it is taken for swept.
    mutating func isDue(_ queue: String, at uptime: Duration) -> Bool {
        if let swept = sweptAt[queue], uptime - swept < Self.interval { return false }
        sweptAt[queue] = uptime
        return true
    }
}

/// From where on pending events are read, for one node.
struct PendingPosition: Sendable, Equatable {
    struct Sight: Sendable, Equatable {
        var place: ForwardPosition.Sight
        var replans: Int64
    }

    private var position = ForwardPosition()
    /// How often an event had been put back into its old place when the position was seen (`Nodes.noteReplan`): where
    /// it is more often now, the position counts for nothing.
    private(set) var replans: Int64 = 0

    var floor: Int64 { position.floor }

    mutating func note(_ sight: Sight) {
        if sight.replans != replans { self = PendingPosition(replans: sight.replans) }
        position.note(sight.place)
    }

    init() {}
    private init(replans: Int64) { self.replans = replans }
}
