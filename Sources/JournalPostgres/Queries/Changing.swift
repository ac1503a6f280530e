internal import Journal
internal import Model

/// What a person changes of jobs.
enum Changing {
    /// A job that the action may change.
    struct Choice {
        var seq: Int64
        var state: JobState
    }

    private static let both = """
        (SELECT seq, state, destination, flow, error_class, unknown_since, created_at, is_erased FROM jobs UNION ALL
         SELECT seq, state, destination, flow, error_class, unknown_since, created_at, is_erased FROM history) AS every_job
        """

    static func plan(_ action: BulkAction, _ filter: JobFilter, _ db: Transaction) throws -> BulkPlan {
        let all = Listing.conditions(of: filter)
        let total =
            try db.rows("SELECT count(*) FROM \(both)\(all.sql)", values: all.values) { Int($0.int(0)) }.first ?? 0
        var plan = BulkPlan(
            action: action, count: 0, byDestination: [:], byErrorClass: [:], unknown: 0, untouched: total)
        guard let narrowed = filter.narrowed(to: action) else { return plan }
        var conditions = Listing.conditions(of: narrowed)
        conditions.add("NOT is_erased")
        let groups = try db.rows(
            """
            SELECT destination, coalesce(error_class, ''), count(*), count(unknown_since),
                count(*) FILTER (WHERE EXISTS (SELECT 1 FROM requests WHERE job = seq))
            FROM \(both)\(conditions.sql) GROUP BY 1, 2
            """, values: conditions.values
        ) { ($0.text(0), $0.text(1), Int($0.int(2)), Int($0.int(3)), Int($0.int(4))) }
        for (destination, errorClass, count, unknown, keptRequests) in groups {
            plan.count += count
            plan.byDestination[destination, default: 0] += count
            if !errorClass.isEmpty { plan.byErrorClass[errorClass, default: 0] += count }
            plan.unknown += unknown
            plan.keptRequests += keptRequests
        }
        plan.untouched = total - plan.count
        return plan
    }

    /// The oldest of those that the action may change, held so that nobody else changes them.
    static func chosen(_ action: BulkAction, _ filter: JobFilter, limit: Int, _ db: Transaction) throws -> [Choice] {
        guard let narrowed = filter.narrowed(to: action) else { return [] }
        let found = try candidates(narrowed, limit: limit, db)
        try Lanes.hold(lanesOf: found, db)
        return try (["jobs", "history"] as [String]).flatMap { table in
            try db.rows(
                """
                SELECT seq, state FROM \(table) WHERE seq = ANY($1) AND state = ANY($2) AND NOT is_erased
                ORDER BY seq FOR UPDATE
                """, SQLArray(found), SQLArray(narrowed.states.map(\.rawValue))
            ) { Choice(seq: $0.int(0), state: try $0.word(1)) }
        }.sorted { $0.seq < $1.seq }
    }

    private static func candidates(_ narrowed: JobFilter, limit: Int, _ db: Transaction) throws -> [Int64] {
        var conditions = Listing.conditions(of: narrowed)
        conditions.add("NOT is_erased")
        let sql = conditions.sql
        let half = { (table: String) in
            "(SELECT seq, state FROM \(table)\(sql) ORDER BY seq LIMIT \(max(1, limit)))"
        }
        return try db.rows(
            "\(half("jobs")) UNION ALL \(half("history")) ORDER BY seq LIMIT \(max(1, limit))",
            values: conditions.values
        ) { $0.int(0) }
    }

    /// The job, where the action may change it.
    ///
    /// A dead one may be cancelled: it is seen to, and no longer stops its lane.
    static func changeable(_ job: JobID, _ action: BulkAction, _ db: Transaction) throws -> Choice {
        let seqs = try db.rows(
            "SELECT seq FROM jobs WHERE id = $1 UNION ALL SELECT seq FROM history WHERE id = $1", job
        ) { $0.int(0) }
        try Lanes.hold(lanesOf: seqs, db)
        let found = try locked(job, in: "jobs", db) ?? locked(job, in: "history", db)
        guard let (choice, isErased) = found else { throw Failure(.notFound, "There is no job \(job).") }
        if let refusal = action.refusal(of: job, in: choice.state, isErased: isErased) { throw refusal }
        return choice
    }

    private static func locked(_ job: JobID, in table: String, _ db: Transaction) throws
        -> (Choice, isErased: Bool)?
    {
        try db.first("SELECT seq, state, is_erased FROM \(table) WHERE id = $1 FOR UPDATE", job) {
            (Choice(seq: $0.int(0), state: try $0.word(1)), isErased: $0.flag(2))
        }
    }

    static func change(_ choice: Choice, _ action: BulkAction, by actor: String, at now: Instant, _ db: Transaction)
        throws
    {
        switch action {
        case .retry: try retry(choice, at: now, db)
        case .cancel where choice.state == .dead:
            try db.run(
                "UPDATE history SET state = 'cancelled', note = $1 WHERE seq = $2", "cancelled by \(actor)", choice.seq)
            try releaseStopped(choice.seq, at: now, db)
        case .cancel: try JobTable.end(choice.seq, as: .cancelled, note: "cancelled by \(actor)", at: now, db)
        }
    }

    private static func releaseStopped(_ seq: Int64, at now: Instant, _ db: Transaction) throws {
        let lane = try db.first("SELECT destination, lane FROM history WHERE seq = $1", seq) {
            ($0.text(0), $0.textOrNil(1))
        }
        if let (destination, lane) = lane, let lane { try Lanes.release(destination, lane, at: now, db) }
    }

    /// At once, with the time to give up counted anew.
    ///
    /// A held job goes on as the person's decision about its unknown attempt, so that it is not held for it again;
    /// one out of a backup keeps it, since what happened after the backup is to be looked up. With the first job that
    /// a person lets go in a restored journal its whole lane is free.
    private static func retry(_ choice: Choice, at now: Instant, _ db: Transaction) throws {
        let seq = choice.seq
        if choice.state == .dead {
            try JobTable.moveBack(seq, db)
        }
        try db.run(
            """
            UPDATE jobs SET is_restored = false WHERE seq = $1 OR (is_restored AND (destination, lane) = (
                SELECT destination, lane FROM jobs WHERE seq = $1))
            """, seq)
        try db.run(
            """
            UPDATE jobs SET state = 'waiting', run_at = $1, first_attempt_at = NULL, attempts = 0, ended_at = NULL,
                unknown_since = CASE WHEN state = 'held' AND note IS DISTINCT FROM 'restored from a backup' THEN NULL
                    ELSE unknown_since END,
                note = NULL WHERE seq = $2
            """, now, seq)
        try Lanes.enter(seq, at: now, isOrdered: true, db)
    }
}
