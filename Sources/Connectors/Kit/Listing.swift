package import Journal
package import Model

/// A stretch of time of which a provider is asked.
package struct ListWindow: Sendable, Hashable {
    package var since: Instant
    package var until: Instant

    package init(since: Instant, until: Instant) {
        self.since = since
        self.until = until
    }
}

/// One page of a provider's list.
package struct ToldPage<Item: Sendable>: Sendable {
    package var items: [Item]
    /// What the next page is asked with; nil: this was the last one.
    package var next: String?

    package init(items: [Item], next: String?) {
        self.items = items
        self.next = next
    }
}

/// Something of which a provider says that it happened.
package struct ToldEvent: Sendable, Hashable {
    package var id: String
    package var type: String
    package var at: Instant
    /// As a delivery would have brought it.
    package var payload: [UInt8]
    /// What it is about (`payment:pi_1`), as `ToldObject` names it.
    package var object: String?

    package init(id: String, type: String, at: Instant, payload: [UInt8], object: String?) {
        self.id = id
        self.type = type
        self.at = at
        self.payload = payload
        self.object = object
    }
}

/// Something as it stands at a provider now.
package struct ToldObject: Sendable, Hashable {
    package enum Trace: Sendable, Hashable {
        /// The fact that must be known of it.
        case fact(String)
        /// The status that must be the newest known one.
        case status(String)
    }

    package var id: String
    /// `payment:pi_1`, `subscription:sub_1`.
    package var object: String
    package var at: Instant
    package var trace: Trace

    package init(id: String, object: String, at: Instant, trace: Trace) {
        self.id = id
        self.object = object
        self.at = at
        self.trace = trace
    }
}

/// A source's provider as far as it can be asked what has happened.
///
/// It only reads. A page is asked for at a time, and every trouble comes as the verdict of a `Setback`.
package protocol HistoryProvider: Sendable {
    /// How far back its list of events goes.
    var reach: Duration { get }
    /// The least time between two of its pages.
    var pace: Duration { get }
    func events(in window: ListWindow, after: String?) async throws(Setback) -> ToldPage<ToldEvent>
    /// Kinds of objects that are compared (`payment_intents`).
    var objectKinds: [String] { get }
    func objects(_ kind: String, in window: ListWindow, after: String?) async throws(Setback) -> ToldPage<ToldObject>
    /// An event or object by its id, as the payload that is to be taken in for it; nil where there is none any more.
    func payload(of id: String, now: Instant) async throws(Setback) -> [UInt8]?
}

/// A record that must be at a destination.
package struct WantedRecord: Sendable, Hashable {
    package var job: JobID
    package var action: String
    package var effect: EffectKey
    /// What the job made.
    package var record: ExternalRecord
    /// All records of that kind that the whole subject has there.
    package var siblings: [String]
    /// Addresses by which the subject is known.
    package var emails: [String]
    package var state: SubjectState

    package init(
        job: JobID, action: String, effect: EffectKey, record: ExternalRecord, siblings: [String], emails: [String],
        state: SubjectState
    ) {
        self.job = job
        self.action = action
        self.effect = effect
        self.record = record
        self.siblings = siblings
        self.emails = emails
        self.state = state
    }
}

/// What is at a destination for a wanted record.
package struct FoundRecord: Sendable, Hashable {
    /// The record's id, and those of its doubles behind it: the first is the one to keep.
    package var ids: [String]
    /// Fields of ours that stand otherwise there.
    package var differing: [String]

    package init(ids: [String], differing: [String] = []) {
        self.ids = ids
        self.differing = differing
    }
}

/// A destination's provider as far as it can be asked for the records that were made there.
package protocol RecordProvider: Sendable {
    /// The actions whose records can be found again.
    var comparedActions: Set<String> { get }
    /// A look at records made since then.
    func survey(since: Instant) -> any RecordSurvey
    /// Joins doubles into the one that is kept.
    func fold(_ doubles: [String], into kept: String) async throws(Setback)
}

/// One look around at a destination; it may keep what it has read for the next question.
package protocol RecordSurvey: Sendable {
    /// What is there, by job; a job that is missing in the answer has nothing there.
    mutating func find(_ wanted: [WantedRecord]) async throws(Setback) -> [JobID: FoundRecord]
    /// A bound was met: what was not found may be there all the same.
    var isCut: Bool { get }
}
