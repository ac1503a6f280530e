package import Model

/// What flows see as `$event` and `$subject`.
package enum ScopeObjects {
    package static func event(_ event: Event) -> JSONObject {
        var object: JSONObject = [
            "id": .string(event.id.description), "type": .string(event.type.name), "source": .string(event.source),
            "occurred_at": .string(event.occurredAt.description),
        ]
        object["session"] = event.session.map { .string($0) }
        object["user"] = event.user.map { .string($0) }
        return object
    }

    /// Identifiers by kind (the newest of each), and each aspect of the state as an object (`payment.status`).
    package static func subject(_ subject: SubjectView) -> JSONObject {
        self.subject(id: subject.id, identifiers: subject.identifiers, state: subject.state)
    }

    package static func subject(id: SubjectID, identifiers: [SubjectIdentifier], state: SubjectState) -> JSONObject {
        var object: JSONObject = ["id": .string(id.description)]
        for identifier in identifiers { object[identifier.kind.name] = .string(identifier.value) }
        for (aspect, register) in state.registers.sorted(by: { $0.key < $1.key }) where !aspect.hasPrefix("ticket:") {
            // The last identifier named `payment` would hide the state of that name, which is what flows ask for.
            object[aspect] = .object(register.fields)
        }
        object["open_tickets"] = .int(
            Int64(
                state.registers.count {
                    $0.key.hasPrefix("ticket:") && $0.value.fields["status"]?.string != "closed"
                }))
        return object
    }
}
