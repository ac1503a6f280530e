package import Model

/// Commit 1 of the street: what was received is kept before anyone is told so.
package protocol IntakeJournal: Sendable {
    /// Appends a batch in one durable transaction and says, in the same order, what became of each.
    ///
    /// Returns only after the commit is on disk. A duplicate of an event in the same batch is told as a duplicate of
    /// it. When the batch fails, each arrival is tried in a transaction of its own, so that one bad row refuses itself
    /// alone (`.refused`). Throws, with nothing acknowledged, when the journal cannot be written at all.
    func append(_ batch: [Arrival]) async throws -> [Appended]
}

/// What intake hands over for keeping.
package enum Arrival: Sendable {
    /// `replayed` names the quarantined delivery that this event comes out of; it is marked as replayed in the same
    /// transaction.
    case event(Event, payload: [UInt8], replayed: QuarantineID? = nil)
    case kept(KeptDelivery)
}

/// What became of an arrival.
package enum Appended: Sendable, Equatable {
    case accepted(EventID)
    case duplicate(EventID)
    /// In quarantine or among the ignored; the id is the earlier one where it was kept before.
    case kept(QuarantineID)
    /// This arrival alone could not be written.
    case refused(reason: String)
}

/// An authentic delivery that did not become an event, with the reason.
package struct KeptDelivery: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// It should have become an event and could not.
        case quarantined
        /// It is of no interest to us.
        case ignored
        /// It is an event that planning could not take (the process ended in it twice, or an error).
        case unplannable
    }

    package var id: QuarantineID
    package var kind: Kind
    package var source: String
    /// The sender's id, else `sha256:` and the hex digest of the body: unique within source and kind.
    package var externalID: String
    package var externalType: String?
    /// A stable word (`invalid_json`, `missing_id`, `invalid_field`, `unknown_type`, `unmapped`, …).
    package var code: String
    /// What is wrong and what to do, for the operator.
    ///
    /// Holds no personal data.
    package var reason: String
    package var field: String?
    package var receivedAt: Instant
    package var payload: [UInt8]
    /// When it was turned into an event after all, and which.
    package var replayedAs: EventID?
    /// For `unplannable`: the event.
    package var event: EventID?

    package init(
        id: QuarantineID, kind: Kind, source: String, externalID: String, externalType: String? = nil, code: String,
        reason: String, field: String? = nil, receivedAt: Instant, payload: [UInt8], replayedAs: EventID? = nil,
        event: EventID? = nil
    ) {
        self.id = id
        self.kind = kind
        self.source = source
        self.externalID = externalID
        self.externalType = externalType
        self.code = code
        self.reason = reason
        self.field = field
        self.receivedAt = receivedAt
        self.payload = payload
        self.replayedAs = replayedAs
        self.event = event
    }
}
