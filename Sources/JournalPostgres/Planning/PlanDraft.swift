internal import Journal
internal import Model
internal import Settings

/// One event's plan as a value, on what has been read of the journal so far.
///
/// It changes nothing. What has not been read is taken for nothing at first, so that as much as possible is asked at once;
/// then it is drawn up anew.
final class PlanDraft: PlanTransaction {
    enum End {
        case drawnUp
        case unread
        /// It does what cannot be done for many at once, or was refused: it is planned alone.
        case odd
    }

    let pending: PendingEvent
    private let sights: PlanSights
    /// What it reads or writes, by name: of two with a name in common the older one is planned first.
    private(set) var names: Set<String> = []
    private(set) var writes = PlanWrites()
    private(set) var end = End.unread

    init(of pending: PendingEvent, _ sights: PlanSights) {
        self.pending = pending
        self.sights = sights
    }

    /// Draws it up from the beginning.
    func drawUp(_ plan: (Event, any PlanTransaction) throws -> Void) {
        (writes, names, end) = (PlanWrites(), [], .drawnUp)
        do {
            try plan(pending.event, self)
        } catch {
            // A missing answer counts as that, whatever came of it.
            if end == .drawnUp { end = .odd }
        }
    }

    /// `nothing` stands for an answer that has not been read.
    private func read<Value>(_ name: String..., nothing: Value, answer: () throws -> Value) throws -> Value {
        names.formUnion(name)
        do {
            return try answer()
        } catch is PlanSights.Unread {
            end = .unread
            return nothing
        }
    }

    /// The event will be planned alone.
    ///
    /// It is drawn up to its end all the same, for the names that it touches.
    private func noteOdd() {
        if end == .drawnUp { end = .odd }
    }

    // MARK: Subjects

    func holders(of identifiers: [SubjectIdentifier]) throws -> [SubjectSketch] {
        if !writes.isEmpty { noteOdd() }
        names.formUnion(identifiers.map { Locks.identifier($0.kind.name, $0.value) })
        let holders = try read(nothing: []) { try sights.holders(of: identifiers) }
        names.formUnion(holders.map { Locks.subject($0.root) })
        return holders
    }

    func createSubject(_ id: SubjectID, for event: EventID, at now: Instant) throws {
        writes.subjects.append((id, now))
    }

    func addIdentifier(_ identifier: SubjectIdentifier, to subject: SubjectID, event: EventID) throws {
        if event != pending.event.id { noteOdd() }
        names.insert(Locks.subject(subject))
        writes.identifiers.append((identifier, subject))
    }

    func join(_ join: SubjectJoin, event: EventID, at now: Instant) throws { noteOdd() }

    func assign(_ event: EventID, to subject: SubjectID) throws {
        if event != pending.event.id { noteOdd() }
        writes.home = subject
    }

    func state(of root: SubjectID) throws -> SubjectState {
        if let state = writes.states[root] { return state }
        if writes.isMade(root) { return SubjectState() }
        return try read(Locks.subject(root), nothing: SubjectState()) { try sights.states.value(of: root) }
    }

    func setState(_ state: SubjectState, of root: SubjectID) throws {
        names.insert(Locks.subject(root))
        writes.states[root] = state
    }

    func identifiers(of root: SubjectID) throws -> [SubjectIdentifier] {
        let known =
            try writes.isMade(root)
            ? [] : read(Locks.subject(root), nothing: []) { try sights.identifiers.value(of: root) }
        // Without a join what this event hangs at a known subject hangs at the whole that it is about.
        let own = writes.identifiers.filter { $0.subject == root || !writes.isMade($0.subject) }
            .map { Subjects.Given($0.identifier, seq: pending.seq) }
        return Subjects.newestOfEachKind(Subjects.identifiers(in: known + own))
    }

    // MARK: Facts

    func fact(_ key: String) throws -> Fact? {
        if let fact = writes.facts.last(where: { $0.key == key }) { return fact }
        return try read("fact:" + key, nothing: nil) { try sights.facts.value(of: key) }
    }

    func facts(ofObject object: String) throws -> [Fact] {
        var facts = try read("object:" + object, nothing: []) { try sights.factsOfObject.value(of: object) }
        for own in writes.facts {
            facts.removeAll { $0.key == own.key }
            if own.object == object { facts.append(own) }
        }
        return facts
    }

    func waitingFacts(of root: SubjectID) throws -> [Fact] {
        if !writes.jobs.isEmpty { noteOdd() }
        return try read(Locks.subject(root), nothing: []) { try sights.waitingFacts.value(of: root) }
    }

    func putFact(_ fact: Fact) throws {
        names.insert("fact:" + fact.key)
        if let object = fact.object { names.insert("object:" + object) }
        writes.facts.removeAll { $0.key == fact.key }
        writes.facts.append(fact)
    }

    func link(_ event: EventID, to factKey: String) throws { writes.links.append((event, factKey)) }

    // MARK: Decisions and jobs

    func event(_ id: EventID) throws -> Event? {
        try id == pending.event.id ? pending.event : read(nothing: nil) { try sights.events.value(of: id) }
    }

    func effect(_ key: EffectKey) throws -> PlannedEffect? {
        if let job = writes.jobs.last(where: { $0.effect == key }) {
            let isWaiting = job.waitsFor != nil
            return PlannedEffect(
                key: key, job: job.id, state: isWaiting ? .waiting : .available, isWaitingForField: isWaiting)
        }
        return try read("effect:" + key.text, nothing: nil) { try sights.effects.value(of: key) }
    }

    func insert(_ job: NewJob, at now: Instant) throws {
        names.insert("effect:" + job.effect.text)
        if let lane = job.lane { names.insert(Locks.lane(job.call.destination, lane)) }
        writes.jobs.append(job)
    }

    func wake(_ job: JobID, at now: Instant) throws { noteOdd() }
    func record(_ decision: Decision) throws { writes.decisions.append(decision) }
    func openAlert(_ alert: NewAlert) throws { noteOdd() }
}
