package import Model

/// One comparison of what a provider says with what the journal says, over a stretch of time.
package struct Reconciliation: Sendable, Hashable {
    package enum Side: String, Sendable, Hashable, CaseIterable { case source, destination }
    package enum State: String, Sendable, Hashable, CaseIterable { case running, completed, failed }

    /// A part of what was compared, with its own match rate (`payment_intent.succeeded`, a flow's id).
    package struct Sample: Sendable, Hashable {
        package var name: String
        package var judged: Int
        package var matched: Int

        package init(name: String, judged: Int, matched: Int) {
            self.name = name
            self.judged = judged
            self.matched = matched
        }

        package var rate: Double? { judged == 0 ? nil : Double(matched) / Double(judged) }
    }

    package var id: ReconciliationID
    /// The source or destination by its name.
    package var place: String
    package var side: Side
    package var since: Instant
    package var until: Instant
    package var startedAt: Instant
    package var startedBy: String
    package var state: State
    package var endedAt: Instant?
    /// Why it failed.
    package var reason: String?
    package var samples: [Sample]
    package var differences: Int
    package var repaired: Int
    /// A bound was met: there may be more than what is told.
    package var isCut: Bool

    package init(
        id: ReconciliationID, place: String, side: Side, since: Instant, until: Instant, startedAt: Instant,
        startedBy: String, state: State = .running, endedAt: Instant? = nil, reason: String? = nil,
        samples: [Sample] = [], differences: Int = 0, repaired: Int = 0, isCut: Bool = false
    ) {
        self.id = id
        self.place = place
        self.side = side
        self.since = since
        self.until = until
        self.startedAt = startedAt
        self.startedBy = startedBy
        self.state = state
        self.endedAt = endedAt
        self.reason = reason
        self.samples = samples
        self.differences = differences
        self.repaired = repaired
        self.isCut = isCut
    }

    package var judged: Int { samples.reduce(0) { $0 + $1.judged } }
    package var matched: Int { samples.reduce(0) { $0 + $1.matched } }
    /// Nil where nothing was there to be judged.
    package var rate: Double? { judged == 0 ? nil : Double(matched) / Double(judged) }
}

/// One thing on which a provider and the journal do not agree.
///
/// It names ids and fields, never a person's words.
package struct Difference: Sendable, Hashable {
    package enum Cause: String, Sendable, Hashable, CaseIterable {
        /// The provider says that it happened, and nothing of it is here.
        case neverArrived = "never_arrived"
        /// It is here, and its work ended dead.
        case dead = "arrived_and_dead"
        /// It is here, and no work was ever planned for it although a flow asks for it.
        case neverPlanned = "never_planned"
        /// It was done, and stands otherwise there now, or is gone.
        case changed = "changed_at_destination"
        /// It is there twice.
        case double = "double_at_destination"
    }

    /// What was done about it.
    package struct Repair: Sendable, Hashable {
        package enum Outcome: String, Sendable, Hashable, CaseIterable { case done, failed }
        package var outcome: Outcome
        package var at: Instant
        package var by: String
        package var note: String?

        package init(outcome: Outcome, at: Instant, by: String, note: String? = nil) {
            self.outcome = outcome
            self.at = at
            self.by = by
            self.note = note
        }
    }

    /// Its place within the run, from 1.
    package var number: Int
    package var cause: Cause
    package var sample: String
    /// What it is called on the other side (`evt_…`, `pi_…`, a record's id), else the event's id.
    package var key: String
    package var event: EventID?
    package var quarantine: QuarantineID?
    package var job: JobID?
    /// Records at the destination that it is about; of a double the one to keep is the first.
    package var records: [String]
    package var at: Instant
    package var detail: String
    package var repair: Repair?

    package init(
        number: Int, cause: Cause, sample: String, key: String, event: EventID? = nil, quarantine: QuarantineID? = nil,
        job: JobID? = nil, records: [String] = [], at: Instant, detail: String, repair: Repair? = nil
    ) {
        self.number = number
        self.cause = cause
        self.sample = sample
        self.key = key
        self.event = event
        self.quarantine = quarantine
        self.job = job
        self.records = records
        self.at = at
        self.detail = detail
        self.repair = repair
    }
}

package struct DifferenceFilter: Sendable, Hashable {
    package var causes: Set<Difference.Cause>
    /// Only those that nothing was done about.
    package var isOpen: Bool

    package init(causes: Set<Difference.Cause> = [], isOpen: Bool = false) {
        self.causes = causes
        self.isOpen = isOpen
    }
}
