internal import GRDB
package import Journal
package import Model

extension SQLiteJournal {
    package func subjects(matching id: String) async throws -> [SubjectStory] {
        try await reader.read { try Searching.subjects(matching: id, $0) }
    }

    package func pendingEvents(matching id: String) async throws -> [EventRow] {
        try await reader.read { try Searching.pendingEvents(matching: id, $0) }
    }

    package func story(of root: SubjectID, limit: Int) async throws -> Story {
        try await reader.read { try Stories.story(of: Subjects.root(of: root, $0), limit: max(1, limit), $0) }
    }

    package func events(_ filter: EventFilter, page: PageRequest) async throws -> Page<EventRow> {
        try await reader.read { try Listing.events(filter, page, $0) }
    }

    package func event(_ id: EventID) async throws -> EventDetail? {
        try await reader.read { try Stories.event(id, $0) }
    }

    package func jobs(_ filter: JobFilter, page: PageRequest) async throws -> Page<JobRow> {
        try await reader.read { try Listing.jobs(filter, page, $0) }
    }

    package func job(_ id: JobID) async throws -> JobDetail? {
        try await reader.read { try Stories.job(id, $0) }
    }

    package func deadGroups(_ filter: JobFilter) async throws -> [DeadGroup] {
        try await reader.read { try Listing.deadGroups(filter, $0) }
    }

    package func keptDeliveries(_ filter: KeptFilter, page: PageRequest) async throws -> Page<KeptDelivery> {
        try await reader.read { try Listing.keptDeliveries(filter, page, $0) }
    }

    package func keptDelivery(_ id: QuarantineID) async throws -> KeptDelivery? {
        try await reader.read { try Listing.keptDelivery(id, $0) }
    }

    package func alerts(openOnly: Bool, page: PageRequest) async throws -> Page<AlertRow> {
        try await reader.read { try Alerts.list(openOnly: openOnly, page, $0) }
    }

    package func alert(_ id: AlertID) async throws -> AlertRow? { try await reader.read { try Alerts.find(id, $0) } }

    package func issues(_ filter: IssueFilter, page: PageRequest) async throws -> Page<IssueRow> {
        try await reader.read { try Issues.list(filter, page, $0) }
    }

    package func issue(_ id: IssueID) async throws -> IssueRow? { try await reader.read { try Issues.find(id, $0) } }

    package func silences(now: Instant) async throws -> [Silence] {
        try await reader.read { try Silences.inForce(at: now, $0) }
    }

    package func figures(now: Instant) async throws -> JournalFigures {
        try await reader.read { try Figures.figures(at: now, $0) }
    }
}
