package import Model

/// What of the business an event tells: which fact it states, and about which object.
package struct FactStatement: Sendable, Hashable {
    /// Nil where each event of the type stands for itself.
    package var key: String?
    /// The thing that it is about (`payment:pi_1`); nil where it has none.
    package var object: String?
}

/// From an event to the fact that it states.
///
/// Pure.
///
/// A provider's event id makes a delivery unique, not a payment: several events of one payment give one key here.
package enum FactRules {
    /// The fact that the event states; without a key for types of which each event stands for itself, for types that
    /// the user declared, and for events that only enrich.
    package static func statement(of event: Event) -> FactStatement {
        let object = object(of: event)
        guard event.role == .states, let name = name(of: event) else { return FactStatement(key: nil, object: object) }
        return FactStatement(key: "\(event.type):\(name)", object: object)
    }

    /// What makes the fact the same fact, however often it is told.
    private static func name(of event: Event) -> String? {
        let data = event.data
        switch event.type {
        case .paymentSucceeded, .paymentCanceled: return data.id("payment")
        case .paymentFailed: return data.id("payment").map { "\($0):\(data.id("charge") ?? event.externalID)" }
        case .paymentRefunded: return data.id("refund") ?? reversal(event)
        case .paymentDisputed: return data.id("dispute") ?? reversal(event)
        case .subscriptionStarted, .subscriptionChanged, .subscriptionCanceled:
            return data.id("subscription").map { "\($0):\(data.id("status") ?? ""):\(event.occurredAt.seconds)" }
        case .leadCaptured: return lead(event)
        case .bookingConfirmed: return data.id("reference")
        case .checkoutCompleted, .checkoutAbandoned: return data.id("checkout")
        case .ticketCreated: return data.id("ticket")
        case .ticketClosed: return data.id("ticket").map { "\($0):\(event.occurredAt.seconds)" }
        default: return nil
        }
    }

    /// A reversal without an id of its own: a payment may be refunded in parts, so the sender's id is part of the name.
    private static func reversal(_ event: Event) -> String? {
        (event.data.id("payment") ?? event.data.id("charge")).map {
            "\($0):\(event.data.id("amount") ?? ""):\(event.externalID)"
        }
    }

    /// A lead is the same lead within one conversation, however much later it is told again.
    private static func lead(_ event: Event) -> String? {
        guard let email = event.data.id("email").flatMap(Address.email) else { return nil }
        return [event.session ?? event.user, email].compactMap(\.self).joined(separator: ":")
    }

    private static func object(of event: Event) -> String? {
        func named(_ kind: String, _ field: String? = nil) -> String? {
            event.data.id(field ?? kind).map { "\(kind):\($0)" }
        }
        switch event.type {
        case .paymentSucceeded, .paymentFailed, .paymentCanceled, .paymentRefunded, .paymentDisputed:
            return named("payment") ?? named("charge")
        case .subscriptionStarted, .subscriptionChanged, .subscriptionCanceled: return named("subscription")
        case .bookingConfirmed: return named("booking", "reference")
        case .checkoutCompleted, .checkoutAbandoned: return named("checkout")
        case .ticketCreated, .ticketClosed: return named("ticket")
        default: return nil
        }
    }
}

extension JSONObject {
    /// The member as the text of an id; nil where it is missing, empty or no scalar.
    func id(_ key: String) -> String? {
        switch present(key) {
        case .string(let text): text
        case .int(let number): String(number)
        default: nil
        }
    }
}
