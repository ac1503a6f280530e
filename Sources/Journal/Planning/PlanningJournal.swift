package import Model

/// Commit 2 of the street: pending events become links, facts, states and jobs, all at once.
package protocol PlanningJournal: Sendable {
    /// Plans up to `limit` pending events, oldest first, in one durable transaction.
    ///
    /// Each event is planned wholly or not at all, and taken off `pending` with that. One that throws, or in whose
    /// planning the process ended `Limits.plansStartedMax` times, is set aside as unplannable. `plan` may be called
    /// several times for an event, with other events between, and may read less than there is before its last call: what
    /// that wrote is kept. It must hang on nothing but the event and what it reads here.
    func planPending(
        limit: Int, now: Instant, plan: @escaping @Sendable (Event, any PlanTransaction) throws -> Void
    ) async throws -> PlanSummary
}

package struct PlanSummary: Sendable, Hashable {
    package var planned: Int
    package var unplannable: [EventID]
    /// Whether more are pending.
    package var isMore: Bool
    /// Whether any job became claimable.
    package var hasNewWork: Bool

    package init(planned: Int, unplannable: [EventID] = [], isMore: Bool, hasNewWork: Bool) {
        self.planned = planned
        self.unplannable = unplannable
        self.isMore = isMore
        self.hasNewWork = hasNewWork
    }
}

/// The journal as one plan sees and changes it.
///
/// Synchronous: nothing awaits inside a transaction.
package protocol PlanTransaction {
    // Subjects.

    /// Who holds any of these identifiers: one sketch for each (identifier, holder). Oldest root first.
    func holders(of identifiers: [SubjectIdentifier]) throws -> [SubjectSketch]
    func createSubject(_ id: SubjectID, for event: EventID, at now: Instant) throws
    /// Hangs the identifier at the subject; one that is there already may rise from claimed to proven.
    func addIdentifier(_ identifier: SubjectIdentifier, to subject: SubjectID, event: EventID) throws
    /// Joins two roots: the state of both is merged at `join.root`, open jobs of the child move to the root's lanes.
    func join(_ join: SubjectJoin, event: EventID, at now: Instant) throws
    /// Says whose story this event belongs to.
    func assign(_ event: EventID, to subject: SubjectID) throws
    func state(of root: SubjectID) throws -> SubjectState
    func setState(_ state: SubjectState, of root: SubjectID) throws
    /// What flows read as `$subject`: identifiers of the whole by kind (the newest of each), for `Scope.subject`.
    func identifiers(of root: SubjectID) throws -> [SubjectIdentifier]

    // Facts.

    func fact(_ key: String) throws -> Fact?
    /// Facts of that object (object row included).
    func facts(ofObject object: String) throws -> [Fact]
    /// Facts of the subject whose jobs wait for a field: a join or an identifier may now bring it.
    func waitingFacts(of root: SubjectID) throws -> [Fact]
    func putFact(_ fact: Fact) throws
    /// Notes that this event told of this fact.
    func link(_ event: EventID, to factKey: String) throws

    // Decisions and jobs.

    func event(_ id: EventID) throws -> Event?
    /// Whether that effect was ever planned, and the job that bears it.
    func effect(_ key: EffectKey) throws -> PlannedEffect?
    /// Writes the job and its effect key; the journal puts it at the end of its lane.
    func insert(_ job: NewJob, at now: Instant) throws
    /// Wakes a job that waits for a field.
    func wake(_ job: JobID, at now: Instant) throws
    func record(_ decision: Decision) throws
    func openAlert(_ alert: NewAlert) throws
}

/// What a flow made of an event: kept for the trail, also where nothing was done.
package struct Decision: Sendable, Hashable {
    package enum Outcome: String, Sendable, Hashable, CaseIterable {
        case planned
        /// The same effect is on its way or done already.
        case known
        case conditionFailed = "condition_failed"
        case off, shadow
        /// The state that it would set is older than what stands.
        case stale
        /// A job was planned that waits for a field.
        case waiting
        /// No flow listens to this type.
        case noFlow = "no_flow"
        /// Subjects were joined by this event.
        case joined
        /// Not done, for the reason that is told (a limit, say).
        case refused
    }

    package var event: EventID
    package var subject: SubjectID
    package var at: Instant
    package var flow: String?
    /// `crm.upsert_contact`.
    package var call: String?
    package var outcome: Outcome
    package var job: JobID?
    package var detail: String?

    package init(
        event: EventID, subject: SubjectID, at: Instant, flow: String? = nil, call: String? = nil, outcome: Outcome,
        job: JobID? = nil, detail: String? = nil
    ) {
        self.event = event
        self.subject = subject
        self.at = at
        self.flow = flow
        self.call = call
        self.outcome = outcome
        self.job = job
        self.detail = detail
    }
}
