internal import Journal
internal import Model

/// The journal as one plan sees it.
///
/// Lives only inside the transaction on `db`. Each way to the server costs more than what is done there, so writes go
/// with the next question, and what nobody asks about while a batch is planned is written at its end for all events.
final class Plan: PlanTransaction {
    let db: Transaction
    private(set) var hasNewWork = false
    /// The event that is being planned and its number in the journal.
    private var current: (id: EventID, seq: Int64)?
    /// Subjects whose roots bear this transaction already.
    private var touched: Set<SubjectID> = []
    /// What this event has said of subjects that it made itself and that are joined to nobody.
    private var fresh: [SubjectID: (identifiers: [SubjectIdentifier], state: SubjectState)] = [:]
    private var inserted: [JobTable.Insertion] = []
    /// What is written at the end of the batch.
    private var (later, laterBefore) = (PlanRest(), PlanRest())

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
        try later.write(db)
        later = PlanRest()
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
        try Subjects.add([Subjects.Addition(identifier, to: subject, seq: try seq(of: event))], db)
        try touch(subject)
    }

    func join(_ join: SubjectJoin, event: EventID, at now: Instant) throws {
        try Subjects.join(join, event: event, at: now, db)
        // Who was touched may have another root now.
        (touched, fresh) = ([], [:])
        try touch(join.root)
    }

    func assign(_ event: EventID, to subject: SubjectID) throws {
        later.assign(try seq(of: event), to: subject)
    }

    private func seq(of event: EventID) throws -> Int64 {
        if let current, current.id == event { return current.seq }
        return try db.first("SELECT seq FROM events WHERE id = $1", event) { $0.int(0) } ?? 0
    }

    func state(of root: SubjectID) throws -> SubjectState { try fresh[root]?.state ?? States.state(of: root, db) }

    func setState(_ state: SubjectState, of root: SubjectID) throws {
        fresh[root]?.state = state
        try States.set([(root, state)], db)
    }

    func identifiers(of root: SubjectID) throws -> [SubjectIdentifier] {
        // All of one event, in the order in which they would be read.
        let known = fresh[root]?.identifiers.sorted { ($0.kind.name, $0.value) < ($1.kind.name, $1.value) }
        return Subjects.newestOfEachKind(try known ?? Subjects.identifiers(of: root, db))
    }

    private func touch(_ subject: SubjectID) throws {
        if touched.insert(subject).inserted { try Subjects.touch([subject], db) }
    }

    // MARK: Facts

    func fact(_ key: String) throws -> Fact? { try Facts.ask(for: [key], db).only().first }

    func facts(ofObject object: String) throws -> [Fact] {
        try Facts.ask(ofObjects: [object], db).only()
    }

    func waitingFacts(of root: SubjectID) throws -> [Fact] {
        try Facts.askForWaiting(of: [root], db).only()
    }

    func putFact(_ fact: Fact) throws { try Facts.put([fact], db) }

    func link(_ event: EventID, to factKey: String) throws {
        later.link(event, to: factKey)
    }

    // MARK: Decisions and jobs

    func event(_ id: EventID) throws -> Event? { try Events.event(id, db) }

    func effect(_ key: EffectKey) throws -> PlannedEffect? {
        try Effects.ask(for: [key], db).only().first
    }

    func insert(_ job: NewJob, at now: Instant) throws {
        inserted.append(try JobTable.insert(job, at: now, db))
    }

    func wake(_ job: JobID, at now: Instant) throws {
        if try Lanes.wake(job, at: now, db) { hasNewWork = true }
    }

    func record(_ decision: Decision) throws {
        later.record(decision)
    }

    func openAlert(_ alert: NewAlert) throws { try Alerts.open(alert, db) }
}
