internal import Journal
internal import Model

/// The journal as one plan sees it.
///
/// Lives only inside the transaction on `db`. Each way to the server costs more than what is done there, so writes go
/// with the next question, and what nobody asks about while a batch is planned is written at its end for all events.
final class Plan: PlanTransaction {
    /// What is written at the end of the batch.
    private struct Later {
        var assignments: [(seq: Int64, subject: SubjectID)] = []
        var links: [(event: EventID, fact: String)] = []
        var decisions: [Decision] = []
    }

    let db: Transaction
    private(set) var hasNewWork = false
    /// The event that is being planned and its number in the journal.
    private var current: (id: EventID, seq: Int64)?
    /// Subjects whose roots bear this transaction already.
    private var touched: Set<SubjectID> = []
    /// What this event has said of subjects that it made itself and that are joined to nobody.
    private var fresh: [SubjectID: (identifiers: [SubjectIdentifier], state: SubjectState)] = [:]
    private var inserted: [JobTable.Insertion] = []
    private var (later, laterBefore) = (Later(), Later())

    /// Only reads, and holds nothing.
    private let isRehearsing: Bool

    init(db: Transaction, isRehearsing: Bool = false) {
        self.db = db
        self.isRehearsing = isRehearsing
    }

    func begin(_ event: EventID, seq: Int64) {
        current = (event, seq)
        (fresh, inserted, laterBefore) = ([:], [], later)
    }

    /// Ends the event's plan: with this all of it is written, or something is thrown.
    func end() throws {
        for insertion in inserted where try insertion.isOnItsWay() { hasNewWork = true }
    }

    /// What the event wrote has been taken back.
    func takeBack() {
        (touched, fresh, inserted, later) = ([], [:], [], laterBefore)
    }

    /// Writes what was left for the end of the batch.
    func writeRest() throws {
        if !later.assignments.isEmpty {
            try db.post(
                "UPDATE events SET subject = i.subject FROM unnest($1, $2) AS i (seq, subject) WHERE events.seq = i.seq",
                SQLArray(later.assignments.map(\.seq)), SQLArray(later.assignments.map(\.subject)))
        }
        if !later.links.isEmpty {
            try db.post(
                "INSERT INTO fact_events (event, fact) SELECT * FROM unnest($1, $2) ON CONFLICT DO NOTHING",
                SQLArray(later.links.map(\.event)), SQLArray(later.links.map(\.fact)))
        }
        let decisions = later.decisions
        if !decisions.isEmpty {
            try db.post(
                """
                INSERT INTO decisions (event, subject, at, flow, call, outcome, job, detail)
                SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
                """, SQLArray(decisions.map(\.event)), SQLArray(decisions.map(\.subject)),
                SQLArray(decisions.map(\.at)), SQLArray(decisions.map(\.flow)), SQLArray(decisions.map(\.call)),
                SQLArray(decisions.map(\.outcome.rawValue)), SQLArray(decisions.map(\.job)),
                SQLArray(decisions.map(\.detail)))
        }
        later = Later()
    }

    // MARK: Subjects

    func holders(of identifiers: [SubjectIdentifier]) throws -> [SubjectSketch] {
        // A rehearsal keeps nobody else from planning.
        try isRehearsing ? Subjects.sketch(identifiers, db) : Subjects.holdAndSketch(identifiers, db)
    }

    func createSubject(_ id: SubjectID, for event: EventID, at now: Instant) throws {
        try db.post(
            "INSERT INTO subjects (id, root, proven_root, created_at) VALUES ($1, $2, $3, $4)", id, id, id, now)
        touched.insert(id)
        fresh[id] = ([], SubjectState())
    }

    func addIdentifier(_ identifier: SubjectIdentifier, to subject: SubjectID, event: EventID) throws {
        fresh[subject]?.identifiers.append(identifier)
        // Proven stays proven; what was named last is the newest.
        try db.post(
            """
            INSERT INTO identifiers (kind, value, subject, basis, seq) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (kind, value, subject) DO UPDATE SET seq = greatest(identifiers.seq, excluded.seq),
                basis = CASE WHEN 'proven' IN (identifiers.basis, excluded.basis) THEN 'proven' ELSE 'claimed' END
            """, identifier.kind.name, identifier.value, subject, identifier.basis.rawValue, try seq(of: event))
        try touch(subject)
    }

    func join(_ join: SubjectJoin, event: EventID, at now: Instant) throws {
        try Subjects.join(join, event: event, at: now, db)
        // Who was touched may have another root now.
        (touched, fresh) = ([], [:])
        try touch(join.root)
    }

    func assign(_ event: EventID, to subject: SubjectID) throws {
        later.assignments.append((try seq(of: event), subject))
    }

    private func seq(of event: EventID) throws -> Int64 {
        if let current, current.id == event { return current.seq }
        return try db.first("SELECT seq FROM events WHERE id = $1", event) { $0.int(0) } ?? 0
    }

    func state(of root: SubjectID) throws -> SubjectState { try fresh[root]?.state ?? States.state(of: root, db) }

    func setState(_ state: SubjectState, of root: SubjectID) throws {
        fresh[root]?.state = state
        try States.set(state, of: root, db)
    }

    func identifiers(of root: SubjectID) throws -> [SubjectIdentifier] {
        var newest: [SubjectIdentifier] = []
        // All of one event, in the order in which they would be read.
        let known = fresh[root]?.identifiers.sorted { ($0.kind.name, $0.value) < ($1.kind.name, $1.value) }
        for identifier in try known ?? Subjects.identifiers(of: root, db) {
            newest.removeAll { $0.kind == identifier.kind }
            newest.append(identifier)
        }
        return newest
    }

    private func touch(_ subject: SubjectID) throws {
        guard touched.insert(subject).inserted else { return }
        try db.post(
            """
            UPDATE subjects SET xid = pg_current_xact_id() WHERE id IN (SELECT root FROM subjects WHERE id = $1)
            """, subject)
    }

    // MARK: Facts

    func fact(_ key: String) throws -> Fact? { try Facts.fact(key, db) }

    func facts(ofObject object: String) throws -> [Fact] {
        try db.rows(
            "SELECT \(Facts.columns) FROM facts WHERE object = $1 ORDER BY seq LIMIT 1000", object, read: Facts.fact)
    }

    func waitingFacts(of root: SubjectID) throws -> [Fact] {
        try db.rows(
            """
            SELECT \(Facts.columns) FROM facts WHERE key IN (
                SELECT fact FROM jobs WHERE subject IN (SELECT id FROM subjects WHERE root = $1)
                    AND state = 'waiting' AND wait_kind = 'field')
            ORDER BY seq LIMIT 1000
            """, root, read: Facts.fact)
    }

    func putFact(_ fact: Fact) throws {
        try db.post(
            """
            INSERT INTO facts (key, type, object, subject, event, occurred_at, data, origins)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT (key) DO UPDATE SET type = excluded.type, object = excluded.object,
                subject = excluded.subject, event = excluded.event, occurred_at = excluded.occurred_at,
                xid = pg_current_xact_id(), data = excluded.data, origins = excluded.origins
            """, fact.key, fact.type?.name, fact.object, fact.subject, fact.event, fact.occurredAt,
            fact.data.encodedText, fact.origins.encodedText)
    }

    func link(_ event: EventID, to factKey: String) throws {
        later.links.append((event, factKey))
    }

    // MARK: Decisions and jobs

    func event(_ id: EventID) throws -> Event? { try Events.event(id, db) }

    func effect(_ key: EffectKey) throws -> PlannedEffect? {
        // A key outlives its job's row: what is gone from the tables has ended long ago.
        try db.first(
            """
            SELECT job, coalesce(jobs.state, history.state, 'completed'), jobs.wait_kind FROM effects
            LEFT JOIN jobs ON jobs.id = job LEFT JOIN history ON history.id = job WHERE key = $1
            """, key.text
        ) {
            let state = try $0.word(1, JobState.self)
            return PlannedEffect(
                key: key, job: try $0.id(0), state: state,
                isWaitingForField: state == .waiting && $0.textOrNil(2) == "field")
        }
    }

    func insert(_ job: NewJob, at now: Instant) throws {
        inserted.append(try JobTable.insert(job, at: now, db))
    }

    func wake(_ job: JobID, at now: Instant) throws {
        if try Lanes.wake(job, at: now, db) { hasNewWork = true }
    }

    func record(_ decision: Decision) throws {
        later.decisions.append(decision)
    }

    func openAlert(_ alert: NewAlert) throws { try Alerts.open(alert, db) }
}
