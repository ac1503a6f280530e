internal import GRDB
internal import Journal
internal import Model
internal import Settings

/// Rows of `jobs` (open) and `history` (ended), which have one shape.
enum JobTable {
    /// The destinations that have open jobs.
    ///
    /// From one to the next by the index, so that the rows between are not walked over.
    static func destinations(max: Int = .max, _ db: Database) throws -> [String] {
        var names: [String] = []
        var next = try db.first("SELECT min(destination) FROM jobs") { $0.textOrNil(0) } ?? nil
        while let name = next, names.count < max {
            names.append(name)
            next =
                try db.first("SELECT min(destination) FROM jobs WHERE destination > ?", name) { $0.textOrNil(0) } ?? nil
        }
        return names
    }

    /// Puts the job at the end of its lane, and its effect key beside it.
    ///
    /// True where it could start.
    static func insert(_ job: NewJob, at now: Instant, _ db: Database) throws -> Bool {
        try db.run("INSERT INTO effects (key, job) VALUES (?, ?)", job.effect.text, job.id)
        let isBehind = try job.lane.map { try Lanes.isShut(job.call.destination, $0, db) }
        let wait = job.waitsFor ?? (isBehind == true ? .lane : nil)
        let state: JobState = wait != nil ? .waiting : job.startsAt > now ? .scheduled : .available
        try db.run(
            """
            INSERT INTO jobs (id, effect, flow, destination, action, alias, event, fact, subject, lane, state,
                priority, run_at, wait_kind, wait_value, waits_until, attempts, claims, stops_lane, is_restored,
                is_erased, created_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?, 0, 0, ?)
            """, job.id, job.effect.text, job.flow, job.call.destination, job.call.action, job.call.alias, job.event,
            job.fact, job.subject, job.lane, state.rawValue, job.priority, job.startsAt, wait?.kind, wait?.value,
            job.waitsFor == nil ? nil : job.waitsUntil, job.stopsLaneWhenDead, now)
        return wait == nil
    }

    /// Takes an ended job out of the hot table.
    static func moveToHistory(_ seq: Int64, as state: JobState, at now: Instant, _ db: Database) throws {
        try db.run(
            """
            INSERT INTO history (\(lasting), state, ended_at, lane)
            SELECT \(lasting), ?, ?, CASE WHEN is_erased THEN NULL ELSE coalesce(moves_to, lane) END FROM jobs WHERE seq = ?
            """, state.rawValue, now, seq)
        try db.run("DELETE FROM jobs WHERE seq = ?", seq)
    }

    /// What an ended job keeps as it is; what it waited for and who worked it are gone.
    private static let lasting = """
        seq, id, effect, flow, destination, action, alias, event, fact, subject, priority, run_at, attempts, claims,
        first_attempt_at, unknown_since, stops_lane, is_restored, is_erased, error_class, error_field, error, note, record_kind,
        record_id, record_url, created_at
        """

    /// Ends an open job without an attempt of its own, and lets its lane go on.
    static func end(
        _ seq: Int64, as state: JobState, note: String, cause: IssueCause? = nil, at now: Instant, _ db: Database
    )
        throws
    {
        let lanes = try self.lanes(of: seq, db)
        try db.run(
            """
            UPDATE jobs SET note = ?, error_class = coalesce(?, error_class), error_field = coalesce(?, error_field)
            WHERE seq = ?
            """, note, cause?.errorClass, cause?.field, seq)
        try moveToHistory(seq, as: state, at: now, db)
        for (destination, lane) in lanes { try Lanes.release(destination, lane, at: now, db) }
    }

    /// The lanes that the job keeps: its own and the one that it moves to.
    static func lanes(of seq: Int64, _ db: Database) throws -> [(String, String)] {
        try db.rows(
            """
            SELECT destination, lane FROM jobs WHERE seq = ?1 AND lane IS NOT NULL
            UNION ALL SELECT destination, moves_to FROM jobs WHERE seq = ?1 AND moves_to IS NOT NULL
            """, seq
        ) { ($0.text(0), $0.text(1)) }
    }
}
