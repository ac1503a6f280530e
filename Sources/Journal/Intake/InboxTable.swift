package import Model

/// One row of the inbox in the product's own database.
package struct InboxRow: Sendable, Hashable {
    /// The row's place in the inbox.
    ///
    /// Rows become visible as their transactions commit, so a later place may be seen before an earlier one.
    package var position: Int64
    /// Whose signed delivery the payload is; nil: it is an event in our own form, believed because of the database role
    /// that wrote it.
    package var source: String?
    /// The headers that carry a delivery's signature.
    package var headers: [Header]
    package var payload: [UInt8]
    /// It is larger than `Limits.deliverySizeMax`, and `payload` is only its beginning.
    package var isCut: Bool
    /// By the database's clock.
    package var acceptedAt: Instant

    package struct Header: Sendable, Hashable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    package init(
        position: Int64, source: String? = nil, headers: [Header] = [], payload: [UInt8], isCut: Bool = false,
        acceptedAt: Instant
    ) {
        self.position = position
        self.source = source
        self.headers = headers
        self.payload = payload
        self.isCut = isCut
        self.acceptedAt = acceptedAt
    }
}

/// What becomes of a row once it was looked at.
package enum InboxVerdict: Sendable, Hashable {
    /// It is in the journal: the row goes.
    case taken
    /// It cannot be used as things stand; the row stays, for a later look.
    case held(reason: String)
}

/// How an inbox stands.
package struct InboxFigures: Sendable, Hashable {
    /// Rows that wait, counted up to `countMax`.
    package var waiting: Int
    /// Of them those that were held.
    package var held: Int
    /// When the oldest row that is not held was accepted.
    package var oldestAcceptedAt: Instant?
    /// The database's clock.
    package var now: Instant

    package static let countMax = 10_000

    package init(waiting: Int, held: Int, oldestAcceptedAt: Instant?, now: Instant) {
        self.waiting = waiting
        self.held = held
        self.oldestAcceptedAt = oldestAcceptedAt
        self.now = now
    }
}

/// What came of the last look into an inbox.
package enum InboxReport: Sendable, Hashable {
    case reached(InboxFigures)
    /// For how long it has not been reached, and the last trouble in words that are safe to show.
    case away(for: Duration, String)
}

/// The inbox as the drain asks for it.
package protocol InboxTable: Sendable {
    /// Hands the oldest rows that are due to `take`, and does what it says: all in one transaction.
    ///
    /// No other drain sees these rows meanwhile. Where anything throws, the rows stay as they were. Returns how many rows
    /// there were.
    func drain(limit: Int, _ take: @Sendable ([InboxRow]) async throws -> [InboxVerdict]) async throws -> Int

    func figures() async throws -> InboxFigures

    /// Returns when the database says that there is something, or when the time is up.
    func wait(upTo duration: Duration) async throws

    func close() async
}
