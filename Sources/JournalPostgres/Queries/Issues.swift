internal import Journal
internal import Model

/// Issues: one open row a cause.
enum Issues {
    /// Failures with their jobs; an issue opens with the first of its cause.
    ///
    /// In the order of the causes, so that two nodes never wait for each other.
    static func note(_ failures: [(IssueCause, JobID)], at now: Instant, _ db: Transaction) throws {
        guard !failures.isEmpty else { return }
        func order(_ cause: IssueCause) -> (String, String, String) {
            (cause.destination, cause.errorClass, cause.field ?? "")
        }
        let causes = Dictionary(grouping: failures, by: \.0).map { ($0.key, $0.value.count, $0.value.last?.1) }
            .sorted { order($0.0) < order($1.0) }
        for (cause, count, job) in causes {
            let number = try db.count("SELECT nextval('issue_numbers')")
            try db.run(
                """
                INSERT INTO issues (id, destination, error_class, field, count, first_at, last_at, job)
                VALUES ($1, $2, $3, $4, $5, $6, $6, $7)
                ON CONFLICT (destination, error_class, field) WHERE ended_at IS NULL DO UPDATE
                SET count = issues.count + excluded.count, last_at = greatest(issues.last_at, excluded.last_at),
                    job = excluded.job
                """, IssueID(at: now, random: (UInt64(number) >> 32, UInt64(number))), cause.destination,
                cause.errorClass, cause.field ?? "", count, now, job)
        }
    }

    static func keep(_ cost: Cost, of id: IssueID, at now: Instant, _ db: Transaction) throws {
        try db.run("UPDATE issues SET cost = $1, costed_at = $2 WHERE id = $3", cost.json.encodedText, now, id)
    }

    /// Nothing where it has failed again since.
    static func end(_ id: IssueID, lastAt: Instant, at now: Instant, _ db: Transaction) throws {
        try db.run(
            "UPDATE issues SET ended_at = $1 WHERE id = $2 AND last_at = $3 AND ended_at IS NULL", now, id, lastAt)
    }

    static func acknowledge(_ id: IssueID, by actor: String, at now: Instant, _ db: Transaction) throws {
        guard let issue = try find(id, db) else { throw Failure(.notFound, "There is no issue \(id).") }
        guard issue.isOpen else { throw Failure(.conflict, "Issue \(id) has ended; there is nothing to acknowledge.") }
        try db.run(
            "UPDATE issues SET acknowledged_at = $1, acknowledged_by = $2 WHERE id = $3 AND acknowledged_at IS NULL",
            now,
            actor, id)
    }

    // MARK: Reading

    static func list(_ filter: IssueFilter, _ page: PageRequest, _ db: Transaction) throws -> Page<IssueRow> {
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

    static func find(_ id: IssueID, _ db: Transaction) throws -> IssueRow? {
        try db.first("SELECT \(IssueRow.columns) FROM issues WHERE id = $1", id, read: { try IssueRow(row: $0) })
    }

    /// Open ones that were costed longest ago.
    static func stale(_ db: Transaction) throws -> [IssueRow] {
        try db.rows(
            "SELECT \(IssueRow.columns) FROM issues WHERE ended_at IS NULL ORDER BY coalesce(costed_at, 0), seq LIMIT $1",
            WatchFigures.issuesMax, read: { try IssueRow(row: $0) })
    }

    // MARK: What it costs

    static func cost(of scope: CostScope, _ db: Transaction) throws -> Cost {
        let limit = "LIMIT \(Cost.jobsMax)"
        let (jobs, values): (String, [(any SQLValue)?])
        switch scope {
        case .cause(let cause):
            let isOfCause = "destination = $1 AND error_class = $2 AND error_field IS NOT DISTINCT FROM $3"
            jobs = """
                SELECT * FROM (SELECT event, subject FROM jobs WHERE \(isOfCause) \(limit)) AS open UNION ALL
                SELECT * FROM (SELECT event, subject FROM history WHERE state = 'dead' AND \(isOfCause) \(limit)) AS dead
                """
            values = [cause.destination, cause.errorClass, cause.field]
        case .waiting(let destination):
            jobs = "SELECT event, subject FROM jobs WHERE destination = $1 \(limit)"
            values = [destination]
        case .dead(let destination):
            jobs = "SELECT event, subject FROM history WHERE state = 'dead' AND destination = $1 \(limit)"
            values = [destination]
        }
        let groups = try db.rows(
            """
            SELECT events.type, count(*), count(DISTINCT hung.subject) FROM (\(jobs)) AS hung
            JOIN events ON events.id = hung.event GROUP BY events.type ORDER BY 3 DESC, events.type
            """, values: values
        ) { Cost.Group(type: EventType($0.text(0)), jobs: Int($0.int(1)), subjects: Int($0.int(2))) }
        let cost = Cost(groups: groups)
        return Cost(groups: groups, isCut: cost.jobs >= Cost.jobsMax)
    }
}
