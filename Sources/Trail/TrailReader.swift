package import Journal
internal import Model

/// Reads the trail of any id out of the journal; changes nothing.
package struct TrailReader: Sendable {
    private let journal: any ReadingJournal

    package init(journal: any ReadingJournal) { self.journal = journal }

    /// The trail of an identifier, a record, an event, a job or a subject; nil where nothing answers to it.
    ///
    /// A bare id is matched over everything; `email:ada@example.com` and `crm:512` narrow it. Where several subjects
    /// answer, all are told, at most `subjectsMax` of them.
    package func trail(of id: String) async throws -> TrailDocument? {
        let found = try await journal.subjects(matching: id)
        let pending = try await journal.pendingEvents(matching: id)
        guard !found.isEmpty || !pending.isEmpty else { return nil }
        var items = pending.prefix(Limits.trailItemsMax).map { TrailItem(event: $0, subject: nil) }
        var isCut = found.count > Self.subjectsMax
        for subject in found.prefix(Self.subjectsMax) {
            let story = try await journal.story(of: subject.root, limit: Limits.trailItemsMax)
            items += Self.items(of: story, subject: subject.root)
            isCut = isCut || story.isCut
        }
        items = Self.ordered(items)
        if items.count > Limits.trailItemsMax {
            // What happened last is what somebody asks about.
            items = Array(items.suffix(Limits.trailItemsMax))
            isCut = true
        }
        return TrailDocument(
            query: id,
            subjects: found.prefix(Self.subjectsMax).map { TrailSubject(id: $0.root, identifiers: $0.identifiers) },
            items: items, isCut: isCut)
    }

    static let subjectsMax = 20

    /// By time; within one moment event, decision, job, attempt, record; within those as the journal told them.
    static func ordered(_ items: [TrailItem]) -> [TrailItem] {
        let ranks = Dictionary(uniqueKeysWithValues: TrailItem.Kind.allCases.enumerated().map { ($1, $0) })
        return items.enumerated().sorted { lhs, rhs in
            (lhs.element.at.milliseconds, ranks[lhs.element.kind] ?? 0, lhs.offset)
                < (rhs.element.at.milliseconds, ranks[rhs.element.kind] ?? 0, rhs.offset)
        }.map(\.element)
    }

    static func items(of story: Story, subject: SubjectID) -> [TrailItem] {
        let jobs = Dictionary(story.jobs.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        var numbers: [JobID: Int] = [:]
        var items = story.events.map { TrailItem(event: $0, subject: subject) }
        items += story.decisions.map { TrailItem(decision: $0, subject: subject) }
        items += story.jobs.map { TrailItem(job: $0, subject: subject) }
        for attempt in story.attempts {
            numbers[attempt.job, default: 0] += 1
            items.append(
                TrailItem(
                    attempt: attempt, number: numbers[attempt.job, default: 1], of: jobs[attempt.job],
                    subject: subject))
        }
        return items + story.records.map { TrailItem(record: $0, subject: subject) }
    }
}
