internal import GRDB
internal import Journal
internal import Model

/// One event, one job, or all of one subject.
enum Stories {
    private static let partsMax = Limits.trailItemsMax

    static func event(_ id: EventID, _ db: Database) throws -> EventDetail? {
        let row = try db.first(
            """
            SELECT \(Events.columns), pending.seq FROM events LEFT JOIN pending ON pending.seq = events.seq
            WHERE events.id = ?
            """, id, read: Events.row)
        guard let row else { return nil }
        return EventDetail(
            row: row, payload: try Events.payload(of: id, db),
            facts: try db.rows(
                """
                SELECT \(Facts.columns) FROM facts WHERE key IN (SELECT fact FROM fact_events WHERE event = ?)
                ORDER BY seq LIMIT ?
                """, id, partsMax, read: Facts.fact),
            decisions: try db.rows(
                "SELECT \(Decision.columns) FROM decisions WHERE event = ? ORDER BY seq LIMIT ?", id, partsMax,
                read: { try Decision(row: $0) }),
            jobs: try jobs(ofEvent: id, db))
    }

    static func jobs(ofEvent id: EventID, _ db: Database) throws -> [JobRow] {
        try db.rows(
            """
            SELECT \(JobRow.columns) FROM jobs WHERE event = ?1
            UNION ALL SELECT \(JobRow.columns) FROM history WHERE event = ?1 ORDER BY seq LIMIT ?2
            """, id, partsMax, read: { try JobRow(row: $0) })
    }

    static func job(_ id: JobID, _ db: Database) throws -> JobDetail? {
        let found = try db.first(
            """
            SELECT \(JobRow.columns) FROM jobs WHERE id = ?1
            UNION ALL SELECT \(JobRow.columns) FROM history WHERE id = ?1
            """, id
        ) { (seq: $0.int(0), row: try JobRow(row: $0)) }
        guard let found else { return nil }
        let attempts = try db.rows(
            """
            SELECT \(attemptColumns) FROM attempts WHERE job = ? ORDER BY token DESC LIMIT ?
            """, found.seq, partsMax
        ) { try AttemptRow(row: $0, of: id) }
        return JobDetail(
            row: found.row, attempts: attempts.reversed(), request: try Claiming.storedRequest(of: found.seq, db))
    }

    private static let attemptColumns = """
        token, started_at, ended_at, outcome, status, error_class, error, duration_ms
        """

    // MARK: Of a subject

    /// The newest `limit` of each kind, in time order.
    static func story(of root: SubjectID, limit: Int, _ db: Database) throws -> Story {
        var isCut = false
        func cut<Item>(_ items: [Item]) -> [Item] {
            if items.count > limit { isCut = true }
            return items.prefix(limit).reversed()
        }
        let events = cut(try self.events(of: root, limit: limit + 1, db))
        let decisions = cut(
            try db.rows(
                """
                SELECT \(Decision.columns) FROM decisions
                WHERE subject IN (SELECT id FROM subjects WHERE root = ?) ORDER BY seq DESC LIMIT ?
                """, root, limit + 1, read: { try Decision(row: $0) }))
        let jobs = cut(try self.jobs(of: root, limit: limit + 1, db))
        let attempts = cut(try self.attempts(of: root, limit: limit + 1, db))
        let records = cut(try Looking.records(of: root, db))
        return Story(
            events: events, decisions: decisions, jobs: jobs, attempts: attempts, records: records, isCut: isCut)
    }

    private static func events(of root: SubjectID, limit: Int, _ db: Database) throws -> [EventRow] {
        try db.rows(
            """
            SELECT \(Events.columns), pending.seq FROM events LEFT JOIN pending ON pending.seq = events.seq
            WHERE events.subject IN (SELECT id FROM subjects WHERE root = ?) ORDER BY events.seq DESC LIMIT ?
            """, root, limit, read: Events.row)
    }

    private static func jobs(of root: SubjectID, limit: Int, _ db: Database) throws -> [JobRow] {
        try db.rows(
            """
            SELECT \(JobRow.columns) FROM jobs WHERE subject IN (SELECT id FROM subjects WHERE root = ?1)
            UNION ALL
            SELECT \(JobRow.columns) FROM history WHERE subject IN (SELECT id FROM subjects WHERE root = ?1)
            ORDER BY seq DESC LIMIT ?2
            """, root, limit, read: { try JobRow(row: $0) })
    }

    private static func attempts(of root: SubjectID, limit: Int, _ db: Database) throws -> [AttemptRow] {
        try db.rows(
            """
            SELECT \(attemptColumns), all_jobs.id FROM (
                SELECT seq, id FROM jobs WHERE subject IN (SELECT id FROM subjects WHERE root = ?1)
                UNION ALL SELECT seq, id FROM history WHERE subject IN (SELECT id FROM subjects WHERE root = ?1)
            ) AS all_jobs JOIN attempts ON attempts.job = all_jobs.seq
            ORDER BY started_at DESC, attempts.job DESC, token DESC LIMIT ?2
            """, root, limit
        ) { try AttemptRow(row: $0, of: $0.id(8)) }
    }
}
