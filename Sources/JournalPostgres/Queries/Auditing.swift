package import Journal
internal import Model

/// What people and keys did.
enum Auditing {
    static func note(_ entry: AuditRow, _ db: Transaction) throws {
        try db.run(
            "INSERT INTO audit (at, actor, action, target, detail) VALUES ($1, $2, $3, $4, $5)", entry.at, entry.actor,
            entry.action, entry.target, entry.detail)
    }

    static func list(_ page: PageRequest, _ db: Transaction) throws -> Page<AuditRow> {
        var conditions = Conditions()
        try conditions.addCursor(page)
        let rows = try db.rows(
            """
            SELECT seq, at, actor, action, target, detail FROM audit\(conditions.sql) ORDER BY seq DESC
            LIMIT \(page.limit + 1)
            """, values: conditions.values
        ) {
            let entry = AuditRow(
                at: $0.instant(1), actor: $0.text(2), action: $0.text(3), target: $0.text(4), detail: $0.textOrNil(5))
            return (seq: $0.int(0), item: entry)
        }
        return Page(rows, limit: page.limit)
    }
}

extension PostgresJournal {
    package func audit(page: PageRequest) async throws -> Page<AuditRow> {
        try await reading { try Auditing.list(page, $0) }
    }

    package func note(_ entry: AuditRow) async throws {
        try await writing { try Auditing.note(entry, $0) }
    }
}
