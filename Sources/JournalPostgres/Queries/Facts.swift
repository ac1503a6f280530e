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

    static func fact(_ key: String, _ db: Transaction) throws -> Fact? {
        try db.first("SELECT \(columns) FROM facts WHERE key = $1", key, read: fact)
    }

    static let decisionColumns = "event, subject, at, flow, call, outcome, job, detail"

    static func decision(_ row: SQLRow) throws -> Decision {
        Decision(
            event: try row.id(0), subject: try row.id(1), at: row.instant(2), flow: row.textOrNil(3),
            call: row.textOrNil(4), outcome: try row.word(5), job: try row.idOrNil(6), detail: row.textOrNil(7))
    }
}
