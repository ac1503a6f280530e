internal import Journal
internal import Model

/// What the plan of one event writes.
struct PlanWrites {
    var subjects: [(id: SubjectID, at: Instant)] = []
    var identifiers: [(identifier: SubjectIdentifier, subject: SubjectID)] = []
    var states: [SubjectID: SubjectState] = [:]
    /// Each key once.
    var facts: [Fact] = []
    var jobs: [NewJob] = []
    /// Whose story the event belongs to.
    var home: SubjectID?
    var links: [(event: EventID, fact: String)] = []
    var decisions: [Decision] = []

    var isEmpty: Bool {
        subjects.isEmpty && identifiers.isEmpty && states.isEmpty && facts.isEmpty && jobs.isEmpty && home == nil
            && links.isEmpty && decisions.isEmpty
    }

    func isMade(_ subject: SubjectID) -> Bool { subjects.contains { $0.id == subject } }
}

/// Writes the plans of many events, each table in one statement; no two of them touch the same row.
struct PlanWriting {
    let plans: [(pending: PendingEvent, writes: PlanWrites)]
    let now: Instant
    let db: Transaction

    /// Whether any job could start is told when all has gone out.
    func write() throws -> Transaction.Asked<Bool>? {
        try writeSubjects()
        try writeIdentifiers()
        try writeStates()
        try writeFacts()
        try PlanRest(plans).write(db)
        return try writeJobs()
    }

    private func all<Value>(_ part: (PlanWrites) -> [Value]) -> [Value] { plans.flatMap { part($0.writes) } }

    private func writeSubjects() throws {
        let made = all(\.subjects)
        guard !made.isEmpty else { return }
        try db.post(
            """
            INSERT INTO subjects (id, root, proven_root, created_at)
            SELECT id, id, id, at FROM unnest($1, $2) WITH ORDINALITY AS made (id, at, place) ORDER BY place
            """, SQLArray(made.map(\.id)), SQLArray(made.map(\.at)))
    }

    private func writeIdentifiers() throws {
        let given = plans.flatMap { plan in
            plan.writes.identifiers.map { Subjects.Addition($0.identifier, to: $0.subject, seq: plan.pending.seq) }
        }
        guard !given.isEmpty else { return }
        try Subjects.add(given, db)
        let known = Set(
            plans.flatMap { plan in
                plan.writes.identifiers.map(\.subject).filter { !plan.writes.isMade($0) }
            })
        if !known.isEmpty { try Subjects.touch(Array(known), db) }
    }

    private func writeStates() throws {
        let states = all { Array($0.states) }
        guard !states.isEmpty else { return }
        try States.set(states.map { ($0.key, $0.value) }, db)
    }

    /// In the order of their keys, so that two who write the same do not wait for each other for ever.
    private func writeFacts() throws {
        let facts = all(\.facts).sorted { $0.key < $1.key }
        if !facts.isEmpty { try Facts.put(facts, db) }
    }

    private func writeJobs() throws -> Transaction.Asked<Bool>? {
        let jobs = all(\.jobs)
        return try jobs.isEmpty ? nil : JobTable.insert(jobs, at: now, db)
    }
}

/// What nobody asks about while a batch is planned: it is written at the end of all that is planned together.
struct PlanRest {
    private var assignments: [(seq: Int64, subject: SubjectID)] = []
    private var links: [(event: EventID, fact: String)] = []
    private var decisions: [Decision] = []

    init() {}

    init(_ plans: [(pending: PendingEvent, writes: PlanWrites)]) {
        for (pending, writes) in plans {
            if let home = writes.home { assign(pending.seq, to: home) }
            links += writes.links
            decisions += writes.decisions
        }
    }

    mutating func assign(_ event: Int64, to subject: SubjectID) { assignments.append((event, subject)) }
    mutating func link(_ event: EventID, to fact: String) { links.append((event, fact)) }
    mutating func record(_ decision: Decision) { decisions.append(decision) }

    func write(_ db: Transaction) throws {
        if !assignments.isEmpty {
            try db.post(
                "UPDATE events SET subject = i.subject FROM unnest($1, $2) AS i (seq, subject) WHERE events.seq = i.seq",
                SQLArray(assignments.map(\.seq)), SQLArray(assignments.map(\.subject)))
        }
        if !links.isEmpty {
            try db.post(
                "INSERT INTO fact_events (event, fact) SELECT * FROM unnest($1, $2) ON CONFLICT DO NOTHING",
                SQLArray(links.map(\.event)), SQLArray(links.map(\.fact)))
        }
        guard !decisions.isEmpty else { return }
        try db.post(
            """
            INSERT INTO decisions (event, subject, at, flow, call, outcome, job, detail)
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
            """, SQLArray(decisions.map(\.event)), SQLArray(decisions.map(\.subject)), SQLArray(decisions.map(\.at)),
            SQLArray(decisions.map(\.flow)), SQLArray(decisions.map(\.call)),
            SQLArray(decisions.map(\.outcome.rawValue)), SQLArray(decisions.map(\.job)),
            SQLArray(decisions.map(\.detail)))
    }
}
