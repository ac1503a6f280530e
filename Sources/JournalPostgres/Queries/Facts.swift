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

    // MARK: Asked for many

    private static let perObjectMax = 1000

    static func ask(for keys: [String?], _ db: Transaction) throws -> Transaction.AskedForMany<Fact> {
        try db.askForMany(
            "key", [SQLArray(keys)], count: keys.count,
            "SELECT \(columns) FROM facts WHERE facts.key = wanted.key"
        ) { try fact($0, from: 1) }
    }

    static func ask(ofObjects objects: [String], _ db: Transaction) throws -> Transaction.AskedForMany<Fact> {
        try db.askForMany(
            "object", [SQLArray(objects)], count: objects.count,
            "SELECT \(columns) FROM facts WHERE facts.object = wanted.object ORDER BY seq LIMIT $2", perObjectMax
        ) { try fact($0, from: 1) }
    }

    /// Those whose jobs wait for a field.
    static func askForWaiting(of roots: [SubjectID], _ db: Transaction) throws -> Transaction.AskedForMany<Fact> {
        try db.askForMany(
            "root", [SQLArray(roots)], count: roots.count,
            """
            SELECT \(columns) FROM facts WHERE key IN (
                SELECT fact FROM jobs WHERE subject IN (SELECT id FROM subjects WHERE subjects.root = wanted.root)
                    AND state = 'waiting' AND wait_kind = 'field')
            ORDER BY seq LIMIT $2
            """, perObjectMax
        ) { try fact($0, from: 1) }
    }

    // MARK: Writing

    /// Each key once.
    static func put(_ facts: [Fact], _ db: Transaction) throws {
        try db.post(
            """
            INSERT INTO facts (key, type, object, subject, event, occurred_at, data, origins)
            SELECT key, type, object, subject, event, occurred_at, data, origins
            FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) WITH ORDINALITY
                AS told (key, type, object, subject, event, occurred_at, data, origins, place)
            ORDER BY place
            ON CONFLICT (key) DO UPDATE SET type = excluded.type, object = excluded.object,
                subject = excluded.subject, event = excluded.event, occurred_at = excluded.occurred_at,
                xid = pg_current_xact_id(), data = excluded.data, origins = excluded.origins
            """, SQLArray(facts.map(\.key)), SQLArray(facts.map(\.type?.name)), SQLArray(facts.map(\.object)),
            SQLArray(facts.map(\.subject)), SQLArray(facts.map(\.event)), SQLArray(facts.map(\.occurredAt)),
            SQLArray(facts.map(\.data.encodedText)), SQLArray(facts.map(\.origins.encodedText)))
    }
}

/// Which effects were ever planned.
enum Effects {
    /// A key outlives its job's row: what is gone from the tables has ended long ago.
    static func ask(for keys: [EffectKey], _ db: Transaction) throws -> Transaction.AskedForMany<PlannedEffect> {
        try db.askForMany(
            "key", [SQLArray(keys.map(\.text))], count: keys.count,
            """
            SELECT effects.key, job, coalesce(jobs.state, history.state, 'completed'), jobs.wait_kind FROM effects
            LEFT JOIN jobs ON jobs.id = job LEFT JOIN history ON history.id = job WHERE effects.key = wanted.key
            """
        ) {
            let state = try $0.word(3, JobState.self)
            return PlannedEffect(
                key: EffectKey(text: $0.text(1)), job: try $0.id(2), state: state,
                isWaitingForField: state == .waiting && $0.textOrNil(4) == "field")
        }
    }
}
