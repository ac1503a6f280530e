internal import Journal
internal import Model

/// What workers read around their jobs, for many at once: what one way to the server costs is shared, and so is what one
/// statement costs.
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

    /// Of each job its surroundings, nil where it is gone; all in two goes: what they name, then what hangs on that.
    static func surroundings(of ids: [JobID], _ db: Transaction) throws -> [Result<Surroundings?, any Error>] {
        try db.post("SET LOCAL \(JournalConnection.keepingPlans)")
        let (asked, newestAsked) = (try askForPlaces(of: ids, db), try askForNewestOfLane(of: ids, db))
        let (places, newest) = (try asked.rows().map { $0.map(\.first) }, try newestAsked.rows())
        // A row that cannot be read is its own job's trouble.
        let found = places.compactMap { try? $0.get() }
        var around = try surroundings(of: found, db).makeIterator()
        return zip(places, newest).map { place, newest in
            place.flatMap { place in
                guard place != nil, let surroundings = around.next() else { return .success(nil) }
                return Result {
                    var surroundings = try surroundings.get()
                    surroundings.asOf.job = try newest.get().first ?? 0
                    return surroundings
                }
            }
        }
    }

    /// Without the newest of the lane, which hangs on no place.
    private static func surroundings(of places: [Place], _ db: Transaction) throws
        -> [Result<Surroundings, any Error>]
    {
        guard !places.isEmpty else { return [] }
        let roots = places.map(\.root)
        let said = try Facts.ask(for: places.map(\.fact), db)
        let objects = try askForObjects(ofFacts: places.map(\.fact), db)
        let identifiers = try Subjects.askForIdentifiers(of: roots, db)
        let states = try States.ask(of: roots, db)
        let proven = try askForProven(with: places.map { $0.holder ?? $0.subject }, db)
        let payments = try askForPayments(of: roots, db)
        let records = try askForRecords(of: roots, at: places.map(\.destination), db)
        let joins = try askForNewestJoin(of: roots, db)
        let read = (
            said: try said.rows(), objects: try objects.rows(), identifiers: try identifiers.rows(),
            states: try states.rows(), proven: try proven.rows(), payments: try payments.rows(),
            records: try records.rows(), joins: try joins.rows()
        )
        return places.enumerated().map { index, place in
            Result {
                let proven = Set(try read.proven[index].get())
                return Surroundings(
                    event: place.event,
                    data: try data(read.said[index].get(), read.objects[index].get()) ?? place.event.data,
                    subject: SubjectView(
                        id: place.root, identifiers: Subjects.identifiers(in: try read.identifiers[index].get()),
                        state: try States.state(in: read.states[index].get(), of: place.root)),
                    payments: PaymentViews.newest(of: try read.payments[index].get()) { proven.contains($0) },
                    records: try read.records[index].get().map(\.record),
                    asOf: Sight(job: 0, join: try read.joins[index].get().first ?? 0))
            }
        }
    }

    private static func askForPlaces(of ids: [JobID], _ db: Transaction) throws -> Transaction.AskedForMany<Place> {
        try db.askForMany(
            "id", [SQLArray(ids)], count: ids.count,
            """
            SELECT \(Events.columns), jobs.fact, jobs.subject AS own, jobs.destination,
                coalesce(subjects.root, jobs.subject)
            FROM jobs JOIN events ON events.id = jobs.event LEFT JOIN subjects ON subjects.id = jobs.subject
            WHERE jobs.id = wanted.id
            """
        ) {
            Place(
                event: try Events.event($0, from: 1), fact: $0.textOrNil(16), subject: try $0.id(17),
                destination: $0.text(18), root: try $0.id(19), holder: try $0.idOrNil(13))
        }
    }

    // MARK: What was said

    /// The fact's own data filled up from its object's; nil where there is no such fact.
    private static func data(_ facts: [Fact], _ objects: [Fact]) -> JSONObject? {
        guard let fact = facts.first else { return nil }
        var data = fact.data
        if let said = objects.first { data.fill(from: said.data) }
        return data
    }

    /// What is said of the object of each of these facts elsewhere.
    private static func askForObjects(ofFacts keys: [String?], _ db: Transaction) throws
        -> Transaction.AskedForMany<Fact>
    {
        try db.askForMany(
            "key", [SQLArray(keys)], count: keys.count,
            """
            SELECT \(Facts.columns) FROM facts WHERE facts.key = (
                SELECT own.object FROM facts AS own WHERE own.key = wanted.key AND own.object <> own.key)
            """
        ) { try Facts.fact($0, from: 1) }
    }

    // MARK: How far it could be seen

    /// The number of the newest job that can be seen on its way or waiting for its turn in the job's lane.
    ///
    /// Whoever writes into a lane holds it, so that in one lane numbers come into sight in their order; over all lanes
    /// they do not. Each half has an index of its own: a destination's jobs are never walked over.
    private static func askForNewestOfLane(of ids: [JobID], _ db: Transaction) throws
        -> Transaction.AskedForMany<Int64>
    {
        try db.askForMany(
            "id", [SQLArray(ids)], count: ids.count,
            """
            SELECT greatest(
                (SELECT max(seq) FROM jobs WHERE destination = own.destination AND lane = own.lane
                    AND state IN \(Lanes.headStates)),
                (SELECT max(seq) FROM jobs WHERE destination = own.destination AND lane = own.lane
                    AND state = 'waiting' AND wait_kind = 'lane'),
                0)
            FROM (SELECT destination, coalesce(moves_to, lane) AS lane FROM jobs WHERE jobs.id = wanted.id) AS own
            """
        ) { $0.int(1) }
    }

    /// The number of the newest join to the subject that stands for the whole, 0 before the first.
    private static func askForNewestJoin(of roots: [SubjectID], _ db: Transaction) throws
        -> Transaction.AskedForMany<Int64>
    {
        try db.askForMany(
            "root", [SQLArray(roots)], count: roots.count,
            "SELECT coalesce(max(seq), 0) FROM joins WHERE joins.root = wanted.root"
        ) { $0.int(1) }
    }

    // MARK: Records

    static func records(of root: SubjectID, at destination: String? = nil, _ db: Transaction) throws -> [LinkedRecord] {
        try askForRecords(of: [root], at: [destination], db).only()
    }

    /// Of each the records at its destination, or at all of them; the newest first.
    private static func askForRecords(of roots: [SubjectID], at destinations: [String?], _ db: Transaction) throws
        -> Transaction.AskedForMany<LinkedRecord>
    {
        try db.askForMany(
            "root, destination", [SQLArray(roots), SQLArray(destinations)], count: roots.count,
            """
            SELECT records.destination, kind, id, url, job, at FROM records
            WHERE subject IN (SELECT id FROM subjects WHERE subjects.root = wanted.root)
                AND (wanted.destination IS NULL OR records.destination = wanted.destination)
            ORDER BY seq DESC LIMIT $3
            """, recordsMax
        ) {
            LinkedRecord(
                destination: $0.text(1),
                record: ExternalRecord(kind: $0.text(2), id: $0.text(3), url: $0.textOrNil(4)), job: try $0.id(5),
                at: $0.instant(6))
        }
    }

    // MARK: Payments

    /// All that proven joins tie to each of these.
    private static func askForProven(with subjects: [SubjectID], _ db: Transaction) throws
        -> Transaction.AskedForMany<SubjectID>
    {
        try db.askForMany(
            "subject", [SQLArray(subjects)], count: subjects.count,
            """
            SELECT id FROM subjects WHERE proven_root = (SELECT proven_root FROM subjects WHERE id = wanted.subject)
            """
        ) { try $0.id(1) }
    }

    /// What was told of the payments of each, the newest first.
    private static func askForPayments(of roots: [SubjectID], _ db: Transaction) throws
        -> Transaction.AskedForMany<Fact>
    {
        try db.askForMany(
            "root", [SQLArray(roots)], count: roots.count,
            """
            SELECT \(Facts.columns) FROM facts
            WHERE subject IN (SELECT id FROM subjects WHERE subjects.root = wanted.root)
                AND type IN ('payment_succeeded', 'payment_failed', 'payment_canceled', 'payment_refunded',
                    'payment_disputed')
            ORDER BY occurred_at DESC LIMIT $2
            """, factsMax
        ) { try Facts.fact($0, from: 1) }
    }
}
