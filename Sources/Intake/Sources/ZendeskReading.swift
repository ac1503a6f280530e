internal import Model

/// Zendesk's two kinds of webhook: the trigger template of `docs/sources.md`, and event subscriptions.
struct ZendeskReading {
    let catalogue: EventCatalogue

    private static let subscription = "zen:event-type:"

    func read(_ payload: JSONObject) -> Reading {
        guard let type = payload.present("type")?.string else {
            return .quarantined(
                Problem("missing_type", "the payload has no type: use the template of docs/sources.md", field: "type"))
        }
        if type.hasPrefix(Self.subscription) {
            return subscribed(String(type.dropFirst(Self.subscription.count)), payload)
        }
        return templated(type, payload)
    }

    /// What our trigger template says; placeholders arrive as text, `{{ticket.status}}` in the agent's wording.
    private func templated(_ type: String, _ payload: JSONObject) -> Reading {
        let status = Self.status(payload["status"])
        let event: EventType
        switch type {
        case "ticket_created": event = .ticketCreated
        case "ticket_closed": event = .ticketClosed
        case "ticket_updated" where Self.isClosed(status): event = .ticketClosed
        case "ticket_updated": return .ignored(Problem("not_closed", "the ticket changed, but is not solved or closed"))
        default: return .ignored(Problem("unmapped", "this type is none of the template in docs/sources.md"))
        }
        var data: JSONObject = [:]
        data["ticket"] = ProviderText.id(payload["ticket"]).map { .string($0) }
        data["status"] = status.map { .string($0) }
        for name in ["email", "url", "external_id"] { data[name] = payload.present(name) }
        return draft(event, data, at: payload.present("at")?.string)
    }

    /// The envelope of an event subscription: `detail` is the ticket, `event` what changed of it.
    private func subscribed(_ type: String, _ payload: JSONObject) -> Reading {
        let detail = payload["detail"]
        let current = type == "ticket.status_changed" ? payload["event"]?["current"] : nil
        let status = Self.status(current ?? detail?["status"])
        let event: EventType
        switch type {
        case "ticket.created": event = .ticketCreated
        case "ticket.status_changed" where Self.isClosed(status): event = .ticketClosed
        case "ticket.status_changed" where status != nil:
            return .ignored(Problem("not_closed", "the ticket's status changed, but not to solved or closed"))
        case "ticket.status_changed":
            return .quarantined(Problem("invalid_field", "the new status is missing", field: "event.current"))
        default: return .ignored(Problem("unmapped", "this event type is of no interest"))
        }
        var data: JSONObject = [:]
        let subject = payload["subject"]?.string.flatMap { $0.split(separator: ":").last }.map { String($0) }
        data["ticket"] = (ProviderText.id(detail?["id"]) ?? subject).map { .string($0) }
        data["status"] = status.map { .string($0) }
        data["external_id"] = detail?.object?.present("external_id")
        return draft(event, data, at: payload.present("time")?.string)
    }

    private func draft(_ type: EventType, _ data: JSONObject, at time: String?) -> Reading {
        guard let shape = catalogue[type] else { return .quarantined(Problem("unknown_type", "\(type) is unknown")) }
        do throws(ShapeError) {
            let data = try shape.fitted(data, isComplete: true)
            return .draft(EventDraft(type: type, occurredAt: time.flatMap { Instant(rfc3339: $0) }, data: data))
        } catch {
            return .quarantined(Problem(error))
        }
    }

    private static func status(_ value: JSONValue?) -> String? {
        guard let text = value?.string, !text.isEmpty else { return nil }
        return text.lowercased()
    }

    private static func isClosed(_ status: String?) -> Bool { status == "solved" || status == "closed" }
}
