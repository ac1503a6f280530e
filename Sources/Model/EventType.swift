/// The name of a canonical event type, ours or one that the user declared under `types:`.
package struct EventType: Sendable, Hashable, CustomStringConvertible {
    package let name: String

    package init(_ name: String) { self.name = name }
    package var description: String { name }

    package static let chatStarted = EventType("chat_started")
    package static let leadCaptured = EventType("lead_captured")
    package static let bookingConfirmed = EventType("booking_confirmed")
    package static let checkoutCompleted = EventType("checkout_completed")
    package static let checkoutAbandoned = EventType("checkout_abandoned")
    package static let paymentSucceeded = EventType("payment_succeeded")
    package static let paymentFailed = EventType("payment_failed")
    package static let paymentCanceled = EventType("payment_canceled")
    package static let paymentRefunded = EventType("payment_refunded")
    package static let paymentDisputed = EventType("payment_disputed")
    package static let subscriptionStarted = EventType("subscription_started")
    package static let subscriptionChanged = EventType("subscription_changed")
    package static let subscriptionCanceled = EventType("subscription_canceled")
    package static let userIdentified = EventType("user_identified")
    package static let supportEscalated = EventType("support_escalated")
    package static let ticketCreated = EventType("ticket_created")
    package static let ticketClosed = EventType("ticket_closed")

    // What the journal's own watch says; no sender and no declaration can use a name with a dot.
    package static let alertOpened = EventType("alert.opened")
    package static let alertChanged = EventType("alert.changed")
    package static let alertEnded = EventType("alert.ended")
    package static let ofAlerts: [EventType] = [.alertOpened, .alertChanged, .alertEnded]
}

/// What one field of an event's `data` may hold.
package enum FieldKind: String, Sendable, Hashable, CaseIterable {
    /// Text up to `Limits.textLengthMax`.
    case text
    /// Text up to `Limits.messageLengthMax`.
    case message
    /// Text up to `Limits.idLengthMax`: somebody's id of something.
    case id
    /// An address that mail could be sent to; trimmed, its domain in lower case.
    case email
    /// A whole number in the currency's minor unit, zero or more.
    case amount
    /// A three-letter ISO 4217 code; kept in lower case.
    case currency
    /// An RFC 3339 time.
    case time
    /// Any number.
    case number
    /// A whole number.
    case integer
    /// true or false.
    case flag
    /// Anything that JSON can hold.
    case any
}

/// The strict shape of a type's `data`.
package struct EventShape: Sendable, Hashable {
    package struct Field: Sendable, Hashable {
        package var name: String
        package var kind: FieldKind

        package init(_ name: String, _ kind: FieldKind) {
            self.name = name
            self.kind = kind
        }
    }

    package var type: EventType
    package var fields: [Field]
    package var required: Set<String>
    /// Groups of which at least one field must be there ("payment or charge").
    package var requiredAnyOf: [[String]]

    package init(_ type: EventType, fields: [Field], required: Set<String> = [], requiredAnyOf: [[String]] = []) {
        self.type = type
        self.fields = fields
        self.required = required
        self.requiredAnyOf = requiredAnyOf
    }
}

/// Every event type that this installation knows: ours and the user's.
package struct EventCatalogue: Sendable, Hashable {
    private let shapes: [String: EventShape]

    /// Ours, and `declared` ones, which cannot replace ours (the configuration reader refuses that with its line).
    package init(declared: [EventShape] = []) {
        shapes = Dictionary((Self.builtIn + declared).map { ($0.type.name, $0) }, uniquingKeysWith: { ours, _ in ours })
    }

    package subscript(_ type: EventType) -> EventShape? { shapes[type.name] }
    package var typeNames: [String] { shapes.keys.sorted() }

    package static let builtIn: [EventShape] = [
        EventShape(
            .chatStarted,
            fields: [.init("channel", .text), .init("page", .text), .init("locale", .text), .init("referrer", .text)]),
        EventShape(
            .leadCaptured,
            fields: [
                .init("email", .email), .init("name", .text), .init("firstname", .text), .init("lastname", .text),
                .init("company", .text), .init("phone", .text), .init("website", .text), .init("message", .message),
                .init("consent", .any),
            ], required: ["email"]),
        EventShape(
            .bookingConfirmed,
            fields: [
                .init("reference", .id), .init("email", .email), .init("name", .text), .init("starts_at", .time),
                .init("kind", .text),
            ], required: ["reference"]),
        EventShape(.checkoutCompleted, fields: checkoutFields, required: ["checkout"]),
        EventShape(.checkoutAbandoned, fields: checkoutFields, required: ["checkout"]),
        EventShape(.paymentSucceeded, fields: paymentFields, required: ["payment", "amount", "currency"]),
        EventShape(.paymentFailed, fields: paymentFields, required: ["payment", "amount", "currency"]),
        EventShape(.paymentCanceled, fields: paymentFields, required: ["payment", "amount", "currency"]),
        EventShape(
            .paymentRefunded, fields: reversalFields + [.init("refund", .id)], required: ["amount", "currency"],
            requiredAnyOf: [["payment", "charge"]]),
        EventShape(
            .paymentDisputed, fields: reversalFields + [.init("dispute", .id)], required: ["amount", "currency"],
            requiredAnyOf: [["payment", "charge"]]),
        EventShape(.subscriptionStarted, fields: subscriptionFields, required: ["subscription", "status"]),
        EventShape(.subscriptionChanged, fields: subscriptionFields, required: ["subscription", "status"]),
        EventShape(.subscriptionCanceled, fields: subscriptionFields, required: ["subscription", "status"]),
        EventShape(
            .userIdentified,
            fields: [
                .init("user", .id), .init("email", .email), .init("phone", .text), .init("customer", .id),
                .init("name", .text), .init("company", .text),
            ], requiredAnyOf: [["user", "email", "phone", "customer"]]),
        EventShape(
            .supportEscalated,
            fields: [
                .init("reason", .text), .init("message", .message), .init("intent", .text),
                .init("confidence", .number), .init("urgency", .text), .init("email", .email), .init("payment", .id),
            ]),
        EventShape(.ticketCreated, fields: ticketFields, required: ["ticket"]),
        EventShape(.ticketClosed, fields: ticketFields, required: ["ticket"]),
    ]

    private static let checkoutFields: [EventShape.Field] = [
        .init("checkout", .id), .init("amount", .amount), .init("currency", .currency), .init("customer", .id),
        .init("email", .email), .init("payment", .id), .init("subscription", .id), .init("client_reference", .id),
    ]
    private static let paymentFields: [EventShape.Field] = [
        .init("payment", .id), .init("amount", .amount), .init("currency", .currency), .init("customer", .id),
        .init("email", .email), .init("invoice", .id), .init("subscription", .id), .init("charge", .id),
        .init("reason", .text), .init("attempt", .integer), .init("next_attempt_at", .time),
    ]
    private static let reversalFields: [EventShape.Field] = [
        .init("payment", .id), .init("charge", .id), .init("amount", .amount), .init("currency", .currency),
        .init("status", .text), .init("reason", .text), .init("customer", .id), .init("email", .email),
    ]
    private static let subscriptionFields: [EventShape.Field] = [
        .init("subscription", .id), .init("status", .text), .init("customer", .id), .init("email", .email),
        .init("plan", .text), .init("amount", .amount), .init("currency", .currency), .init("period_end", .time),
        .init("cancel_at", .time),
    ]
    private static let ticketFields: [EventShape.Field] = [
        .init("ticket", .id), .init("status", .text), .init("email", .email), .init("url", .text),
    ]
}
