internal import GRDB
internal import Journal
internal import Model

/// What a worker reads around its job.
enum Looking {
    private static let factsMax = 500
    private static let recordsMax = 100

    static func surroundings(of id: JobID, _ db: Database) throws -> Surroundings? {
        let job = try db.first("SELECT event, fact, subject, destination FROM jobs WHERE id = ?", id) {
            (
                event: try $0.id(0, EventTag.self), fact: $0.textOrNil(1), subject: try $0.id(2, SubjectTag.self),
                destination: $0.text(3)
            )
        }
        guard let job, let event = try Events.event(job.event, db) else { return nil }
        let root = try Subjects.root(of: job.subject, db)
        let holder = try db.first("SELECT subject FROM events WHERE id = ?", job.event) {
            try $0.idOrNil(0, SubjectTag.self)
        }
        return Surroundings(
            event: event, data: try data(of: job.fact, else: event.data, db), subject: try Subjects.view(of: root, db),
            payments: try payments(of: root, seenFrom: (holder ?? nil) ?? job.subject, db),
            records: try records(of: root, at: job.destination, db).map(\.record),
            asOf: Sight(job: try newestJob(db), join: try newestJoin(of: root, db)))
    }

    /// The fact's own data filled up from its object's.
    private static func data(of key: String?, else own: JSONObject, _ db: Database) throws -> JSONObject {
        guard let key, let fact = try Facts.fact(key, db) else { return own }
        var data = fact.data
        if let object = fact.object, object != key, let said = try Facts.fact(object, db) { data.fill(from: said.data) }
        return data
    }

    /// The number of the newest job that was ever written.
    static func newestJob(_ db: Database) throws -> Int64 {
        try db.first("SELECT seq FROM sqlite_sequence WHERE name = 'jobs'") { $0.int(0) } ?? 0
    }

    /// The number of the newest join to the subject that stands for the whole, 0 before the first.
    static func newestJoin(of root: SubjectID, _ db: Database) throws -> Int64 {
        try db.first("SELECT max(seq) FROM joins WHERE root = ?", root) { $0.int(0) } ?? 0
    }

    static func records(of root: SubjectID, at destination: String? = nil, _ db: Database) throws -> [LinkedRecord] {
        try db.rows(
            """
            SELECT destination, kind, records.id, url, job, at FROM subjects
            CROSS JOIN records ON records.subject = subjects.id
            WHERE root = ?1 AND (?2 IS NULL OR destination = ?2) ORDER BY records.seq DESC
            """, root, destination, limit: recordsMax
        ) {
            LinkedRecord(
                destination: $0.text(0),
                record: ExternalRecord(kind: $0.text(1), id: $0.text(2), url: $0.textOrNil(3)), job: try $0.id(4),
                at: $0.instant(5))
        }
    }

    // MARK: Payments

    /// For each payment of the subject the newest thing told of it, the newest payment first.
    private static func payments(of root: SubjectID, seenFrom subject: SubjectID, _ db: Database) throws
        -> [PaymentView]
    {
        // All types of payments begin alike; a list of them would be a table that SQLite makes and drops.
        let facts = try db.rows(
            """
            SELECT \(Facts.columns) FROM subjects CROSS JOIN facts ON facts.subject = subjects.id
            WHERE root = ? AND type >= 'payment_' AND type < 'payment`' ORDER BY facts.occurred_at DESC
            """, root, limit: factsMax, read: Facts.fact)
        if facts.isEmpty { return [] }
        let proven = try db.rows(
            """
            SELECT id FROM subjects WHERE proven_root = (SELECT proven_root FROM subjects WHERE id = ?)
            """, subject
        ) { try $0.id(0, SubjectTag.self) }
        return PaymentViews.newest(of: facts) { proven.contains($0) }
    }
}
