internal import Model
internal import Settings

/// What stands in a flow, as it would be written.
extension Shown {
    static func text(_ template: Template) -> String {
        switch template {
        case .path(let path): path.description
        case .literal(let value): value.text ?? value.encodedText
        case .text(let segments):
            segments.map { segment in
                switch segment {
                case .literal(let text): text
                case .path(let path): "{{ \(path) }}"
                }
            }.joined()
        case .object(let members): "{ \(members.map { "\($0.name): \(text($0.value))" }.joined(separator: ", ")) }"
        case .array(let elements): "[\(elements.map(text).joined(separator: ", "))]"
        }
    }

    /// Empty where it always holds.
    static func text(_ condition: Condition) -> String {
        switch condition {
        case .always: ""
        case .all(let clauses): clauses.map { "\($0.path) \(text($0.test))" }.joined(separator: " and ")
        }
    }

    private static func text(_ test: Condition.Test) -> String {
        func plain(_ value: JSONValue) -> String { value.text ?? value.encodedText }
        return switch test {
        case .equals(let value): "is \(plain(value))"
        case .differs(let value): "is not \(plain(value))"
        case .greater(let bound): "is over \(Busywork.plain(bound))"
        case .greaterOrEqual(let bound): "is at least \(Busywork.plain(bound))"
        case .less(let bound): "is under \(Busywork.plain(bound))"
        case .lessOrEqual(let bound): "is at most \(Busywork.plain(bound))"
        case .oneOf(let list): "is one of \(list.map(plain).joined(separator: ", "))"
        case .exists(let isThere): isThere ? "is there" : "is not there"
        }
    }
}
