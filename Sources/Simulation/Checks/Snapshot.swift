internal import Journal
internal import JournalSQLite
internal import Model

/// What the journal holds, as anybody may read it.
struct Snapshot: Sendable {
    var events: [EventDetail] = []
    var jobs: [JobDetail] = []
    var kept: [KeptDelivery] = []
    var alerts: [AlertRow] = []
    var issues: [IssueRow] = []
    var pauses: [String: Pause] = [:]
    var pending = 0

    /// Reads all; throws what reading throws.
    init(of journal: SQLiteJournal, now: Instant) async throws {
        for row in try await Self.all({ try await journal.events(EventFilter(), page: $0) }) {
            if let detail = try await journal.event(row.event.id) { events.append(detail) }
        }
        for row in try await Self.all({ try await journal.jobs(JobFilter(), page: $0) }) {
            if let detail = try await journal.job(row.id) { jobs.append(detail) }
        }
        // Listed newest first: now in journal order.
        jobs.reverse()
        kept = try await Self.all { try await journal.keptDeliveries(KeptFilter(), page: $0) }
        alerts = try await Self.all { try await journal.alerts(openOnly: false, page: $0) }
        issues = try await Self.all { try await journal.issues(IssueFilter(), page: $0) }
        pauses = try await journal.pauses()
        pending = try await journal.figures(now: now).pending
    }

    private static func all<Item>(_ page: (PageRequest) async throws -> Page<Item>) async throws -> [Item] {
        var items: [Item] = []
        var request = PageRequest(limit: Limits.pageMax)
        while true {
            let next = try await page(request)
            items += next.items
            guard let cursor = next.next else { return items }
            request.cursor = cursor
        }
    }
}
