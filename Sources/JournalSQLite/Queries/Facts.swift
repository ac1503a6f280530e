internal import GRDB
internal import Journal
internal import Model

/// Rows of `facts` and `decisions` as values.
enum Facts {
    static let columns =
        "facts.key, facts.type, facts.object, facts.subject, facts.event, facts.occurred_at, facts.data, "
        + "facts.origins"

    static func fact(_ row: SQLRow) throws -> Fact {
        Fact(
            key: row.text(0), type: row.textOrNil(1).map { EventType($0) }, object: row.textOrNil(2),
            subject: try row.id(3), event: try row.id(4), occurredAt: row.instant(5), data: try row.object(6),
            origins: try row.object(7))
    }

    static func fact(_ key: String, _ db: Database) throws -> Fact? {
        try db.first("SELECT \(columns) FROM facts WHERE key = ?", key, read: fact)
    }

}
