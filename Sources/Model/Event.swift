/// A canonical event: what a delivery or a call of the product said, in our words.
package struct Event: Sendable, Hashable {
    /// Whether the event says that its type happened, or only adds to what another event says.
    ///
    /// Stripe's `charge.succeeded` names the same payment as `payment_intent.succeeded`: it enriches that payment and
    /// states nothing by itself.
    package enum Role: String, Sendable, Hashable { case states, enriches }

    package var id: EventID
    package var source: String
    /// The sender's own id of the event; unique within the source for as long as the event is kept.
    package var externalID: String
    /// The sender's own name of the type (`payment_intent.succeeded`), for the trail.
    package var externalType: String
    package var type: EventType
    package var role: Role
    package var occurredAt: Instant
    package var receivedAt: Instant
    package var session: String?
    package var user: String?
    /// Fields by the names of the event table in `docs/sources.md`; unknown ones are kept as they came.
    package var data: JSONObject
    /// No delivery brought it: a reconciliation found at the provider that it was missing here.
    package var isRecovered: Bool
    /// Where its sender's trace was when it sent it (W3C `traceparent`); nil: it named none.
    package var trace: String?

    package init(
        id: EventID, source: String, externalID: String, externalType: String, type: EventType, role: Role = .states,
        occurredAt: Instant, receivedAt: Instant, session: String? = nil, user: String? = nil, data: JSONObject,
        isRecovered: Bool = false,
        trace: String? = nil
    ) {
        self.id = id
        self.source = source
        self.externalID = externalID
        self.externalType = externalType
        self.type = type
        self.role = role
        self.occurredAt = occurredAt
        self.receivedAt = receivedAt
        self.session = session
        self.user = user
        self.data = data
        self.isRecovered = isRecovered
        self.trace = trace
    }
}
