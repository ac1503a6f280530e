package import Journal
package import Model

extension PostgresJournal {
    package func subjects(matching id: String) async throws -> [SubjectStory] {
        try await reading { try Searching.subjects(matching: id, $0) }
    }

    package func pendingEvents(matching id: String) async throws -> [EventRow] {
        try await reading { try Searching.pendingEvents(matching: id, $0) }
    }

    package func story(of root: SubjectID, limit: Int) async throws -> Story {
        try await reading { try Stories.story(of: Subjects.root(of: root, $0), limit: max(1, limit), $0) }
    }

    package func events(_ filter: EventFilter, page: PageRequest) async throws -> Page<EventRow> {
        try await reading { try Listing.events(filter, page, $0) }
    }

    package func event(_ id: EventID) async throws -> EventDetail? {
        try await reading { try Stories.event(id, $0) }
    }

    package func jobs(_ filter: JobFilter, page: PageRequest) async throws -> Page<JobRow> {
        try await reading { try Listing.jobs(filter, page, $0) }
    }

    package func job(_ id: JobID) async throws -> JobDetail? {
        try await reading { try Stories.job(id, $0) }
    }

    package func deadGroups(_ filter: JobFilter) async throws -> [DeadGroup] {
        try await reading { try Listing.deadGroups(filter, $0) }
    }

    package func keptDeliveries(_ filter: KeptFilter, page: PageRequest) async throws -> Page<KeptDelivery> {
        try await reading { try Listing.keptDeliveries(filter, page, $0) }
    }

    package func keptDelivery(_ id: QuarantineID) async throws -> KeptDelivery? {
        try await reading { try Listing.keptDelivery(id, $0) }
    }

    package func alerts(openOnly: Bool, page: PageRequest) async throws -> Page<AlertRow> {
        try await reading { try Alerts.list(openOnly: openOnly, page, $0) }
    }

    package func alert(_ id: AlertID) async throws -> AlertRow? { try await reading { try Alerts.find(id, $0) } }

    package func issues(_ filter: IssueFilter, page: PageRequest) async throws -> Page<IssueRow> {
        try await reading { try Issues.list(filter, page, $0) }
    }

    package func issue(_ id: IssueID) async throws -> IssueRow? { try await reading { try Issues.find(id, $0) } }

    package func silences(now: Instant) async throws -> [Silence] {
        try await reading { try Silences.inForce(at: now, $0) }
    }

    package func figures(now: Instant) async throws -> JournalFigures {
        try await reading { try Figures.figures(at: now, $0) }
    }
}
