package import Journal
package import Model
internal import Seams
internal import Synchronization

extension PostgresJournal {
    package func beat(isWorking: Bool, now: Instant) async throws -> Beat {
        let node = node
        let uptime = time.uptime
        let looksForLost = sweeping.withLock { $0.isDue("jobs of nobody", at: uptime) }
        let (workers, isAnyLost) = try await beating.transaction(.fleeting) { db in
            try Nodes.beat(node, isWorking: isWorking, looksForLost: looksForLost, db)
        }
        let rescued = isAnyLost ? try await writing { db in try Nodes.buryDead(besides: node, at: now, db) } : 0
        return Beat(lease: Self.leaseDuration, workers: workers, rescued: rescued)
    }

    package func rescueRunning(now: Instant) async throws -> Int {
        let node = node
        return try await writing { db in
            let own = try db.rows("SELECT seq, claims FROM jobs WHERE state = 'running' AND node = $1", node) {
                (seq: $0.int(0), token: $0.int(1))
            }
            return try Settling.rescue(own, at: now, db) + Nodes.buryDead(besides: node, at: now, db)
        }
    }
}

/// Who lives, who is planning what, and who leads.
///
/// A node is alive while its heart has beaten within the lease, by the database's clock.
enum Nodes {
    private static let lease = "make_interval(secs => \(PostgresJournal.leaseDuration.components.seconds))"
    private static let isDead = "beat_at < clock_timestamp() - \(lease)"

    /// Shows that the node lives; tells how many work, and whether somebody died or, where that is asked, jobs run
    /// that belong to nobody.
    static func beat(_ node: String, isWorking: Bool, looksForLost: Bool, _ db: Transaction) throws
        -> (workers: Int, isAnyLost: Bool)
    {
        try db.run(
            """
            INSERT INTO nodes (name, beat_at, works) VALUES ($1, clock_timestamp(), $2)
            ON CONFLICT (name) DO UPDATE SET beat_at = excluded.beat_at, works = excluded.works, steady_since =
                CASE WHEN nodes.beat_at < clock_timestamp() - \(lease) / 2 THEN clock_timestamp()
                    ELSE nodes.steady_since END
            """, node, isWorking)
        return try db.first(
            """
            SELECT (SELECT count(*) FROM nodes WHERE works AND NOT \(isDead)),
                EXISTS (SELECT 1 FROM nodes WHERE \(isDead))
                OR ($1 AND EXISTS (
                    SELECT 1 FROM jobs WHERE state = 'running' AND node NOT IN (SELECT name FROM nodes)))
            """, looksForLost
        ) { (Int($0.int(0)), $0.flag(1)) } ?? (1, false)
    }

    static func isAnyAlive(_ db: Transaction) throws -> Bool {
        try db.exists("SELECT 1 FROM nodes WHERE NOT \(isDead) LIMIT 1")
    }

    /// Takes the node off.
    ///
    /// Where it still has jobs in hand it is dead at once, and the next beat of another frees them.
    static func leave(_ node: String, _ db: Transaction) throws {
        let isWorking = try db.exists("SELECT 1 FROM jobs WHERE state = 'running' AND node = $1 LIMIT 1", node)
        let dies = "UPDATE nodes SET beat_at = '-infinity', works = false, desk = NULL"
        try db.run("\(isWorking ? dies : "DELETE FROM nodes") WHERE name = $1", node)
        try db.run("UPDATE leaders SET expires_at = clock_timestamp() WHERE node = $1", node)
    }

    /// Takes the dead off the list and frees what they had in hand: jobs become available with an attempt of unknown
    /// end, events that they were planning are marked.
    ///
    /// Returns how many jobs. Where another node is at it, nothing. A node that has itself missed beats tells nobody
    /// else dead for a lease: where the database was away, everybody has.
    static func buryDead(besides node: String, at now: Instant, _ db: Transaction) throws -> Int {
        let isSteady = try db.exists(
            "SELECT 1 FROM nodes WHERE name = $1 AND steady_since < clock_timestamp() - \(lease)", node)
        guard isSteady else { return 0 }
        guard try db.rows("SELECT pg_try_advisory_xact_lock(\(Locks.seed + 1))", read: { $0.flag(0) }) == [true] else {
            return 0
        }
        // One event alone on the desk of the dead is the one over which it died; of several, any may be.
        try db.run(
            """
            WITH dead AS (DELETE FROM nodes WHERE \(isDead) AND name <> $1 RETURNING desk)
            UPDATE pending SET is_suspect = true,
                crashes = crashes + CASE WHEN cardinality(dead.desk) = 1 THEN 1 ELSE 0 END
            FROM dead WHERE pending.seq = ANY (dead.desk)
            """, node)
        let lost = try db.rows(
            """
            SELECT seq, claims FROM jobs
            WHERE state = 'running' AND node <> $1 AND node NOT IN (SELECT name FROM nodes) ORDER BY seq
            """, node
        ) { (seq: $0.int(0), token: $0.int(1)) }
        return try Settling.rescue(lost, at: now, db)
    }

    // MARK: Desks

    /// Puts the oldest pending events on the node's desk that are on nobody else's, and tells them.
    ///
    /// One over which a node has died is taken alone, so that it is known which one it is if that happens again.
    static func fillDesk(of node: String, limit: Int, from position: PendingPosition, _ db: Transaction) throws
        -> (seqs: [Int64], sight: PendingPosition.Sight?)
    {
        try db.post("SELECT pg_advisory_xact_lock(\(Locks.seed + 2))")
        let oldest = try db.rows(
            """
            SELECT seq, is_suspect,
                (SELECT seq FROM pending WHERE \(isAhead(of: "$3", "$4")) ORDER BY seq LIMIT 1) AS first,
                pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
                pg_snapshot_xmax(pg_current_snapshot())::text::bigint, \(replans)
            FROM pending WHERE \(isAhead(of: "$3", "$4")) AND \(isFree(of: "$2")) ORDER BY pending.seq LIMIT $1
            """, limit, node, position.floor, position.replans
        ) { row in
            (
                seq: row.int(0), isSuspect: row.flag(1),
                sight: PendingPosition.Sight(
                    place: ForwardPosition.Sight(
                        first: row.intOrNil(2), oldestRunning: row.int(3), nextToBegin: row.int(4)),
                    replans: row.int(5))
            )
        }
        let isSuspect = oldest.first?.isSuspect == true
        let taken = isSuspect ? oldest.prefix(1).map(\.seq) : oldest.prefix { !$0.isSuspect }.map(\.seq)
        try db.post(
            """
            INSERT INTO nodes (name, beat_at, works, desk) VALUES ($1, clock_timestamp(), false, $2)
            ON CONFLICT (name) DO UPDATE SET desk = excluded.desk, beat_at = excluded.beat_at
            WHERE nodes.desk IS DISTINCT FROM excluded.desk OR nodes.beat_at < clock_timestamp() - \(lease) / 8
            """, node, SQLArray(taken))
        return (taken, oldest.first?.sight)
    }

    /// Whether the node could plan more than what it has just done.
    static func isAnyPending(
        for node: String, besides seqs: [Int64], from position: PendingPosition, _ db: Transaction
    ) throws -> Bool {
        try db.exists(
            """
            SELECT 1 FROM pending
            WHERE \(isAhead(of: "$3", "$4")) AND seq <> ALL($1) AND \(isFree(of: "$2")) LIMIT 1
            """, SQLArray(seqs), node, position.floor, position.replans)
    }

    /// An event that is planned once more takes its old place among the pending: whoever sees it there sees this go up.
    static func noteReplan(_ db: Transaction) throws {
        try db.run(
            """
            INSERT INTO marks (name, at) VALUES ('replans', 1)
            ON CONFLICT (name) DO UPDATE SET at = marks.at + 1
            """)
    }

    private static let replans = "coalesce((SELECT at FROM marks WHERE name = 'replans'), 0)"

    private static func isAhead(of floor: String, _ known: String) -> String {
        "seq >= CASE WHEN \(replans) = \(known)::bigint THEN \(floor)::bigint ELSE 0 END"
    }

    private static func isFree(of node: String) -> String {
        "seq <> ALL (ARRAY(SELECT unnest(desk) FROM nodes WHERE name <> \(node)))"
    }

    // MARK: Duties

    /// Whether the node leads in that duty: whoever led last goes on, until it shows no sign of life for a lease.
    ///
    /// The row stays locked until the end of the transaction, so that nobody else takes over under the writes of this
    /// one.
    static func leads(_ node: String, in duty: String, _ db: Transaction) throws -> Bool {
        try db.run(
            """
            INSERT INTO leaders (duty, node, epoch, expires_at) VALUES ($1, $2, 1, clock_timestamp() + \(lease))
            ON CONFLICT (duty) DO UPDATE SET node = excluded.node, expires_at = excluded.expires_at,
                epoch = leaders.epoch + CASE WHEN leaders.node = excluded.node THEN 0 ELSE 1 END
            WHERE leaders.node = excluded.node OR leaders.expires_at < clock_timestamp()
            """, duty, node) > 0
    }

    /// Whether the duty was last done longer ago than that; notes that it is done now.
    static func isDue(_ duty: String, everySeconds seconds: Int, _ db: Transaction) throws -> Bool {
        try db.run(
            """
            UPDATE leaders SET done_at = clock_timestamp() WHERE duty = $1
                AND (done_at IS NULL OR done_at < clock_timestamp() - make_interval(secs => $2::bigint))
            """, duty, seconds) > 0
    }
}
