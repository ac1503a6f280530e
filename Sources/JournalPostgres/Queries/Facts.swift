internal import Journal
internal import Model

/// Rows of `facts` and `decisions` as values.
enum Facts {
    static let columns =
        "facts.key, facts.type, facts.object, facts.subject, facts.event, facts.occurred_at, facts.data, "
        + "facts.origins"

    static func fact(_ row: SQLRow) throws -> Fact { try fact(row, from: 0) }

    /// Read from that column on.
    static func fact(_ row: SQLRow, from first: CInt) throws -> Fact {
        Fact(
            key: row.text(first), type: row.textOrNil(first + 1).map { EventType($0) },
            object: row.textOrNil(first + 2), subject: try row.id(first + 3), event: try row.id(first + 4),
            occurredAt: row.instant(first + 5), data: try row.object(first + 6),
            origins: try row.object(first + 7))
    }

    static func fact(_ key: String, _ db: Transaction) throws -> Fact? {
        try db.first("SELECT \(columns) FROM facts WHERE key = $1", key, read: fact)
    }

}
