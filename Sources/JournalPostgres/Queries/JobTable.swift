internal import Journal
internal import Model
internal import Settings

/// Rows of `jobs` (open) and `history` (ended), which have one shape.
enum JobTable {
    /// The destinations that have open jobs.
    ///
    /// From one to the next by the index, so that the rows between are not walked over.
    static func destinations(max: Int = .max, _ db: Transaction) throws -> [String] {
        var names: [String] = []
        var next = try db.first("SELECT min(destination) FROM jobs") { $0.textOrNil(0) } ?? nil
        while let name = next, names.count < max {
            names.append(name)
            next =
                try db.first("SELECT min(destination) FROM jobs WHERE destination > $1", name) { $0.textOrNil(0) }
                ?? nil
        }
        return names
    }

    /// A job on its way into the table.
    struct Insertion {
        fileprivate let lane: Transaction.Request?
        fileprivate let written: Transaction.Asked<Bool>

        /// Whether it could start; throws where it could not be written, or its lane is in other hands.
        func isOnItsWay() throws -> Bool {
            try lane?.confirm()
            return try written.rows().first ?? false
        }
    }

    /// Puts the job at the end of its lane, and its effect key beside it, with what is asked next.
    static func insert(_ job: NewJob, at now: Instant, _ db: Transaction) throws -> Insertion {
        let lane = try job.lane.flatMap { try db.askToHold([Locks.lane(job.call.destination, $0)]) }
        return Insertion(lane: lane, written: try insert([job], at: now, db))
    }

    /// Puts jobs at the end of their lanes, which are held, and their effect keys beside them; of each it tells whether it
    /// could start.
    static func insert(_ jobs: [NewJob], at now: Instant, _ db: Transaction) throws -> Transaction.Asked<Bool> {
        let keyed = jobs.sorted { $0.effect.text < $1.effect.text }
        try db.post(
            "INSERT INTO effects (key, job) SELECT * FROM unnest($1, $2)", SQLArray(keyed.map(\.effect.text)),
            SQLArray(keyed.map(\.id)))
        var lanes: Set<[String]> = []
        let follows = jobs.map { job in
            // What waits for a field has stepped aside: it stands in nobody's way.
            guard let lane = job.lane, job.waitsFor == nil else { return false }
            return !lanes.insert([job.call.destination, lane]).inserted
        }
        return try db.ask(
            """
            INSERT INTO jobs (id, effect, flow, destination, action, alias, event, fact, subject, lane, state,
                priority, run_at, wait_kind, wait_value, waits_until, attempts, claims, stops_lane, is_restored,
                is_erased, created_at)
            SELECT id, effect, flow, destination, action, alias, event, fact, subject, lane,
                CASE WHEN wait_kind IS NOT NULL OR is_shut THEN 'waiting' ELSE state END, priority, run_at,
                CASE WHEN wait_kind IS NOT NULL THEN wait_kind WHEN is_shut THEN 'lane' END, wait_value, waits_until,
                0, 0, stops_lane, false, false, $18
            FROM (
                SELECT *, lane IS NOT NULL AND (follows OR \(Lanes.isShut("job.destination", "job.lane"))) AS is_shut
                FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $19)
                    WITH ORDINALITY AS job (id, effect, flow, destination, action, alias, event, fact, subject, lane,
                        state, priority, run_at, wait_kind, wait_value, waits_until, stops_lane, follows, place)
                ORDER BY place) AS placed
            RETURNING state <> 'waiting'
            """, SQLArray(jobs.map(\.id)), SQLArray(jobs.map(\.effect.text)), SQLArray(jobs.map(\.flow)),
            SQLArray(jobs.map(\.call.destination)), SQLArray(jobs.map(\.call.action)),
            SQLArray(jobs.map(\.call.alias)), SQLArray(jobs.map(\.event)), SQLArray(jobs.map(\.fact)),
            SQLArray(jobs.map(\.subject)), SQLArray(jobs.map(\.lane)),
            SQLArray(jobs.map { ($0.startsAt > now ? JobState.scheduled : .available).rawValue }),
            SQLArray(jobs.map(\.priority)), SQLArray(jobs.map(\.startsAt)), SQLArray(jobs.map(\.waitsFor?.kind)),
            SQLArray(jobs.map(\.waitsFor?.value)),
            SQLArray(jobs.map { $0.waitsFor == nil ? nil : $0.waitsUntil }), SQLArray(jobs.map(\.stopsLaneWhenDead)),
            now, SQLArray(follows)
        ) { $0.flag(0) }
    }

    /// Takes an ended job out of the hot table.
    static func moveToHistory(_ seq: Int64, as state: JobState, at now: Instant, _ db: Transaction) throws {
        try db.run(
            """
            WITH gone AS (DELETE FROM jobs WHERE seq = $3 RETURNING *)
            INSERT INTO history (\(lasting), state, ended_at, lane)
            SELECT \(lasting), $1, $2, CASE WHEN is_erased THEN NULL ELSE coalesce(moves_to, lane) END FROM gone
            """, state.rawValue, now, seq)
    }

    /// Brings an ended job back among the open ones.
    static func moveBack(_ seq: Int64, _ db: Transaction) throws {
        try db.run(
            """
            WITH gone AS (DELETE FROM history WHERE seq = $1 RETURNING *)
            INSERT INTO jobs (\(lasting), state, lane) SELECT \(lasting), state, lane FROM gone
            """, seq)
    }

    /// What a job is, for as long as it is kept.
    static let identity = """
        seq, id, effect, flow, destination, action, alias, event, fact, subject, priority, run_at, claims, stops_lane,
        is_restored, is_erased, created_at
        """
    /// What its attempts have left behind.
    static let course = """
        attempts, error_class, error_field, error, first_attempt_at, unknown_since, unknown_noted_at, record_kind, record_id,
        record_url
        """
    /// What an ended job keeps as it is; what it waited for and who worked it are gone.
    private static let lasting = "\(identity), \(course), note"

    /// Ends an open job without an attempt of its own, and lets its lane go on.
    static func end(
        _ seq: Int64, as state: JobState, note: String, cause: IssueCause? = nil, at now: Instant, _ db: Transaction
    )
        throws
    {
        try Lanes.hold(lanesOf: [seq], db)
        let lanes = try self.lanes(of: seq, db)
        try db.run(
            """
            UPDATE jobs SET note = $1, error_class = coalesce($2, error_class), error_field = coalesce($3, error_field)
            WHERE seq = $4
            """, note, cause?.errorClass, cause?.field, seq)
        try moveToHistory(seq, as: state, at: now, db)
        for (destination, lane) in lanes { try Lanes.release(destination, lane, at: now, db) }
    }

    /// The lanes that the job keeps: its own and the one that it moves to.
    static func lanes(of seq: Int64, _ db: Transaction) throws -> [(String, String)] {
        try db.rows(
            """
            SELECT destination, lane FROM jobs WHERE seq = $1 AND lane IS NOT NULL
            UNION ALL SELECT destination, moves_to FROM jobs WHERE seq = $1 AND moves_to IS NOT NULL
            """, seq
        ) { ($0.text(0), $0.text(1)) }
    }
}
