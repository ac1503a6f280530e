internal import Journal
internal import Model

/// The journal as one plan sees it.
///
/// Lives only inside the transaction on `db`.
final class Plan: PlanTransaction {
    let db: Transaction
    private(set) var hasNewWork = false
    /// The event that is being planned and its number in the journal.
    var current: (id: EventID, seq: Int64)?
    /// Subjects whose roots bear this transaction already.
    private var touched: Set<SubjectID> = []

    /// Only reads, and holds nothing.
    private let isRehearsing: Bool

    init(db: Transaction, isRehearsing: Bool = false) {
        self.db = db
        self.isRehearsing = isRehearsing
    }

    /// What was written since has been taken back.
    func forgetTouched() { touched = [] }

    // MARK: Subjects

    func holders(of identifiers: [SubjectIdentifier]) throws -> [SubjectSketch] {
        if !isRehearsing { try Subjects.hold(identifiers, db) }
        return try Subjects.holders(of: identifiers, db)
    }

    func createSubject(_ id: SubjectID, for event: EventID, at now: Instant) throws {
        try db.run(
            "INSERT INTO subjects (id, root, proven_root, created_at) VALUES ($1, $2, $3, $4)", id, id, id, now)
        touched.insert(id)
    }

    func addIdentifier(_ identifier: SubjectIdentifier, to subject: SubjectID, event: EventID) throws {
        // Proven stays proven; what was named last is the newest.
        try db.run(
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
        touched = []
        try touch(join.root)
    }

    func assign(_ event: EventID, to subject: SubjectID) throws {
        try db.run("UPDATE events SET subject = $1 WHERE seq = $2", subject, try seq(of: event))
    }

    private func seq(of event: EventID) throws -> Int64 {
        if let current, current.id == event { return current.seq }
        return try db.first("SELECT seq FROM events WHERE id = $1", event) { $0.int(0) } ?? 0
    }

    func state(of root: SubjectID) throws -> SubjectState { try States.state(of: root, db) }
    func setState(_ state: SubjectState, of root: SubjectID) throws { try States.set(state, of: root, db) }

    func identifiers(of root: SubjectID) throws -> [SubjectIdentifier] {
        var newest: [SubjectIdentifier] = []
        for identifier in try Subjects.identifiers(of: root, db) {
            newest.removeAll { $0.kind == identifier.kind }
            newest.append(identifier)
        }
        return newest
    }

    private func touch(_ subject: SubjectID) throws {
        guard touched.insert(subject).inserted else { return }
        try db.run(
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
        try db.run(
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
        try db.run("INSERT INTO fact_events (event, fact) VALUES ($1, $2) ON CONFLICT DO NOTHING", event, factKey)
    }

    // MARK: Decisions and jobs

    func event(_ id: EventID) throws -> Event? { try Events.event(id, db) }

    func effect(_ key: EffectKey) throws -> PlannedEffect? {
        guard
            let job = try db.first(
                "SELECT job FROM effects WHERE key = $1", key.text, read: { try $0.id(0, JobTag.self) })
        else { return nil }
        let state = try db.first(
            """
            SELECT state, wait_kind FROM jobs WHERE id = $1
            UNION ALL SELECT state, wait_kind FROM history WHERE id = $1
            """, job
        ) { (try $0.word(0, JobState.self), $0.textOrNil(1)) }
        // A key outlives its job's row: what is gone from the tables has ended long ago.
        let (jobState, wait) = state ?? (.completed, nil)
        return PlannedEffect(
            key: key, job: job, state: jobState, isWaitingForField: jobState == .waiting && wait == "field")
    }

    func insert(_ job: NewJob, at now: Instant) throws {
        if try JobTable.insert(job, at: now, db) { hasNewWork = true }
    }

    func wake(_ job: JobID, at now: Instant) throws {
        if try Lanes.wake(job, at: now, db) { hasNewWork = true }
    }

    func record(_ decision: Decision) throws {
        try db.run(
            """
            INSERT INTO decisions (event, subject, at, flow, call, outcome, job, detail)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            """, decision.event, decision.subject, decision.at, decision.flow, decision.call,
            decision.outcome.rawValue, decision.job, decision.detail)
    }

    func openAlert(_ alert: NewAlert) throws { try Alerts.open(alert, db) }
}
