internal import Journal
internal import Model

/// What a worker reads around its job.
enum Looking {
    private static let factsMax = 500
    private static let recordsMax = 100

    /// What the job names.
    private struct Place {
        var event: Event
        var fact: String?
        var subject: SubjectID
        var destination: String
        var root: SubjectID
        var holder: SubjectID?
    }

    /// All that hangs on what the job names.
    private struct Hanging {
        var place: Place
        var said: AskedData?
        var identifiers: Transaction.Asked<Subjects.Given>
        var state: Transaction.Asked<JSONObject>
        var payments: AskedPayments
        var records: Transaction.Asked<LinkedRecord>
        var newestOfLane: Transaction.Asked<Int64>
        var newestJoin: Transaction.Asked<Int64>

        func surroundings() throws -> Surroundings {
            Surroundings(
                event: place.event, data: try said?.data() ?? place.event.data,
                subject: SubjectView(
                    id: place.root, identifiers: Subjects.identifiers(in: try identifiers.rows()),
                    state: try States.state(in: state.rows(), of: place.root)),
                payments: try payments.views(), records: try records.rows().map(\.record),
                asOf: Sight(job: try newestOfLane.rows().first ?? 0, join: try newestJoin.rows().first ?? 0))
        }
    }

    /// Of each job its surroundings, nil where it is gone; all in two goes: what they name, then what hangs on that.
    static func surroundings(of ids: [JobID], _ db: Transaction) throws -> [Result<Surroundings?, any Error>] {
        let named = try ids.map { (place: try askForPlace(of: $0, db), lane: try askForNewestOfLane(of: $0, db)) }
        let hanging = try named.map { named -> Result<Hanging?, any Error> in
            let place = Result { try named.place.rows().first }
            guard case .success(let found?) = place else { return place.map { _ in nil } }
            return .success(try ask(around: found, newestOfLane: named.lane, db))
        }
        let read = hanging.map { hanging in hanging.flatMap { hanging in Result { try hanging?.surroundings() } } }
        // A row that cannot be read is its own job's trouble, what the server says is everybody's.
        for case .failure(let error as PostgresError) in read { throw error }
        return read
    }

    private static func ask(
        around place: Place, newestOfLane: Transaction.Asked<Int64>, _ db: Transaction
    ) throws -> Hanging {
        Hanging(
            place: place, said: try place.fact.map { try askForData(of: $0, db) },
            identifiers: try Subjects.askForIdentifiers(of: place.root, db), state: try States.ask(of: place.root, db),
            payments: try askForPayments(of: place.root, seenFrom: place.holder ?? place.subject, db),
            records: try askForRecords(of: place.root, at: place.destination, db), newestOfLane: newestOfLane,
            newestJoin: try askForNewestJoin(of: place.root, db))
    }

    private static func askForPlace(of id: JobID, _ db: Transaction) throws -> Transaction.Asked<Place> {
        try db.ask(
            """
            SELECT \(Events.columns), jobs.fact, jobs.subject, jobs.destination, coalesce(subjects.root, jobs.subject)
            FROM jobs JOIN events ON events.id = jobs.event LEFT JOIN subjects ON subjects.id = jobs.subject
            WHERE jobs.id = $1
            """, id
        ) {
            Place(
                event: try Events.event($0), fact: $0.textOrNil(15), subject: try $0.id(16), destination: $0.text(17),
                root: try $0.id(18), holder: try $0.idOrNil(12))
        }
    }

    /// A fact, and what is said of its object elsewhere.
    private struct AskedData {
        var fact: Transaction.Asked<Fact>
        var object: Transaction.Asked<Fact>

        /// The fact's own data filled up from its object's; nil where there is no such fact.
        func data() throws -> JSONObject? {
            guard let fact = try fact.rows().first else { return nil }
            var data = fact.data
            if let said = try object.rows().first { data.fill(from: said.data) }
            return data
        }
    }

    private static func askForData(of key: String, _ db: Transaction) throws -> AskedData {
        AskedData(
            fact: try db.ask("SELECT \(Facts.columns) FROM facts WHERE key = $1", key, read: Facts.fact),
            object: try db.ask(
                """
                SELECT \(Facts.columns) FROM facts
                WHERE key = (SELECT object FROM facts WHERE key = $1 AND object <> key)
                """, key, read: Facts.fact))
    }

    /// The number of the newest job that can be seen on its way or waiting for its turn in the job's lane.
    ///
    /// Whoever writes into a lane holds it, so that in one lane numbers come into sight in their order; over all lanes
    /// they do not. Each half has an index of its own: a destination's jobs are never walked over.
    private static func askForNewestOfLane(of id: JobID, _ db: Transaction) throws -> Transaction.Asked<Int64> {
        try db.ask(
            """
            SELECT greatest(
                (SELECT max(seq) FROM jobs WHERE destination = own.destination AND lane = own.lane
                    AND state IN \(Lanes.headStates)),
                (SELECT max(seq) FROM jobs WHERE destination = own.destination AND lane = own.lane
                    AND state = 'waiting' AND wait_kind = 'lane'),
                0)
            FROM (SELECT destination, coalesce(moves_to, lane) AS lane FROM jobs WHERE id = $1) AS own
            """, id
        ) { $0.int(0) }
    }

    /// The number of the newest join to the subject that stands for the whole, 0 before the first.
    private static func askForNewestJoin(of root: SubjectID, _ db: Transaction) throws -> Transaction.Asked<Int64> {
        try db.ask("SELECT coalesce(max(seq), 0) FROM joins WHERE root = $1", root) { $0.int(0) }
    }

    static func records(of root: SubjectID, at destination: String? = nil, _ db: Transaction) throws -> [LinkedRecord] {
        try askForRecords(of: root, at: destination, db).rows()
    }

    private static func askForRecords(of root: SubjectID, at destination: String?, _ db: Transaction) throws
        -> Transaction.Asked<LinkedRecord>
    {
        try db.ask(
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

    private struct AskedPayments {
        var proven: Transaction.Asked<SubjectID>
        var facts: Transaction.Asked<Fact>

        /// For each payment of the subject the newest thing told of it, the newest payment first.
        func views() throws -> [PaymentView] {
            let proven = Set(try proven.rows())
            return PaymentViews.newest(of: try facts.rows()) { proven.contains($0) }
        }
    }

    private static func askForPayments(of root: SubjectID, seenFrom subject: SubjectID, _ db: Transaction) throws
        -> AskedPayments
    {
        AskedPayments(
            proven: try db.ask(
                """
                SELECT id FROM subjects WHERE proven_root = (SELECT proven_root FROM subjects WHERE id = $1)
                """, subject
            ) { try $0.id(0) },
            facts: try db.ask(
                """
                SELECT \(Facts.columns) FROM facts WHERE subject IN (SELECT id FROM subjects WHERE root = $1)
                    AND type IN ('payment_succeeded', 'payment_failed', 'payment_canceled', 'payment_refunded',
                        'payment_disputed')
                ORDER BY occurred_at DESC LIMIT $2
                """, root, factsMax, read: Facts.fact))
    }
}
