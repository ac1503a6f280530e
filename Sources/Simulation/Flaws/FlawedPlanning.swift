internal import Journal
internal import JournalSQLite
internal import Model
internal import Settings

/// The planner's journal with one promise broken.
final class FlawedPlanning: PlanningJournal {
    enum Kind { case forgetting, repeating, unordered }

    private let journal: SQLiteJournal
    private let kind: Kind

    init(journal: SQLiteJournal, kind: Kind) {
        self.journal = journal
        self.kind = kind
    }

    func planPending(
        limit: Int, now: Instant, plan: @escaping @Sendable (Event, any PlanTransaction) throws -> Void
    ) async throws -> PlanSummary {
        try await journal.planPending(limit: limit, now: now) { [kind] event, tx in
            if kind == .forgetting, event.id.low % 4 == 0 { return }
            try plan(event, FlawedPlan(tx: tx, kind: kind, event: event.id))
        }
    }
}

/// One plan's transaction with one promise broken.
private struct FlawedPlan: PlanTransaction {
    let tx: any PlanTransaction
    let kind: FlawedPlanning.Kind
    let event: EventID

    func insert(_ job: NewJob, at now: Instant) throws {
        var job = job
        if kind == .unordered { job.lane = nil }
        if kind == .repeating { job.effect = renamed(job.effect) }
        try tx.insert(job, at: now)
    }

    func effect(_ key: EffectKey) throws -> PlannedEffect? {
        try tx.effect(kind == .repeating ? renamed(key) : key)
    }

    /// A key of the event's own, as if the fact's did not matter.
    private func renamed(_ key: EffectKey) -> EffectKey {
        let parts = key.text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return key }
        return EffectKey(text: "\(parts[0])/\(parts[1])/\(parts[2])+\(event)/\(parts[3])")
    }

    func holders(of identifiers: [SubjectIdentifier]) throws -> [SubjectSketch] { try tx.holders(of: identifiers) }
    func createSubject(_ id: SubjectID, for event: EventID, at now: Instant) throws {
        try tx.createSubject(id, for: event, at: now)
    }
    func addIdentifier(_ identifier: SubjectIdentifier, to subject: SubjectID, event: EventID) throws {
        try tx.addIdentifier(identifier, to: subject, event: event)
    }
    func join(_ join: SubjectJoin, event: EventID, at now: Instant) throws { try tx.join(join, event: event, at: now) }
    func assign(_ event: EventID, to subject: SubjectID) throws { try tx.assign(event, to: subject) }
    func state(of root: SubjectID) throws -> SubjectState { try tx.state(of: root) }
    func setState(_ state: SubjectState, of root: SubjectID) throws { try tx.setState(state, of: root) }
    func identifiers(of root: SubjectID) throws -> [SubjectIdentifier] { try tx.identifiers(of: root) }
    func fact(_ key: String) throws -> Fact? { try tx.fact(key) }
    func facts(ofObject object: String) throws -> [Fact] { try tx.facts(ofObject: object) }
    func waitingFacts(of root: SubjectID) throws -> [Fact] { try tx.waitingFacts(of: root) }
    func putFact(_ fact: Fact) throws { try tx.putFact(fact) }
    func link(_ event: EventID, to factKey: String) throws { try tx.link(event, to: factKey) }
    func event(_ id: EventID) throws -> Event? { try tx.event(id) }
    func wake(_ job: JobID, at now: Instant) throws { try tx.wake(job, at: now) }
    func record(_ decision: Decision) throws { try tx.record(decision) }
    func openAlert(_ alert: NewAlert) throws { try tx.openAlert(alert) }
}
