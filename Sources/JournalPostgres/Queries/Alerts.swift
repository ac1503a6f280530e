internal import Journal
internal import Model

/// Alerts: one open row a key.
enum Alerts {
    static func open(_ alert: NewAlert, _ db: Transaction) throws {
        // The row's number makes the id its own; it needs no chance.
        let number = try db.count("SELECT nextval('alert_numbers')")
        let id = AlertID(at: alert.at, random: (UInt64(number) >> 32, UInt64(number)))
        // The moment at which it opened stays; what it says is the newest.
        try db.run(
            """
            INSERT INTO alerts (id, key, title, detail, severity, cost, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (key) WHERE ended_at IS NULL DO UPDATE SET title = excluded.title, detail = excluded.detail,
                severity = excluded.severity, cost = coalesce(excluded.cost, alerts.cost)
            """, id, alert.key, alert.title, alert.detail, alert.severity.rawValue, alert.cost, alert.at)
    }

    static func end(key: String, at now: Instant, _ db: Transaction) throws {
        try db.run("UPDATE alerts SET ended_at = $1 WHERE key = $2 AND ended_at IS NULL", now, key)
    }

    static func price(_ id: AlertID, _ cost: String, _ db: Transaction) throws {
        try db.run("UPDATE alerts SET cost = $1 WHERE id = $2 AND ended_at IS NULL", cost, id)
    }

    /// Puts the notice onto the street, unless the alert was told meanwhile or has ended before it could be told open.
    static func tell(_ notice: Notice, at now: Instant, _ db: Transaction) throws {
        let isFirst =
            try db.run(
                """
                UPDATE alerts SET told = told + 1, told_at = $1, told_mark = $2, is_end_told = $3
                WHERE id = $4 AND told = $5 AND NOT is_end_told AND (ended_at IS NOT NULL) = $6
                """, now, notice.mark, notice.isEnd, notice.alert, notice.toldBefore, notice.isEnd) > 0
        guard isFirst else { return }
        let payload = JSONValue.object(notice.event.data).encoded
        _ = try Intake.append([.event(notice.event, payload: payload)], db)
    }

    static func acknowledge(_ id: AlertID, by actor: String, at now: Instant, _ db: Transaction) throws {
        guard let alert = try find(id, db) else { throw Failure(.notFound, "There is no alert \(id).") }
        guard alert.isOpen else { throw Failure(.conflict, "Alert \(id) has ended; there is nothing to acknowledge.") }
        try db.run(
            "UPDATE alerts SET acknowledged_at = $1, acknowledged_by = $2 WHERE id = $3 AND acknowledged_at IS NULL",
            now,
            actor, id)
    }

    // MARK: Reading

    static func list(openOnly: Bool, _ page: PageRequest, _ db: Transaction) throws -> Page<AlertRow> {
        var conditions = Conditions()
        try conditions.addCursor(page)
        if openOnly { conditions.add("ended_at IS NULL") }
        let rows = try db.rows(
            "SELECT \(AlertRow.columns) FROM alerts\(conditions.sql) ORDER BY seq DESC LIMIT \(page.limit + 1)",
            values: conditions.values
        ) { (seq: $0.int(0), item: try AlertRow(row: $0)) }
        return Page(rows, limit: page.limit)
    }

    static func find(_ id: AlertID, _ db: Transaction) throws -> AlertRow? {
        try db.first("SELECT \(AlertRow.columns) FROM alerts WHERE id = $1", id, read: { try AlertRow(row: $0) })
    }

    /// When destinations that took nothing recovered, by the key of what was told; looked for among the newest alerts.
    static func recoveries(since: Instant, _ db: Transaction) throws -> [String: Instant] {
        let ended = try db.rows(
            """
            SELECT key, ended_at FROM (SELECT key, ended_at FROM alerts ORDER BY seq DESC LIMIT 500) AS newest
            WHERE key LIKE 'destination:%' AND ended_at >= $1
            """, since
        ) { ($0.text(0), $0.instant(1)) }
        return Dictionary(ended, uniquingKeysWith: max)
    }

    /// Open ones, and those of whose end nobody was told; the oldest first.
    static func current(_ db: Transaction) throws -> [AlertRow] {
        try db.rows(
            """
            SELECT * FROM (
                SELECT \(AlertRow.columns) FROM alerts WHERE ended_at IS NULL
                UNION ALL SELECT \(AlertRow.columns) FROM alerts WHERE ended_at IS NOT NULL AND told > 0 AND NOT is_end_told) AS current
            ORDER BY seq LIMIT $1
            """, WatchFigures.alertsMax, read: { try AlertRow(row: $0) })
    }
}

/// What keeps alerts from being told.
enum Silences {
    static let countMax = 200

    static func put(_ silence: Silence, _ db: Transaction) throws {
        try db.run(
            """
            INSERT INTO silences (pattern, reason, by, at, until) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (pattern) DO UPDATE SET reason = excluded.reason, by = excluded.by, at = excluded.at,
                until = excluded.until
            """, silence.pattern, silence.reason, silence.by, silence.at, silence.until)
        guard try db.count("SELECT count(*) FROM silences") <= countMax else {
            throw Failure(.conflict, "There are \(countMax) silences already. End some, or silence a wider pattern.")
        }
    }

    static func remove(_ pattern: String, _ db: Transaction) throws -> Bool {
        try db.run("DELETE FROM silences WHERE pattern = $1", pattern) > 0
    }

    static func inForce(at now: Instant, _ db: Transaction) throws -> [Silence] {
        try db.rows(
            "SELECT pattern, reason, by, at, until FROM silences WHERE until > $1 ORDER BY pattern", now
        ) {
            Silence(
                pattern: $0.text(0), reason: $0.text(1), by: $0.text(2), at: $0.instant(3), until: $0.instant(4))
        }
    }

    static func tidy(at now: Instant, _ db: Transaction) throws {
        try db.run("DELETE FROM silences WHERE until <= $1", now)
    }
}
