import API
import Journal
import Model
import Synchronization

/// A journal of a few rows in memory, which remembers what it was asked to change.
final class FakeJournal: ReadingJournal, OperatingJournal {
    struct State {
        var stories: [String: [SubjectStory]] = [:]
        var story = Story(events: [], decisions: [], jobs: [], attempts: [], records: [], isCut: false)
        var pending: [EventRow] = []
        var jobs: [JobRow] = []
        var attempts: [AttemptRow] = []
        var groups: [DeadGroup] = []
        var kept: [KeptDelivery] = []
        var alerts: [AlertRow] = []
        var issues: [IssueRow] = []
        var silences: [Silence] = []
        var keys: [String: (row: KeyRow, hash: [UInt8])] = [:]
        var users: [String: (row: UserRow, passwordHash: String)] = [:]
        var notes: [AuditRow] = []
        var changes: [String] = []
        var bulkLeft = 0
        var filters: [JobFilter] = []
        /// What those who follow are told; a cursor's event counts them.
        var changesMade: [Change] = []
        var isWritable = true
        var writableChecks = 0
        var figures = JournalFigures(
            pending: 0, openJobs: [:], dead: 0, quarantined: 0, openAlerts: 0, eventsLastHour: 0, completedLastHour: 0,
            deadLastHour: 0, lastEventAt: nil)
    }

    private let state = Mutex(State())
    init() {}
    func with<Value>(_ change: (inout sending State) -> sending Value) -> Value { state.withLock(change) }
    func set(_ change: @Sendable (inout State) -> Void) { state.withLock { change(&$0) } }
    func get<Value: Sendable>(_ read: @Sendable (State) -> Value) -> Value { state.withLock { read($0) } }

    func subjects(matching id: String) async throws -> [SubjectStory] { get { $0.stories[id] ?? [] } }
    func pendingEvents(matching id: String) async throws -> [EventRow] {
        get { $0.pending.filter { $0.event.externalID == id } }
    }
    func story(of root: SubjectID, limit: Int) async throws -> Story { get { $0.story } }
    func events(_ filter: EventFilter, page: PageRequest) async throws -> Page<EventRow> {
        Page(items: get { $0.story.events }, next: nil)
    }
    func event(_ id: EventID) async throws -> EventDetail? { nil }
    func jobs(_ filter: JobFilter, page: PageRequest) async throws -> Page<JobRow> {
        set { $0.filters.append(filter) }
        return Page(items: get { $0.jobs }, next: nil)
    }
    func job(_ id: JobID) async throws -> JobDetail? {
        get { state in
            state.jobs.first { $0.id == id }.map { JobDetail(row: $0, attempts: state.attempts, request: nil) }
        }
    }
    func deadGroups(_ filter: JobFilter) async throws -> [DeadGroup] { get { $0.groups } }
    func keptDeliveries(_ filter: KeptFilter, page: PageRequest) async throws -> Page<KeptDelivery> {
        Page(items: get { $0.kept }, next: nil)
    }
    func keptDelivery(_ id: QuarantineID) async throws -> KeptDelivery? { get { $0.kept.first { $0.id == id } } }
    func alerts(openOnly: Bool, page: PageRequest) async throws -> Page<AlertRow> {
        Page(items: get { $0.alerts }, next: nil)
    }
    func alert(_ id: AlertID) async throws -> AlertRow? { get { $0.alerts.first { $0.id == id } } }
    func issues(_ filter: IssueFilter, page: PageRequest) async throws -> Page<IssueRow> {
        Page(items: get { $0.issues.filter { filter.isOpen == nil || filter.isOpen == $0.isOpen } }, next: nil)
    }
    func issue(_ id: IssueID) async throws -> IssueRow? { get { $0.issues.first { $0.id == id } } }
    func silences(now: Instant) async throws -> [Silence] { get { $0.silences.filter { $0.until > now } } }
    func acknowledge(_ alert: AlertID, by actor: String, now: Instant) async throws {
        try acknowledge(get { $0.alerts.first { $0.id == alert }?.isOpen }, "alert \(alert) by \(actor)")
        set { state in
            for index in state.alerts.indices where state.alerts[index].id == alert {
                state.alerts[index].acknowledged = Acknowledgement(at: now, by: actor)
            }
        }
    }
    func acknowledge(_ issue: IssueID, by actor: String, now: Instant) async throws {
        try acknowledge(get { $0.issues.first { $0.id == issue }?.isOpen }, "issue \(issue) by \(actor)")
    }
    private func acknowledge(_ isOpen: Bool?, _ what: String) throws {
        guard let isOpen else { throw Failure(.notFound, "There is no \(what).") }
        guard isOpen else { throw Failure(.conflict, "It has ended.") }
        set { $0.changes.append("acknowledge \(what)") }
    }
    func silence(_ silence: Silence) async throws { set { $0.silences.append(silence) } }
    func endSilence(of pattern: String, by actor: String, now: Instant) async throws -> Bool {
        state.withLock { state in
            let before = state.silences.count
            state.silences.removeAll { $0.pattern == pattern }
            return state.silences.count < before
        }
    }
    func newestChange(now: Instant) async throws -> ChangeCursor {
        ChangeCursor(event: Int64(get { $0.changesMade.count }), job: 0, endedAt: now)
    }
    func changes(after cursor: ChangeCursor, until: Instant, limit: Int) async throws -> [Change] {
        Array(get { $0.changesMade }.dropFirst(Int(cursor.event)).prefix(limit))
    }
    func figures(now: Instant) async throws -> JournalFigures { get { $0.figures } }

    func bulkPlan(_ action: BulkAction, _ filter: JobFilter) async throws -> BulkPlan {
        set { $0.filters.append(filter) }
        return BulkPlan(
            action: action, count: get { $0.bulkLeft }, byDestination: ["crm": get { $0.bulkLeft }],
            byErrorClass: ["http_500": get { $0.bulkLeft }], unknown: 1, untouched: 0)
    }
    func bulk(_ action: BulkAction, _ filter: JobFilter, limit: Int, by actor: String, now: Instant) async throws
        -> Int
    {
        state.withLock { state in
            let count = min(limit, state.bulkLeft)
            state.bulkLeft -= count
            state.changes.append("\(action.rawValue) \(count) by \(actor)")
            return count
        }
    }
    func change(_ job: JobID, _ action: BulkAction, by actor: String, now: Instant) async throws {
        guard get({ $0.jobs.contains { $0.id == job } }) else { throw Failure(.notFound, "no such job") }
        set { $0.changes.append("\(action.rawValue) \(job) by \(actor)") }
    }
    func setAside(_ deliveries: [QuarantineID], by actor: String, now: Instant) async throws -> Int {
        set { $0.changes.append("set aside \(deliveries.count) by \(actor)") }
        return deliveries.count
    }
    func replay(
        _ event: EventID, repeating: Bool, mint: @escaping @Sendable () -> JobID, by actor: String, now: Instant
    ) async throws -> ReplayPlan { ReplayPlan(event: event, completed: [], open: [], dead: []) }
    func replayPlan(_ event: EventID) async throws -> ReplayPlan {
        ReplayPlan(event: event, completed: [], open: [], dead: [])
    }
    func forget(_ root: SubjectID, by actor: String, now: Instant) async throws -> Erasure {
        set { $0.changes.append("forget \(root)") }
        return Erasure(subject: root, events: 1, facts: 1, jobs: 1, identifiers: 1, kept: 0)
    }
    func insertKey(_ key: KeyRow, hash: [UInt8], by actor: String) async throws {
        set { $0.keys[key.shown] = (key, hash) }
    }
    func key(shown: String) async throws -> (row: KeyRow, hash: [UInt8])? { get { $0.keys[shown] } }
    func keys() async throws -> [KeyRow] { get { $0.keys.values.map(\.row) } }
    func revokeKey(shown: String, by actor: String, now: Instant) async throws -> Bool {
        state.withLock { $0.keys.removeValue(forKey: shown) != nil }
    }
    func putUser(_ user: UserRow, passwordHash: String, by actor: String) async throws {
        set { $0.users[user.email] = (user, passwordHash) }
    }
    func user(email: String) async throws -> (row: UserRow, passwordHash: String)? { get { $0.users[email] } }
    func users() async throws -> [UserRow] { get { $0.users.values.map(\.row) } }
    func removeUser(email: String, by actor: String, now: Instant) async throws -> Bool {
        state.withLock { $0.users.removeValue(forKey: email) != nil }
    }
    func audit(page: PageRequest) async throws -> Page<AuditRow> { Page(items: get { $0.notes }, next: nil) }
    func note(_ entry: AuditRow) async throws { set { $0.notes.append(entry) } }
    func backup(to path: String) async throws { set { $0.changes.append("backup \(path)") } }
    func forgetPlan(_ root: SubjectID) async throws -> Erasure {
        Erasure(subject: root, events: 3, facts: 2, jobs: 4, identifiers: 5, kept: 1)
    }
    func checkWritable() async throws {
        set { $0.writableChecks += 1 }
        guard get({ $0.isWritable }) else { throw Failure(.journal, "The journal's disk is full.") }
    }
}

/// Takes everything in and remembers how much.
final class FakeReceiving: Receiving {
    let bodies = Mutex<[[UInt8]]>([])
    let answer: ReceiptAnswer
    let refusals: [RefusedDelivery]

    init(_ answer: ReceiptAnswer, refusals: [RefusedDelivery] = []) {
        self.answer = answer
        self.refusals = refusals
    }
    func receive(source: String, headers: [(name: String, value: String)], body: [UInt8]) async -> ReceiptAnswer {
        bodies.withLock { $0.append(body) }
        return answer
    }
    func receiveEvents(source: String?, contentType: String?, body: [UInt8], boundSource: String?) async
        -> ReceiptAnswer
    {
        bodies.withLock { $0.append(body) }
        return answer
    }
    func replay(_ kept: KeptDelivery) async -> ReceiptAnswer { answer }
    func recentRefusals() -> [RefusedDelivery] { refusals }
}

final class FakeDestinations: DestinationControl {
    let calls = Mutex<[String]>([])
    let result: ResumeResult
    let statuses: [DestinationStatus]

    init(result: ResumeResult = .resumed, statuses: [DestinationStatus] = []) {
        self.result = result
        self.statuses = statuses
    }
    func health() async -> [DestinationStatus] { statuses }
    func pause(_ destination: String, reason: String) async throws {
        calls.withLock { $0.append("pause \(destination)") }
    }
    func resume(_ destination: String, isForced: Bool) async throws -> ResumeResult {
        calls.withLock { $0.append("resume \(destination) \(isForced)") }
        return isForced ? .resumed : result
    }
}
