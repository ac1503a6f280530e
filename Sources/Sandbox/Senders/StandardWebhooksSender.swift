package import Model

/// Sends our own event form as a chatbot product's code does: signed by Standard Webhooks.
package struct StandardWebhooksSender: Sendable {
    /// `whsec_` and base64.
    package var secret: String
    package var source: String

    package init(secret: String, source: String = "chat") {
        self.secret = secret
        self.source = source
    }

    /// A canonical event as the `events` source takes it.
    ///
    /// Its own id is the message's id too.
    package func delivery(
        id: String, type: EventType, session: String? = nil, user: String? = nil, data: JSONObject, at now: Instant
    ) -> SimulatedDelivery {
        var event: JSONObject = [
            "id": .string(id), "type": .string(type.name), "occurred_at": .string(now.description),
        ]
        event["session"] = session.map { .string($0) }
        event["user"] = user.map { .string($0) }
        event["data"] = .object(data)
        return SimulatedDelivery(
            source: source, id: id, type: type.name, at: now, body: event.encoded, signing: .standard(secret: secret))
    }
}
