internal import GRDB
internal import Journal
internal import Model

/// Rows of `reconciliations` and `differences`.
enum Reconciling {
    /// A run that has been going for so long was left by a process that ended.
    static let longest: Duration = .seconds(6 * 3600)

    static func begin(_ run: Reconciliation, _ db: Database) throws {
        try db.run(
            """
            INSERT INTO reconciliations (id, place, side, since, until, started_at, started_by, state, samples, is_cut)
            VALUES (?, ?, ?, ?, ?, ?, ?, 'running', '[]', 0)
            """, run.id, run.place, run.side.rawValue, run.since, run.until, run.startedAt, run.startedBy)
    }

    static func keep(_ differences: [Difference], of run: ReconciliationID, _ db: Database) throws {
        let seq = try self.seq(of: run, db)
        for difference in differences {
            try db.run(
                """
                INSERT INTO differences (run, number, cause, sample, key, event, kept, job, records, at, detail)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """, seq, difference.number, difference.cause.rawValue, difference.sample, difference.key,
                difference.event, difference.quarantine, difference.job, ReconciliationText.text(difference.records),
                difference.at, difference.detail)
        }
    }

    static func end(_ run: Reconciliation, _ db: Database) throws {
        try db.run(
            """
            UPDATE reconciliations SET state = ?, ended_at = ?, reason = ?, samples = ?, is_cut = ?
            WHERE id = ? AND state = 'running'
            """, run.state.rawValue, run.endedAt, run.reason, ReconciliationText.text(run.samples), run.isCut, run.id)
    }

    static func endAbandoned(at now: Instant, _ db: Database) throws {
        try db.run(
            """
            UPDATE reconciliations SET state = 'failed', ended_at = ?, reason = 'the process ended in the middle of it'
            WHERE state = 'running' AND started_at < ?
            """, now, now - longest)
    }

    static func note(
        _ repair: Difference.Repair, of number: Int, in run: ReconciliationID, _ db: Database
    ) throws {
        try db.run(
            """
            UPDATE differences SET repair = ?, repaired_at = ?, repaired_by = ?, note = ? WHERE run = ? AND number = ?
            """, repair.outcome.rawValue, repair.at, repair.by, repair.note, try seq(of: run, db), number)
    }

    private static func seq(of run: ReconciliationID, _ db: Database) throws -> Int64 {
        guard let seq = try db.first("SELECT seq FROM reconciliations WHERE id = ?", run, read: { $0.int(0) }) else {
            throw Failure(.notFound, "There is no reconciliation \(run).")
        }
        return seq
    }

    // MARK: Reading

    static func list(_ page: PageRequest, _ db: Database) throws -> Page<Reconciliation> {
        var conditions = Conditions()
        try conditions.addCursor(page)
        let rows = try db.rows(
            "SELECT \(Reconciliation.columns) FROM reconciliations\(conditions.sql) ORDER BY seq DESC LIMIT \(page.limit + 1)",
            values: conditions.values, read: { (seq: $0.int(0), item: try Reconciliation(row: $0)) })
        return Page(rows, limit: page.limit)
    }

    static func run(_ id: ReconciliationID, _ db: Database) throws -> Reconciliation? {
        try db.first(
            "SELECT \(Reconciliation.columns) FROM reconciliations WHERE id = ?", id,
            read: { try Reconciliation(row: $0) })
    }

    static func differences(
        of run: ReconciliationID, _ filter: DifferenceFilter, _ page: PageRequest, _ db: Database
    ) throws -> Page<Difference> {
        var conditions = Conditions()
        conditions.add("run = ?", try seq(of: run, db))
        conditions.add("cause", in: filter.causes.map(\.rawValue))
        if filter.isOpen { conditions.add("repair IS NULL") }
        try conditions.addCursor(page, "number", isAscending: true)
        let rows = try db.rows(
            """
            SELECT number, cause, sample, key, event, kept, job, records, at, detail, repair, repaired_at, repaired_by,
                note
            FROM differences\(conditions.sql) ORDER BY number LIMIT \(page.limit + 1)
            """, values: conditions.values, read: { (seq: $0.int(0), item: try Difference(row: $0)) })
        return Page(rows, limit: page.limit)
    }

    static func counts(of run: ReconciliationID, _ db: Database) throws -> [Difference.Cause: (all: Int, open: Int)] {
        let rows = try db.rows(
            "SELECT cause, count(*), sum(repair IS NULL) FROM differences WHERE run = ? GROUP BY cause",
            try seq(of: run, db)
        ) { (try $0.word(0, Difference.Cause.self), (all: Int($0.int(1)), open: Int($0.int(2)))) }
        return Dictionary(rows, uniquingKeysWith: { first, _ in first })
    }

    // MARK: Letting go

    /// Old runs with their differences, the oldest first.
    static func prune(before time: Instant, limit: Int, _ db: Database) throws {
        let old = try db.rows(
            "SELECT seq, started_at FROM reconciliations WHERE state <> 'running' ORDER BY seq LIMIT ?", limit
        ) { (seq: $0.int(0), at: $0.instant(1)) }.prefix { $0.at < time }
        for run in old {
            try db.run("DELETE FROM differences WHERE run = ?", run.seq)
            try db.run("DELETE FROM reconciliations WHERE seq = ?", run.seq)
        }
    }
}
