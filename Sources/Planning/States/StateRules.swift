package import Journal
package import Model

/// What an event says of where its subject stands.
///
/// Pure.
package struct StateStatement: Sendable, Hashable {
    /// What it is about: `payment`, `subscription`, `ticket:88` and so on.
    package var aspect: String
    package var register: SubjectState.Register
}

package enum StateRules {
    /// The statement; nil for events that only enrich and for types that move nothing.
    ///
    /// `fact` is the key of what the event states, or the event's own id.
    package static func statement(of event: Event, fact: String) -> StateStatement? {
        guard event.role == .states, let (aspect, status, rank, fields) = content(of: event) else { return nil }
        var told: JSONObject = ["status": .string(status), "at": .string(event.occurredAt.description)]
        for field in fields { told[field] = event.data.present(field) }
        return StateStatement(
            aspect: aspect,
            register: .init(
                at: event.occurredAt, rank: rank, of: "\(fact)#\(event.id)", fields: told))
    }

    /// Whether what stands of that aspect was told by an event of this fact.
    package static func isCurrent(_ fact: String, aspect: String, in state: SubjectState) -> Bool {
        guard let of = state.registers[aspect]?.of else { return true }
        // The event's id stands behind the fact, so that two events of one fact and millisecond are no tie.
        return of.lastIndex(of: "#").map { of[..<$0] == fact } ?? false
    }

    private static func content(of event: Event) -> (String, status: String, rank: Int, fields: [String])? {
        let data = event.data
        switch event.type {
        case .leadCaptured:
            return ("lead", "captured", 0, ["email", "name", "firstname", "lastname", "company", "phone"])
        case .chatStarted: return ("chat", "started", 0, ["channel", "page", "locale"])
        case .bookingConfirmed: return ("booking", "confirmed", 0, ["reference", "starts_at", "kind"])
        case .checkoutAbandoned: return ("checkout", "abandoned", 1, ["checkout", "amount", "currency"])
        case .checkoutCompleted: return ("checkout", "completed", 2, ["checkout", "amount", "currency"])
        case .subscriptionStarted, .subscriptionChanged, .subscriptionCanceled:
            let status = data.id("status") ?? "unknown"
            let fields = ["subscription", "plan", "amount", "currency", "period_end", "cancel_at"]
            return ("subscription", status, subscriptionRank(status), fields)
        case .ticketCreated: return data.id("ticket").map { ("ticket:\($0)", "open", 1, ["ticket", "url"]) }
        case .ticketClosed: return data.id("ticket").map { ("ticket:\($0)", "closed", 2, ["ticket", "url"]) }
        default:
            return payments[event.type].map {
                ("payment", $0.status, $0.rank, ["payment", "charge", "amount", "currency", "reason"])
            }
        }
    }

    private static let payments: [EventType: (status: String, rank: Int)] = [
        .paymentFailed: ("failed", 1), .paymentCanceled: ("canceled", 2), .paymentSucceeded: ("succeeded", 3),
        .paymentRefunded: ("refunded", 4), .paymentDisputed: ("disputed", 5),
    ]

    /// The way of a subscription through Stripe's states (docs.stripe.com/billing/subscriptions/overview): of two
    /// within one second the later in life stands.
    private static func subscriptionRank(_ status: String) -> Int {
        let life = ["incomplete", "trialing", "active", "past_due", "unpaid", "paused", "canceled"]
        if status == "incomplete_expired" { return life.count }
        return (life.firstIndex(of: status) ?? -1) + 1
    }
}
