package import Model

/// Signs and packs Stripe events as an endpoint of that account would get them.
package struct StripeSender: Sendable {
    /// The endpoint's live secrets; two while one is being rolled.
    package var secrets: [String]
    /// The name of the source that it delivers to.
    package var source: String

    package init(secrets: [String], source: String = "stripe") {
        self.secrets = secrets
        self.source = source
    }

    package func delivery(_ event: StripeEvent, at now: Instant) -> SimulatedDelivery {
        SimulatedDelivery(
            source: source, id: event.id, type: event.type, at: now, body: event.json.encoded,
            signing: .stripe(secrets: secrets))
    }
}

/// The form of a webhook endpoint's events: the endpoint keeps the version it was made with.
package enum StripeShape: String, Sendable, Hashable, CaseIterable {
    /// 2025-03-31 "basil" and later: payments and invoices do not name one another.
    case current = "2026-07-29.dahlia"
    /// Before it: `invoice` on payments, `subscription` and `payment_intent` on invoices, periods on subscriptions.
    case legacy = "2024-06-20"
}

/// A snapshot event of Stripe's.
package struct StripeEvent: Sendable, Hashable {
    package var id: String
    package var type: String
    package var json: JSONObject

    /// `occasion` tells events of one type about one object apart (a second failure, say).
    init(
        _ type: String, of object: JSONObject, previously: JSONObject? = nil, shape: StripeShape, isLive: Bool,
        occasion: String = "", at now: Instant
    ) {
        id = ProviderID.make("evt_3", "\(type) \(object["id"]?.string ?? "") \(occasion)")
        self.type = type
        var data: JSONObject = ["object": .object(object)]
        if let previously { data["previous_attributes"] = .object(previously) }
        json = [
            "id": .string(id), "object": "event", "api_version": .string(shape.rawValue),
            "created": .int(now.seconds), "data": .object(data), "livemode": .bool(isLive), "pending_webhooks": 1,
            "request": ["id": .string(ProviderID.make("req_", id, length: 14)), "idempotency_key": nil],
            "type": .string(type),
        ]
    }
}
