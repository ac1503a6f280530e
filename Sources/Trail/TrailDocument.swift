package import Journal
package import Model

/// The story of one id: who it belongs to, and all that happened, in time order.
package struct TrailDocument: Sendable, Hashable {
    package var query: String
    /// More than one where the id fits several; their items are told apart by `TrailItem.subject`.
    package var subjects: [TrailSubject]
    package var items: [TrailItem]
    /// Whether older or newer items were left out at `Limits.trailItemsMax`.
    package var isCut: Bool

    package init(query: String, subjects: [TrailSubject], items: [TrailItem], isCut: Bool = false) {
        self.query = query
        self.subjects = subjects
        self.items = items
        self.isCut = isCut
    }
}

/// One subject that answers to the id.
package struct TrailSubject: Sendable, Hashable {
    package var id: SubjectID
    package var identifiers: [SubjectIdentifier]

    package init(id: SubjectID, identifiers: [SubjectIdentifier]) {
        self.id = id
        self.identifiers = identifiers
    }
}

/// One line of a trail.
package struct TrailItem: Sendable, Hashable {
    /// In the order in which things of one moment stand: what was said, what was decided, what was done about it.
    package enum Kind: String, Sendable, Hashable, CaseIterable { case event, decision, job, attempt, record }

    package var at: Instant
    package var kind: Kind
    /// Ours for events and jobs, `tjb_…#2` for attempts, the destination's for records.
    package var id: String
    package var type: String
    package var source: String?
    package var destination: String?
    package var state: String?
    package var durationMilliseconds: Int64?
    package var detail: String?
    /// The job to which a decision, an attempt or a record belongs.
    package var job: JobID?
    /// Nil while the event waits for planning.
    package var subject: SubjectID?

    package init(
        at: Instant, kind: Kind, id: String, type: String, source: String? = nil, destination: String? = nil,
        state: String? = nil, durationMilliseconds: Int64? = nil, detail: String? = nil, job: JobID? = nil,
        subject: SubjectID? = nil
    ) {
        self.at = at
        self.kind = kind
        self.id = id
        self.type = type
        self.source = source
        self.destination = destination
        self.state = state
        self.durationMilliseconds = durationMilliseconds
        self.detail = detail
        self.job = job
        self.subject = subject
    }
}

extension TrailDocument {
    /// As the API and the command line print it.
    ///
    /// Every member is always there, `null` where it does not apply.
    package var json: JSONObject {
        [
            "query": .string(query),
            "subjects": .array(subjects.map { .object($0.json) }),
            "items": .array(items.map { .object($0.json) }),
            "is_cut": .bool(isCut),
        ]
    }
}

extension TrailSubject {
    package var json: JSONObject {
        [
            "id": .string(id.description),
            "identifiers": .array(
                identifiers.map {
                    ["kind": .string($0.kind.name), "value": .string($0.value), "basis": .string($0.basis.rawValue)]
                }),
        ]
    }
}

extension TrailItem {
    package var json: JSONObject {
        func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
        return [
            "at": .string(at.description),
            "kind": .string(kind.rawValue),
            "id": .string(id),
            "type": .string(type),
            "source": text(source),
            "destination": text(destination),
            "state": text(state),
            "duration_ms": durationMilliseconds.map { .int($0) } ?? .null,
            "detail": text(detail),
            "job": text(job?.description),
            "subject": text(subject?.description),
        ]
    }
}
