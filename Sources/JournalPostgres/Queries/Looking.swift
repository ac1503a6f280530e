internal import Journal
internal import Model

/// What a worker reads around its job.
enum Looking {
    private static let factsMax = 500
    private static let recordsMax = 100

    static func surroundings(of id: JobID, _ db: Transaction) throws -> Surroundings? {
        let job = try db.first("SELECT event, fact, subject, destination FROM jobs WHERE id = $1", id) {
            (
                event: try $0.id(0, EventTag.self), fact: $0.textOrNil(1), subject: try $0.id(2, SubjectTag.self),
                destination: $0.text(3)
            )
        }
        guard let job, let event = try Events.event(job.event, db) else { return nil }
        let root = try Subjects.root(of: job.subject, db)
        let holder = try db.first("SELECT subject FROM events WHERE id = $1", job.event) {
            try $0.idOrNil(0, SubjectTag.self)
        }
        return Surroundings(
            event: event, data: try data(of: job.fact, else: event.data, db), subject: try Subjects.view(of: root, db),
            payments: try payments(of: root, seenFrom: (holder ?? nil) ?? job.subject, db),
            records: try records(of: root, at: job.destination, db).map(\.record),
            asOf: Sight(job: try newestOfLane(of: id, db), join: try newestJoin(of: root, db)))
    }

    /// The fact's own data filled up from its object's.
    private static func data(of key: String?, else own: JSONObject, _ db: Transaction) throws -> JSONObject {
        guard let key, let fact = try Facts.fact(key, db) else { return own }
        var data = fact.data
        if let object = fact.object, object != key, let said = try Facts.fact(object, db) { data.fill(from: said.data) }
        return data
    }

    /// The number of the newest job that can be seen in the job's lane.
    ///
    /// Whoever writes into a lane holds it, so that in one lane numbers come into sight in their order; over all lanes
    /// they do not.
    private static func newestOfLane(of id: JobID, _ db: Transaction) throws -> Int64 {
        try db.first(
            """
            SELECT coalesce(max(others.seq), 0) FROM jobs AS own JOIN jobs AS others
                ON others.destination = own.destination AND others.lane = coalesce(own.moves_to, own.lane)
            WHERE own.id = $1
            """, id
        ) { $0.int(0) } ?? 0
    }

    /// The number of the newest join to the subject that stands for the whole, 0 before the first.
    private static func newestJoin(of root: SubjectID, _ db: Transaction) throws -> Int64 {
        try db.first("SELECT coalesce(max(seq), 0) FROM joins WHERE root = $1", root) { $0.int(0) } ?? 0
    }

    static func records(of root: SubjectID, at destination: String? = nil, _ db: Transaction) throws -> [LinkedRecord] {
        try db.rows(
            """
            SELECT destination, kind, id, url, job, at FROM records
            WHERE subject IN (SELECT id FROM subjects WHERE root = $1) AND ($2::text IS NULL OR destination = $2)
            ORDER BY seq DESC LIMIT $3
            """, root, destination, recordsMax
        ) {
            LinkedRecord(
                destination: $0.text(0),
                record: ExternalRecord(kind: $0.text(1), id: $0.text(2), url: $0.textOrNil(3)), job: try $0.id(4),
                at: $0.instant(5))
        }
    }

    // MARK: Payments

    /// For each payment of the subject the newest thing told of it, the newest payment first.
    private static func payments(of root: SubjectID, seenFrom subject: SubjectID, _ db: Transaction) throws
        -> [PaymentView]
    {
        let proven = try db.rows(
            """
            SELECT id FROM subjects WHERE proven_root = (SELECT proven_root FROM subjects WHERE id = $1)
            """, subject
        ) { try $0.id(0, SubjectTag.self) }
        let facts = try db.rows(
            """
            SELECT \(Facts.columns) FROM facts WHERE subject IN (SELECT id FROM subjects WHERE root = $1)
                AND type IN ('payment_succeeded', 'payment_failed', 'payment_canceled', 'payment_refunded',
                    'payment_disputed')
            ORDER BY occurred_at DESC LIMIT $2
            """, root, factsMax, read: Facts.fact)
        return PaymentViews.newest(of: facts) { proven.contains($0) }
    }
}
