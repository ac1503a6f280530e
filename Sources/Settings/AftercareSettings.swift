/// When what providers say is held against the journal.
package struct ReconcileSettings: Sendable, Equatable {
    /// How often by itself; nil: only when a person asks.
    package var every: Duration?
    /// How far back each run looks.
    package var reach: Duration
    /// What is younger than this may still be on its way, and is not judged.
    package var settle: Duration

    package init(
        every: Duration? = .seconds(86_400), reach: Duration = .seconds(3 * 86_400), settle: Duration = .seconds(900)
    ) {
        self.every = every
        self.reach = reach
        self.settle = settle
    }
}

/// What the end user is told about an event of theirs.
package struct ReceiptSettings: Sendable, Equatable {
    /// How a person is reached when something needs one: an address, a telephone number or a few words.
    package var contact: String?
    /// After this long without an end, it is told as delayed.
    package var slowAfter: Duration
    /// Web origins whose pages may ask from a browser, as `https://acme.example`.
    package var origins: [String]
    /// How long a status token opens its receipt.
    package var lifetime: Duration

    package init(
        contact: String? = nil, slowAfter: Duration = .seconds(120), origins: [String] = [],
        lifetime: Duration = .seconds(7 * 86_400)
    ) {
        self.contact = contact
        self.slowAfter = slowAfter
        self.origins = origins
        self.lifetime = lifetime
    }
}
