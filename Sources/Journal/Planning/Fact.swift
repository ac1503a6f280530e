package import Model

/// One thing that happened in business, however many events told of it.
///
/// A row without `type` is an *object row*: what enriching events said of a payment or another object whose own
/// statement may not have come yet. Flows read a fact's own data filled up from its object's.
package struct Fact: Sendable, Hashable {
    /// `payment_succeeded:pi_1`; for an object row `payment:pi_1`.
    package var key: String
    package var type: EventType?
    /// The object that it is about (`payment:pi_1`); nil where it has none.
    package var object: String?
    /// The subject at which it was written first; its root may be another by now.
    package var subject: SubjectID
    /// The event that stated it first (for an object row: that spoke of it first).
    package var event: EventID
    package var occurredAt: Instant
    package var data: JSONObject
    /// For each member of `data` that another event than `event` brought: its provider time in milliseconds and its id.
    ///
    /// Without it, which of two contradicting events wins would hang on the order of their arrival.
    package var origins: JSONObject

    package init(
        key: String, type: EventType?, object: String?, subject: SubjectID, event: EventID, occurredAt: Instant,
        data: JSONObject, origins: JSONObject = JSONObject()
    ) {
        self.key = key
        self.type = type
        self.object = object
        self.subject = subject
        self.event = event
        self.occurredAt = occurredAt
        self.data = data
        self.origins = origins
    }
}
