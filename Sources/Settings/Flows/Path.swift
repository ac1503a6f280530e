package import Model

/// A path into what a flow can see: `$.email`, `$event.session`, `$subject.payment.status`, `$effect.key`.
package struct Path: Sendable, Hashable, CustomStringConvertible {
    package enum Root: String, Sendable, Hashable {
        case data = "$"
        case event = "$event"
        case subject = "$subject"
        case effect = "$effect"
    }

    /// A member's name, or its place in a list (`$.items.0.id`).
    package var root: Root
    package var steps: [String]

    package init(root: Root = .data, steps: [String]) {
        self.root = root
        self.steps = steps
    }

    package var description: String { ([root.rawValue] + steps).joined(separator: ".") }

    /// What stands there, or nil where any step is missing or the end is `null`.
    package func value(in scope: Scope) -> JSONValue? {
        let found = steps.reduce(JSONValue?.some(.object(scope[root]))) { value, step in
            switch value {
            case .object(let object): object[step]
            case .array(let elements): Int(step).flatMap { elements.indices.contains($0) ? elements[$0] : nil }
            default: nil
            }
        }
        return found == .some(.null) ? nil : found
    }
}

/// What a flow's conditions and templates can see.
package struct Scope: Sendable, Equatable {
    /// The merged fact, or the event's own data where there is no fact.
    package var data: JSONObject
    package var event: JSONObject
    package var subject: JSONObject
    package var effect: JSONObject

    package init(
        data: JSONObject, event: JSONObject = JSONObject(), subject: JSONObject = JSONObject(),
        effect: JSONObject = JSONObject()
    ) {
        self.data = data
        self.event = event
        self.subject = subject
        self.effect = effect
    }

    subscript(root: Path.Root) -> JSONObject {
        switch root {
        case .data: data
        case .event: event
        case .subject: subject
        case .effect: effect
        }
    }
}
