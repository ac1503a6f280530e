internal import Journal
internal import Model

/// The law of lanes (destination, lane).
///
/// At most one job of a lane is on its way: `available`, `running`, `scheduled`, `retryable` or `held`. Who comes
/// behind it is `waiting` for the lane, and the lowest of them follows when it is gone. A job that waits for a field
/// or a record has stepped aside: others pass it, and it comes back behind whoever is on its way then. A dead job
/// lets its lane go on unless it stops it.
///
/// Joining two subjects can bring two jobs together that cannot step back (they run, or a person is asked). Then the
/// child's keeps its old lane, marked with the one that it moves to, which stays shut for followers until it is gone.
enum Lanes {
    static let headStates = "('available', 'running', 'scheduled', 'retryable', 'held')"

    /// The last place in the queue of the jobs that came back.
    ///
    /// The transaction has its number before: see `ForwardPosition`.
    static let nextTurn = "CASE WHEN pg_current_xact_id() IS NOT NULL THEN nextval('throughline.turns') END"

    private static let looksMax = 8

    /// Holds the lanes of these jobs, open or ended, so that nobody else lets one go or comes in.
    static func hold(lanesOf jobs: [Int64], _ db: Transaction) throws {
        guard !jobs.isEmpty else { return }
        var known: Set<String> = []
        for _ in 0..<looksMax {
            let names = Set(
                try db.rows(
                    """
                    SELECT destination, lane, moves_to FROM jobs WHERE seq = ANY($1)
                    UNION ALL SELECT destination, lane, moves_to FROM history WHERE seq = ANY($1)
                    """, SQLArray(jobs)
                ) { row in
                    [row.textOrNil(1), row.textOrNil(2)].compactMap(\.self).map { Locks.lane(row.text(0), $0) }
                }.joined())
            // A join may have moved one between reading and holding.
            if names.isSubset(of: known) { return }
            try db.hold(names)
            known.formUnion(names)
        }
        throw PostgresError(state: "40001", message: "the lanes are being joined")
    }

    /// Whether a job other than `seq` is on its way in the lane.
    static func hasHead(_ destination: String, _ lane: String, besides seq: Int64 = -1, _ db: Transaction) throws
        -> Bool
    {
        try db.exists(
            """
            SELECT 1 FROM jobs
            WHERE destination = $1 AND lane = $2 AND state IN \(headStates) AND seq <> $3
            """, destination, lane, seq)
            || db.exists(
                "SELECT 1 FROM jobs WHERE destination = $1 AND moves_to = $2 AND seq <> $3 LIMIT 1", destination, lane,
                seq)
    }

    /// Whether a dead job keeps the lane shut until a person acts on it.
    static func isStopped(_ destination: String, _ lane: String, _ db: Transaction) throws -> Bool {
        try db.exists(
            "SELECT 1 FROM history WHERE destination = $1 AND lane = $2 AND state = 'dead' AND stops_lane LIMIT 1",
            destination, lane)
    }

    /// Whether somebody who comes into the lane has to wait, as a condition on the two.
    ///
    /// `OFFSET 0` has each looked up by its keys; else the server may choose to read all that is open for it.
    static func isShut(_ destination: String, _ lane: String) -> String {
        """
        (EXISTS (
                SELECT 1 FROM jobs WHERE destination = \(destination) AND lane = \(lane) AND state IN \(headStates) OFFSET 0)
            OR EXISTS (SELECT 1 FROM jobs WHERE destination = \(destination) AND moves_to = \(lane) OFFSET 0)
            OR EXISTS (
                SELECT 1 FROM history
                WHERE destination = \(destination) AND lane = \(lane) AND state = 'dead' AND stops_lane OFFSET 0))
        """
    }

    /// Lets the next of the lane go, where nobody is on its way and nothing stops it.
    ///
    /// True where one could start.
    @discardableResult
    static func release(_ destination: String, _ lane: String, at now: Instant, _ db: Transaction) throws -> Bool {
        try db.hold([Locks.lane(destination, lane)])
        let next = try db.first(
            """
            SELECT seq FROM jobs WHERE destination = $1 AND lane = $2 AND state = 'waiting' AND wait_kind = 'lane'
            ORDER BY seq LIMIT 1
            """, destination, lane
        ) { $0.int(0) }
        guard let next, try !db.exists("SELECT 1 WHERE \(isShut("$1", "$2"))", destination, lane) else { return false }
        try db.run(
            """
            UPDATE jobs SET turn = \(nextTurn), wait_kind = NULL, wait_value = NULL, waits_until = NULL,
                state = CASE
                WHEN is_restored THEN 'held' WHEN run_at > $1 THEN 'scheduled' ELSE 'available' END
            WHERE seq = $2
            """, now, next)
        return true
    }

    /// Lets the next of each of these lanes go.
    static func release(_ lanes: [(String, String)], at now: Instant, _ db: Transaction) throws {
        guard !lanes.isEmpty else { return }
        try db.hold(lanes.map(Locks.lane))
        try db.post(
            """
            UPDATE jobs SET turn = \(nextTurn), wait_kind = NULL, wait_value = NULL, waits_until = NULL,
                state = CASE
                WHEN is_restored THEN 'held' WHEN run_at > $3 THEN 'scheduled' ELSE 'available' END
            WHERE seq = ANY (ARRAY(
                SELECT (
                    SELECT seq FROM jobs WHERE destination = free.destination AND lane = free.lane
                        AND state = 'waiting' AND wait_kind = 'lane' ORDER BY seq LIMIT 1)
                FROM (SELECT DISTINCT destination, lane FROM unnest($1, $2) AS free (destination, lane)) AS free
                WHERE NOT \(isShut("free.destination", "free.lane"))))
            """, SQLArray(lanes.map(\.0)), SQLArray(lanes.map(\.1)), now)
    }

    /// Puts a job on its way again, behind whoever is on its way in its lane.
    ///
    /// True where it could start.
    ///
    /// `isOrdered`: a person wants it, so that a stop in the lane does not hold it.
    @discardableResult
    static func enter(_ seq: Int64, at now: Instant, isOrdered: Bool = false, _ db: Transaction) throws -> Bool {
        let lane = try db.first("SELECT destination, coalesce(moves_to, lane) FROM jobs WHERE seq = $1", seq) {
            ($0.text(0), $0.textOrNil(1))
        }
        guard let (destination, lane) = lane else { return false }
        if let lane {
            try db.hold([Locks.lane(destination, lane)])
            let isStopped = try !isOrdered && isStopped(destination, lane, db)
            if try isStopped || hasHead(destination, lane, besides: seq, db) {
                try db.run(
                    """
                    UPDATE jobs SET state = 'waiting', wait_kind = 'lane', wait_value = NULL, waits_until = NULL,
                        lane = $1, moves_to = NULL WHERE seq = $2
                    """, lane, seq)
                return false
            }
        }
        try db.run(
            """
            UPDATE jobs SET turn = \(nextTurn), wait_kind = NULL, wait_value = NULL, waits_until = NULL, lane = $1,
                moves_to = NULL,
                state = CASE WHEN is_restored THEN 'held' WHEN run_at > $2 THEN 'scheduled' ELSE 'available' END
            WHERE seq = $3
            """, lane, now, seq)
        return true
    }

    /// Wakes a job that waits for a field; nothing where it does not.
    ///
    /// True where it could start.
    static func wake(_ job: JobID, at now: Instant, _ db: Transaction) throws -> Bool {
        let waiting = "SELECT seq FROM jobs WHERE id = $1 AND state = 'waiting' AND wait_kind = 'field'"
        guard let seq = try db.first(waiting, job, read: { $0.int(0) }) else { return false }
        try hold(lanesOf: [seq], db)
        // Somebody may have ended it before its lane was held.
        guard try db.exists("\(waiting) FOR UPDATE", job) else { return false }
        return try enter(seq, at: now, db)
    }

    /// Wakes the jobs of the subject that wait for a record of that kind at that destination.
    static func wake(
        waitingFor kind: String, at destination: String, of subject: SubjectID, at now: Instant, _ db: Transaction
    )
        throws
    {
        let waiting = try db.rows(
            """
            SELECT seq FROM jobs WHERE subject IN (SELECT id FROM subjects WHERE root = $1) AND destination = $2
                AND state = 'waiting' AND wait_kind = 'record' AND wait_value = $3 ORDER BY seq
            """, try Subjects.root(of: subject, db), destination, kind
        ) { $0.int(0) }
        for seq in waiting { try enter(seq, at: now, db) }
    }

    /// Lets every lane go on in which somebody waits and nobody is on its way.
    ///
    /// Returns how many.
    @discardableResult
    static func wakeHeadless(_ db: Transaction) throws -> Int {
        let lanes = try db.rows(
            "SELECT DISTINCT destination, lane FROM jobs WHERE state = 'waiting' AND wait_kind = 'lane'"
        ) { ($0.text(0), $0.text(1)) }
        try db.hold(lanes.map(Locks.lane))
        // What is woken becomes scheduled, and the next claim makes it available when it is due.
        return try lanes.count { try release($0.0, $0.1, at: Instant(milliseconds: 0), db) }
    }
}
