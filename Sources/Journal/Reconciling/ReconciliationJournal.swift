package import Model

/// The journal as reconciliation reads it, and where its runs are kept.
package protocol ReconciliationJournal: Sendable {
    // What is compared.

    /// Events of these types received in the window, with what was made of them: about `limit` at a time, the newest
    /// first. `before` is what the page before gave as `next`.
    func work(in window: WorkWindow, before: Int64?, limit: Int) async throws -> WorkPage
    /// How these ids of a sender stand here; one that is missing in the answer never arrived.
    func arrivals(at source: String, externalIDs: [String]) async throws -> [String: ArrivalStanding]
    /// Those of these facts that are known, with the event that told each first.
    func factEvents(_ keys: [String]) async throws -> [String: EventID]
    /// The newest `status` that was told of each of these objects.
    func statuses(ofObjects objects: [String]) async throws -> [String: String]

    // Runs.

    func beginReconciliation(_ run: Reconciliation) async throws
    func keepDifferences(_ differences: [Difference], of run: ReconciliationID) async throws
    /// Its samples, its end, and whether it was cut; a run that ended stays as it is.
    func endReconciliation(_ run: Reconciliation) async throws
    func reconciliations(page: PageRequest) async throws -> Page<Reconciliation>
    func reconciliation(_ id: ReconciliationID) async throws -> Reconciliation?
    func differences(of run: ReconciliationID, _ filter: DifferenceFilter, page: PageRequest) async throws
        -> Page<Difference>
    /// How many of each cause, and how many of these nothing was done about.
    func differenceCounts(of run: ReconciliationID) async throws -> [Difference.Cause: (all: Int, open: Int)]
    func noteRepair(_ repair: Difference.Repair, of number: Int, in run: ReconciliationID) async throws
    /// Does the effect of an ended job once more, as a new generation, and says which job will.
    ///
    /// Throws `conflict` where it has not ended, was erased, or was repeated already.
    func repeatEffect(of job: JobID, mint: @escaping @Sendable () -> JobID, by actor: String, now: Instant)
        async throws -> JobID
    /// Whether this process is to begin the runs that are due now; notes that it does.
    ///
    /// Of several nodes on one journal one is told so. Runs that another process left unended are told as failed.
    func takeReconciliation(every interval: Duration, now: Instant) async throws -> Bool
}

package struct WorkWindow: Sendable, Hashable {
    package var types: Set<EventType>
    /// Whose records are told with the work.
    package var destination: String
    package var since: Instant
    package var until: Instant

    package init(types: Set<EventType>, destination: String, since: Instant, until: Instant) {
        self.types = types
        self.destination = destination
        self.since = since
        self.until = until
    }
}

package struct WorkPage: Sendable {
    package var items: [PlannedWork]
    package var next: Int64?

    package init(items: [PlannedWork], next: Int64?) {
        self.items = items
        self.next = next
    }
}

/// An event and what was made of it.
package struct PlannedWork: Sendable {
    package var event: Event
    package var isPending: Bool
    /// Planning could not take it.
    package var isUnplannable: Bool
    package var decisions: [Decision]
    /// Jobs of this event, all generations.
    package var jobs: [JobRow]
    /// The whole subject's; empty where the event has none.
    package var identifiers: [SubjectIdentifier]
    /// The whole subject's records at the window's destination, the newest first.
    package var records: [LinkedRecord]
    package var state: SubjectState

    package init(
        event: Event, isPending: Bool, isUnplannable: Bool, decisions: [Decision] = [], jobs: [JobRow] = [],
        identifiers: [SubjectIdentifier] = [], records: [LinkedRecord] = [], state: SubjectState = SubjectState()
    ) {
        self.event = event
        self.isPending = isPending
        self.isUnplannable = isUnplannable
        self.decisions = decisions
        self.jobs = jobs
        self.identifiers = identifiers
        self.records = records
        self.state = state
    }
}

/// A dead job, and where.
package struct DeadWork: Sendable, Hashable {
    package var job: JobID
    package var destination: String

    package init(job: JobID, destination: String) {
        self.job = job
        self.destination = destination
    }
}

/// How something that a sender told stands here.
package enum ArrivalStanding: Sendable, Hashable {
    case event(EventID, isPending: Bool, isUnplannable: Bool, dead: [DeadWork])
    case quarantined(QuarantineID, code: String)
    case ignored
}
