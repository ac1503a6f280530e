internal import Model

/// Our own event form, strictly: `{"id", "type", "occurred_at", "session", "user", "data"}`.
struct OwnEventReading {
    let catalogue: EventCatalogue

    private static let members: Set<String> = ["id", "type", "occurred_at", "session", "user", "data"]

    func read(_ payload: JSONObject) -> Reading {
        do throws(Problem) {
            return .draft(try draft(of: payload))
        } catch {
            return .rejected(error)
        }
    }

    private func draft(of payload: JSONObject) throws(Problem) -> EventDraft {
        if let unknown = payload.keys.first(where: { !Self.members.contains($0) }) {
            let shown = String(FieldText.withoutNull(unknown).prefix(64))
            throw Problem(
                "unknown_field", "an event has no field of this name: what the product adds goes into data",
                field: shown)
        }
        let shape = try shape(of: payload)
        let session = try text(payload, "session")
        let user = try text(payload, "user")
        let data = try data(of: payload, shape: shape)
        guard session != nil || user != nil || data.keys.contains(where: shape.isIdentifier) else {
            throw Problem(
                "missing_identity",
                "nothing says whom this is about: give session, user or an identifier in data (email, customer, …)",
                field: "session")
        }
        return EventDraft(
            type: shape.type, occurredAt: try occurredAt(payload), session: session, user: user, data: data)
    }

    private func shape(of payload: JSONObject) throws(Problem) -> EventShape {
        guard let value = payload.present("type") else {
            throw Problem("missing_type", "the type says what happened, for example lead_captured", field: "type")
        }
        guard let name = value.string else { throw Problem("invalid_field", "type must be text", field: "type") }
        guard let shape = catalogue[EventType(name)] else {
            throw Problem(
                "unknown_type",
                "no such event type: use one of docs/sources.md, or declare it under types: in throughline.yaml",
                field: "type")
        }
        return shape
    }

    private func text(_ payload: JSONObject, _ name: String) throws(Problem) -> String? {
        guard let value = payload.present(name) else { return nil }
        // An id is taken as it is or not at all: shortened, it would be somebody else's.
        guard let text = value.string, text.utf8.count <= Limits.idLengthMax, !text.utf8.contains(0) else {
            throw Problem(
                "invalid_field", "\(name) must be text of at most \(Limits.idLengthMax) bytes, without NUL", field: name
            )
        }
        return text.allSatisfy(\.isWhitespace) ? nil : text
    }

    private func occurredAt(_ payload: JSONObject) throws(Problem) -> Instant? {
        guard let value = payload.present("occurred_at") else { return nil }
        guard let time = value.string.flatMap({ Instant(rfc3339: $0) }) else {
            throw Problem(
                "invalid_field", "occurred_at must be an RFC 3339 time such as 2026-11-23T10:00:00Z",
                field: "occurred_at")
        }
        return time
    }

    private func data(of payload: JSONObject, shape: EventShape) throws(Problem) -> JSONObject {
        let value = payload["data"] ?? .null
        guard let object = value.isNull ? JSONObject() : value.object else {
            throw Problem("invalid_field", "data must be an object", field: "data")
        }
        do throws(ShapeError) {
            return try shape.checked(object)
        } catch {
            throw Problem(error)
        }
    }
}
