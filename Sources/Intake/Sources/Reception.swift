package import Journal
package import Model

/// What a source makes of a delivery.
package enum Reception: Sendable {
    /// Not believed: nothing of it is kept.
    case refused(SignatureRefusal)
    /// Authentic, but its sender must mend it: kept, and answered with an error.
    case rejected(KeptDelivery)
    /// Authentic and of a type that we know, but not mappable: kept, and answered as taken.
    case quarantined(KeptDelivery)
    /// Authentic and of no interest: kept, so that a wrong filter is no loss.
    case ignored(KeptDelivery)
    case event(Event)
}

/// What a payload says, before the delivery that brought it is looked at again.
enum Reading: Sendable {
    /// An event in our words; the reader adds what all events have.
    case draft(EventDraft)
    case rejected(Problem)
    case quarantined(Problem)
    case ignored(Problem)
}

/// Why a payload did not become an event.
struct Problem: Error, Sendable, Hashable {
    var code: String
    /// What is wrong and what to do; holds no personal data.
    var reason: String
    var field: String?

    init(_ code: String, _ reason: String, field: String? = nil) {
        self.code = code
        self.reason = reason
        self.field = field
    }

    init(_ error: ShapeError) { self.init("invalid_field", error.description, field: error.field) }
}

struct EventDraft: Sendable {
    var type: EventType
    var role: Event.Role = .states
    var occurredAt: Instant?
    var session: String?
    var user: String?
    /// Normalised by the type's shape.
    var data: JSONObject
}

/// What a payload says of itself whatever becomes of it.
struct Envelope: Sendable {
    var id: String?
    var type: String?
}
