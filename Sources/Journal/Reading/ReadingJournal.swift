package import Model

/// What is read along the street.
///
/// Each call sees one consistent moment and holds no reading open after it.
package protocol ReadingJournal: Sendable {
    /// Subjects that answer to `id`: any identifier, record, event (ours or the sender's id), job or subject id.
    /// `kind:value` narrows it (`email:ada@example.com`, `crm:512` for a record at destination `crm`). Oldest first.
    func subjects(matching id: String) async throws -> [SubjectStory]
    /// Events without a subject yet (still pending) that answer to `id`.
    func pendingEvents(matching id: String) async throws -> [EventRow]
    /// The story of one whole subject (its root and all joined to it), in time order, at most `limit` items a kind.
    func story(of root: SubjectID, limit: Int) async throws -> Story

    func events(_ filter: EventFilter, page: PageRequest) async throws -> Page<EventRow>
    func event(_ id: EventID) async throws -> EventDetail?
    func jobs(_ filter: JobFilter, page: PageRequest) async throws -> Page<JobRow>
    func job(_ id: JobID) async throws -> JobDetail?
    /// Dead jobs by cause (destination, action, error class), the largest group first.
    func deadGroups(_ filter: JobFilter) async throws -> [DeadGroup]
    func keptDeliveries(_ filter: KeptFilter, page: PageRequest) async throws -> Page<KeptDelivery>
    func keptDelivery(_ id: QuarantineID) async throws -> KeptDelivery?
    func alerts(openOnly: Bool, page: PageRequest) async throws -> Page<AlertRow>
    func alert(_ id: AlertID) async throws -> AlertRow?
    /// The newest first.
    func issues(_ filter: IssueFilter, page: PageRequest) async throws -> Page<IssueRow>
    func issue(_ id: IssueID) async throws -> IssueRow?
    /// Those that are in force now, by pattern.
    func silences(now: Instant) async throws -> [Silence]
    /// The cursor of this moment: what is read after it came later than now.
    func newestChange(now: Instant) async throws -> ChangeCursor
    /// Events, jobs written and jobs ended since the cursor, the oldest first, at most `limit`.
    ///
    /// Ends later than `until` are left for the next call: a little time behind the clock keeps an end that is written
    /// late from being missed.
    func changes(after cursor: ChangeCursor, until: Instant, limit: Int) async throws -> [Change]
    /// Figures for the console's first page and `/metrics`; bounded work however large the journal is.
    func figures(now: Instant) async throws -> JournalFigures
}

/// `cursor` is what the page before gave as `next`.
package struct PageRequest: Sendable, Hashable {
    package var limit: Int
    package var cursor: String?

    package init(limit: Int = Limits.pageDefault, cursor: String? = nil) {
        self.limit = min(max(limit, 1), Limits.pageMax)
        self.cursor = cursor
    }
}

package struct Page<Item: Sendable>: Sendable {
    package var items: [Item]
    package var next: String?

    package init(items: [Item], next: String?) {
        self.items = items
        self.next = next
    }
}

package struct EventFilter: Sendable, Hashable {
    package var source: String?
    package var type: EventType?
    package var since: Instant?
    package var until: Instant?
    /// Only those after this one in journal order, oldest first: how `tail` goes on.
    package var after: EventID?
    /// Only those of the whole subject with this root.
    package var subject: SubjectID?

    package init(
        source: String? = nil, type: EventType? = nil, since: Instant? = nil, until: Instant? = nil,
        after: EventID? = nil, subject: SubjectID? = nil
    ) {
        self.source = source
        self.type = type
        self.since = since
        self.until = until
        self.after = after
        self.subject = subject
    }
}

package struct JobFilter: Sendable, Hashable {
    package var states: Set<JobState>
    package var destination: String?
    package var flow: String?
    package var errorClass: String?
    package var since: Instant?
    package var until: Instant?

    package init(
        states: Set<JobState> = [], destination: String? = nil, flow: String? = nil, errorClass: String? = nil,
        since: Instant? = nil, until: Instant? = nil
    ) {
        self.states = states
        self.destination = destination
        self.flow = flow
        self.errorClass = errorClass
        self.since = since
        self.until = until
    }
}

package struct KeptFilter: Sendable, Hashable {
    /// Ignored ones are read again, or set aside, only where they are asked for by name.
    package static let needingMend: Set<KeptDelivery.Kind> = [.quarantined, .unplannable]

    package var kinds: Set<KeptDelivery.Kind>
    package var source: String?
    /// As its sender calls it.
    package var externalType: String?
    package var code: String?
    package var since: Instant?
    package var until: Instant?
    package var isReplayed: Bool?
    /// Only those that are this event, or became it.
    package var event: EventID?

    package init(
        kinds: Set<KeptDelivery.Kind> = [], source: String? = nil, externalType: String? = nil, code: String? = nil,
        since: Instant? = nil, until: Instant? = nil, isReplayed: Bool? = nil, event: EventID? = nil
    ) {
        self.kinds = kinds
        self.source = source
        self.externalType = externalType
        self.code = code
        self.since = since
        self.until = until
        self.isReplayed = isReplayed
        self.event = event
    }
}

package struct EventRow: Sendable, Hashable {
    package var event: Event
    package var subject: SubjectID?
    package var isPending: Bool

    package init(event: Event, subject: SubjectID?, isPending: Bool) {
        self.event = event
        self.subject = subject
        self.isPending = isPending
    }
}

package struct EventDetail: Sendable {
    package var row: EventRow
    /// Nil where retention or erasure has removed it.
    package var payload: [UInt8]?
    package var facts: [Fact]
    package var decisions: [Decision]
    package var jobs: [JobRow]

    package init(row: EventRow, payload: [UInt8]?, facts: [Fact], decisions: [Decision], jobs: [JobRow]) {
        self.row = row
        self.payload = payload
        self.facts = facts
        self.decisions = decisions
        self.jobs = jobs
    }
}

package struct JobRow: Sendable, Hashable {
    package var id: JobID
    package var effect: EffectKey
    package var flow: String
    package var destination: String
    /// `upsert_contact`, with `#alias` where there is one.
    package var action: String
    package var state: JobState
    package var event: EventID
    package var fact: String?
    package var subject: SubjectID
    package var attempts: Int
    package var createdAt: Instant
    /// When it may run next, where it waits for a time.
    package var dueAt: Instant?
    package var endedAt: Instant?
    package var waitsFor: WaitCause?
    package var errorClass: String?
    package var error: String?
    package var record: ExternalRecord?
    /// Why it ended without a call of its own ("superseded by tjb_…", "cancelled by ada@example.com").
    package var note: String?
    package var isUnknown: Bool

    package init(
        id: JobID, effect: EffectKey, flow: String, destination: String, action: String, state: JobState,
        event: EventID, fact: String?, subject: SubjectID, attempts: Int, createdAt: Instant, dueAt: Instant? = nil,
        endedAt: Instant? = nil, waitsFor: WaitCause? = nil, errorClass: String? = nil, error: String? = nil,
        record: ExternalRecord? = nil, note: String? = nil, isUnknown: Bool = false
    ) {
        self.id = id
        self.effect = effect
        self.flow = flow
        self.destination = destination
        self.action = action
        self.state = state
        self.event = event
        self.fact = fact
        self.subject = subject
        self.attempts = attempts
        self.createdAt = createdAt
        self.dueAt = dueAt
        self.endedAt = endedAt
        self.waitsFor = waitsFor
        self.errorClass = errorClass
        self.error = error
        self.record = record
        self.note = note
        self.isUnknown = isUnknown
    }
}

package struct AttemptRow: Sendable, Hashable {
    package var job: JobID
    package var token: Int64
    package var startedAt: Instant
    /// Nil: it runs, or nobody knows how it ended.
    package var end: AttemptEnd?

    package init(job: JobID, token: Int64, startedAt: Instant, end: AttemptEnd?) {
        self.job = job
        self.token = token
        self.startedAt = startedAt
        self.end = end
    }
}

package struct JobDetail: Sendable {
    package var row: JobRow
    package var attempts: [AttemptRow]
    package var request: StoredRequest?

    package init(row: JobRow, attempts: [AttemptRow], request: StoredRequest?) {
        self.row = row
        self.attempts = attempts
        self.request = request
    }
}

package struct DeadGroup: Sendable, Hashable {
    /// So many dead jobs are grouped at most, the newest of those that are asked for: a page must not take as long as
    /// there has been trouble.
    package static let jobsMax = 10_000

    package var destination: String
    package var action: String
    package var errorClass: String
    /// The newest error of the group, in the destination's words.
    package var error: String
    package var count: Int
    package var first: Instant
    package var last: Instant

    package init(
        destination: String, action: String, errorClass: String, error: String, count: Int, first: Instant,
        last: Instant
    ) {
        self.destination = destination
        self.action = action
        self.errorClass = errorClass
        self.error = error
        self.count = count
        self.first = first
        self.last = last
    }
}

/// One subject of a search, with what it is known by.
package struct SubjectStory: Sendable, Hashable {
    package var root: SubjectID
    package var identifiers: [SubjectIdentifier]
    package var records: [LinkedRecord]

    package init(root: SubjectID, identifiers: [SubjectIdentifier], records: [LinkedRecord]) {
        self.root = root
        self.identifiers = identifiers
        self.records = records
    }
}

package struct LinkedRecord: Sendable, Hashable {
    package var destination: String
    package var record: ExternalRecord
    package var job: JobID
    package var at: Instant

    package init(destination: String, record: ExternalRecord, job: JobID, at: Instant) {
        self.destination = destination
        self.record = record
        self.job = job
        self.at = at
    }
}

/// Everything of a subject, each list in time order.
package struct Story: Sendable {
    package var events: [EventRow]
    package var decisions: [Decision]
    package var jobs: [JobRow]
    package var attempts: [AttemptRow]
    package var records: [LinkedRecord]
    /// Whether any list was cut at the limit.
    package var isCut: Bool

    package init(
        events: [EventRow], decisions: [Decision], jobs: [JobRow], attempts: [AttemptRow], records: [LinkedRecord],
        isCut: Bool
    ) {
        self.events = events
        self.decisions = decisions
        self.jobs = jobs
        self.attempts = attempts
        self.records = records
        self.isCut = isCut
    }
}

package struct JournalFigures: Sendable {
    package var pending: Int
    /// Open jobs by destination and state; counts over `Limits.pageMax * 20` are cut there.
    package var openJobs: [String: [JobState: Int]]
    package var dead: Int
    package var quarantined: Int
    package var openAlerts: Int
    /// Since the start of the last hour's window.
    package var eventsLastHour: Int
    package var completedLastHour: Int
    package var deadLastHour: Int
    package var lastEventAt: Instant?
    /// When the oldest event came that waits for planning; one that is replayed counts from its first arrival.
    package var oldestPendingAt: Instant?

    package init(
        pending: Int, openJobs: [String: [JobState: Int]], dead: Int, quarantined: Int, openAlerts: Int,
        eventsLastHour: Int, completedLastHour: Int, deadLastHour: Int, lastEventAt: Instant?,
        oldestPendingAt: Instant? = nil
    ) {
        self.pending = pending
        self.openJobs = openJobs
        self.dead = dead
        self.quarantined = quarantined
        self.openAlerts = openAlerts
        self.eventsLastHour = eventsLastHour
        self.completedLastHour = completedLastHour
        self.deadLastHour = deadLastHour
        self.lastEventAt = lastEventAt
        self.oldestPendingAt = oldestPendingAt
    }
}
