package import Model

/// What the journal holds of one person, for them and for who must answer to them.
package protocol SubjectJournal: Sendable {
    /// The installation's secret of that name: `fresh` where there was none, else what stands, on all nodes alike.
    func installationSecret(_ name: String, fresh: [UInt8]) async throws -> [UInt8]
    /// How an event stands, with the jobs that it planned or found planned; nil where it is not here.
    func standing(of event: EventID) async throws -> EventStanding?
    /// What was told in that session, and in other sessions that proven ids tie to it; the newest first, bounded.
    func told(in session: String) async throws -> [EventRow]
    /// What hangs on the whole subject besides its events.
    func holding(of root: SubjectID) async throws -> SubjectHolding
    /// What was received before that time, each counted up to `limit`.
    func aged(before time: Instant, countingTo limit: Int) async throws -> AgedCounts
}

package struct EventStanding: Sendable {
    package var row: EventRow
    package var isUnplannable: Bool
    package var jobs: [JobRow]

    package init(row: EventRow, isUnplannable: Bool, jobs: [JobRow]) {
        self.row = row
        self.isUnplannable = isUnplannable
        self.jobs = jobs
    }
}

package struct SubjectHolding: Sendable {
    package var identifiers: [SubjectIdentifier]
    package var joins: [SubjectJoin]
    package var state: SubjectState
    package var facts: [Fact]
    package var records: [LinkedRecord]

    package init(
        identifiers: [SubjectIdentifier], joins: [SubjectJoin], state: SubjectState, facts: [Fact],
        records: [LinkedRecord]
    ) {
        self.identifiers = identifiers
        self.joins = joins
        self.state = state
        self.facts = facts
        self.records = records
    }
}

package struct AgedCounts: Sendable, Hashable {
    package var payloads: Int
    package var kept: Int
    package var events: Int
    /// When the oldest event was received.
    package var oldest: Instant?

    package init(payloads: Int, kept: Int, events: Int, oldest: Instant?) {
        self.payloads = payloads
        self.kept = kept
        self.events = events
        self.oldest = oldest
    }
}
