internal import GRDB
internal import Journal
internal import Model

/// Issues: one open row a cause.
enum Issues {
    /// One more failure of that cause; the issue opens with its first.
    static func note(_ cause: IssueCause, by job: JobID, at now: Instant, _ db: Database) throws {
        let isKnown =
            try db.run(
                """
                UPDATE issues SET count = count + 1, last_at = max(last_at, ?), job = ?
                WHERE destination = ? AND error_class = ? AND field = ? AND ended_at IS NULL
                """, now, job, cause.destination, cause.errorClass, cause.field ?? "") > 0
        guard !isKnown else { return }
        let number = try db.count("SELECT coalesce(max(seq), 0) + 1 FROM issues")
        try db.run(
            """
            INSERT INTO issues (id, destination, error_class, field, count, first_at, last_at, job)
            VALUES (?1, ?2, ?3, ?4, 1, ?5, ?5, ?6)
            """, IssueID(at: now, random: (UInt64(number) >> 32, UInt64(number))), cause.destination,
            cause.errorClass, cause.field ?? "", now, job)
    }

    static func keep(_ cost: Cost, of id: IssueID, at now: Instant, _ db: Database) throws {
        try db.run("UPDATE issues SET cost = ?, costed_at = ? WHERE id = ?", cost.json.encodedText, now, id)
    }

    /// Nothing where it has failed again since.
    static func end(_ id: IssueID, lastAt: Instant, at now: Instant, _ db: Database) throws {
        try db.run(
            "UPDATE issues SET ended_at = ? WHERE id = ? AND last_at = ? AND ended_at IS NULL", now, id, lastAt)
    }

    static func acknowledge(_ id: IssueID, by actor: String, at now: Instant, _ db: Database) throws {
        guard let issue = try find(id, db) else { throw Failure(.notFound, "There is no issue \(id).") }
        guard issue.isOpen else { throw Failure(.conflict, "Issue \(id) has ended; there is nothing to acknowledge.") }
        try db.run(
            "UPDATE issues SET acknowledged_at = ?, acknowledged_by = ? WHERE id = ? AND acknowledged_at IS NULL", now,
            actor, id)
    }

    // MARK: Reading

    static func list(_ filter: IssueFilter, _ page: PageRequest, _ db: Database) throws -> Page<IssueRow> {
        var conditions = Conditions()
        try conditions.addCursor(page)
        if let isOpen = filter.isOpen { conditions.add("ended_at IS \(isOpen ? "" : "NOT ")NULL") }
        conditions.addEqual("destination", filter.destination)
        let rows = try db.rows(
            "SELECT \(IssueRow.columns) FROM issues\(conditions.sql) ORDER BY seq DESC LIMIT \(page.limit + 1)",
            values: conditions.values
        ) { (seq: $0.int(0), item: try IssueRow(row: $0)) }
        return Page(rows, limit: page.limit)
    }

    static func find(_ id: IssueID, _ db: Database) throws -> IssueRow? {
        try db.first("SELECT \(IssueRow.columns) FROM issues WHERE id = ?", id, read: { try IssueRow(row: $0) })
    }

    /// Open ones that were costed longest ago.
    static func stale(_ db: Database) throws -> [IssueRow] {
        try db.rows(
            "SELECT \(IssueRow.columns) FROM issues WHERE ended_at IS NULL ORDER BY coalesce(costed_at, 0), seq LIMIT ?",
            WatchFigures.issuesMax, read: { try IssueRow(row: $0) })
    }

    // MARK: What it costs

    static func cost(of scope: CostScope, _ db: Database) throws -> Cost {
        let limit = "LIMIT \(Cost.jobsMax)"
        let (jobs, values): (String, [(any SQLValue)?])
        switch scope {
        case .cause(let cause):
            let isOfCause = "destination = ?1 AND error_class = ?2 AND error_field IS ?3"
            jobs = """
                SELECT * FROM (SELECT event, subject FROM jobs WHERE \(isOfCause) \(limit)) UNION ALL
                SELECT * FROM (SELECT event, subject FROM history WHERE state = 'dead' AND \(isOfCause) \(limit))
                """
            values = [cause.destination, cause.errorClass, cause.field]
        case .waiting(let destination):
            jobs = "SELECT event, subject FROM jobs WHERE destination = ?1 \(limit)"
            values = [destination]
        case .dead(let destination):
            jobs = "SELECT event, subject FROM history WHERE state = 'dead' AND destination = ?1 \(limit)"
            values = [destination]
        }
        let groups = try db.rows(
            """
            SELECT events.type, count(*), count(DISTINCT hung.subject) FROM (\(jobs)) AS hung
            CROSS JOIN events ON events.id = hung.event GROUP BY events.type ORDER BY 3 DESC, events.type
            """, values: values
        ) { Cost.Group(type: EventType($0.text(0)), jobs: Int($0.int(1)), subjects: Int($0.int(2))) }
        let cost = Cost(groups: groups)
        return Cost(groups: groups, isCut: cost.jobs >= Cost.jobsMax)
    }
}
