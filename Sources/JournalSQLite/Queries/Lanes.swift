internal import GRDB
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

    /// Whether a job other than `seq` is on its way in the lane.
    static func hasHead(_ destination: String, _ lane: String, besides seq: Int64 = -1, _ db: Database) throws -> Bool {
        try db.exists(
            """
            SELECT 1 FROM jobs INDEXED BY jobs_head
            WHERE destination = ? AND lane = ? AND state IN \(headStates) AND seq <> ?
            """, destination, lane, seq)
            || db.exists(
                "SELECT 1 FROM jobs WHERE destination = ? AND moves_to = ? AND seq <> ? LIMIT 1", destination, lane,
                seq)
    }

    /// Whether a dead job keeps the lane shut until a person acts on it.
    static func isStopped(_ destination: String, _ lane: String, _ db: Database) throws -> Bool {
        try db.exists(
            "SELECT 1 FROM history WHERE destination = ? AND lane = ? AND state = 'dead' AND stops_lane = 1 LIMIT 1",
            destination, lane)
    }

    /// Whether somebody who comes into the lane has to wait.
    static func isShut(_ destination: String, _ lane: String, _ db: Database) throws -> Bool {
        try db.exists(
            """
            SELECT 1 WHERE EXISTS (
                    SELECT 1 FROM jobs INDEXED BY jobs_head
                    WHERE destination = ?1 AND lane = ?2 AND state IN \(headStates))
                OR EXISTS (SELECT 1 FROM jobs WHERE destination = ?1 AND moves_to = ?2)
                OR EXISTS (
                    SELECT 1 FROM history WHERE destination = ?1 AND lane = ?2 AND state = 'dead' AND stops_lane = 1)
            """, destination, lane)
    }

    /// Lets the next of the lane go, where nobody is on its way and nothing stops it.
    ///
    /// True where one could start.
    @discardableResult
    static func release(_ destination: String, _ lane: String, at now: Instant, _ db: Database) throws -> Bool {
        let next = try db.first(
            """
            SELECT seq FROM jobs WHERE destination = ? AND lane = ? AND state = 'waiting' AND wait_kind = 'lane'
            ORDER BY seq LIMIT 1
            """, destination, lane
        ) { $0.int(0) }
        guard let next, try !isShut(destination, lane, db) else { return false }
        try db.run(
            """
            UPDATE jobs SET wait_kind = NULL, wait_value = NULL, waits_until = NULL, state = CASE
                WHEN is_restored THEN 'held' WHEN run_at > ? THEN 'scheduled' ELSE 'available' END
            WHERE seq = ?
            """, now, next)
        return true
    }

    /// Puts a job on its way again, behind whoever is on its way in its lane.
    ///
    /// True where it could start.
    ///
    /// `isOrdered`: a person wants it, so that a stop in the lane does not hold it.
    @discardableResult
    static func enter(_ seq: Int64, at now: Instant, isOrdered: Bool = false, _ db: Database) throws -> Bool {
        let lane = try db.first("SELECT destination, coalesce(moves_to, lane) FROM jobs WHERE seq = ?", seq) {
            ($0.text(0), $0.textOrNil(1))
        }
        guard let (destination, lane) = lane else { return false }
        if let lane {
            let isStopped = try !isOrdered && isStopped(destination, lane, db)
            if try isStopped || hasHead(destination, lane, besides: seq, db) {
                try db.run(
                    """
                    UPDATE jobs SET state = 'waiting', wait_kind = 'lane', wait_value = NULL, waits_until = NULL,
                        lane = ?, moves_to = NULL WHERE seq = ?
                    """, lane, seq)
                return false
            }
        }
        try db.run(
            """
            UPDATE jobs SET wait_kind = NULL, wait_value = NULL, waits_until = NULL, lane = ?, moves_to = NULL,
                state = CASE WHEN is_restored THEN 'held' WHEN run_at > ? THEN 'scheduled' ELSE 'available' END
            WHERE seq = ?
            """, lane, now, seq)
        return true
    }

    /// Wakes a job that waits for a field; nothing where it does not.
    ///
    /// True where it could start.
    static func wake(_ job: JobID, at now: Instant, _ db: Database) throws -> Bool {
        let seq = try db.first(
            "SELECT seq FROM jobs WHERE id = ? AND state = 'waiting' AND wait_kind = 'field'", job
        ) { $0.int(0) }
        guard let seq else { return false }
        return try enter(seq, at: now, db)
    }

    /// Wakes the jobs of the subject that wait for a record of that kind at that destination.
    static func wake(
        waitingFor kind: String, at destination: String, of subject: SubjectID, at now: Instant, _ db: Database
    )
        throws
    {
        let waiting = try db.rows(
            """
            SELECT jobs.seq FROM subjects CROSS JOIN jobs ON jobs.subject = subjects.id
            WHERE root = ? AND destination = ? AND state = 'waiting' AND wait_kind = 'record' AND wait_value = ?
            ORDER BY jobs.seq
            """, try Subjects.root(of: subject, db), destination, kind
        ) { $0.int(0) }
        for seq in waiting { try enter(seq, at: now, db) }
    }

    /// Lets every lane go on in which somebody waits and nobody is on its way.
    ///
    /// Returns how many.
    @discardableResult
    static func wakeHeadless(_ db: Database) throws -> Int {
        let lanes = try db.rows(
            "SELECT DISTINCT destination, lane FROM jobs WHERE state = 'waiting' AND wait_kind = 'lane'"
        ) { ($0.text(0), $0.text(1)) }
        // What is woken becomes scheduled, and the next claim makes it available when it is due.
        return try lanes.count { try release($0.0, $0.1, at: Instant(milliseconds: 0), db) }
    }
}
