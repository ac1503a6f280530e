package import Model

/// A value that is filled in from a scope: a path, a literal, text with `{{ … }}`, or a tree of these.
package indirect enum Template: Sendable, Equatable {
    case path(Path)
    case literal(JSONValue)
    case text([Segment])
    case object([Member])
    case array([Template])

    package enum Segment: Sendable, Equatable {
        case literal(String)
        case path(Path)
    }

    package struct Member: Sendable, Equatable {
        package var name: String
        package var value: Template

        package init(name: String, value: Template) {
            self.name = name
            self.value = value
        }
    }

    /// The value in this scope; nil where a path leads nowhere, so that its key is left out.
    ///
    /// In text a missing path is empty, and text without anything but missing paths is missing as a whole. Rendered
    /// text is cut at `Limits.renderedTextMax` bytes.
    package func value(in scope: Scope) -> JSONValue? {
        switch self {
        case .path(let path): return path.value(in: scope)
        case .literal(let value): return value
        case .text(let segments): return Self.text(segments, in: scope)
        case .object(let members):
            return .object(
                JSONObject(
                    members: members.compactMap { member in
                        member.value.value(in: scope).map { JSONObject.Member(key: member.name, value: $0) }
                    }))
        case .array(let elements): return .array(elements.compactMap { $0.value(in: scope) })
        }
    }

    private static func text(_ segments: [Segment], in scope: Scope) -> JSONValue? {
        var text = ""
        var isAnyFound = segments.allSatisfy { if case .literal = $0 { true } else { false } }
        for segment in segments {
            switch segment {
            case .literal(let literal): text += literal
            case .path(let path):
                guard let found = path.value(in: scope)?.text else { continue }
                isAnyFound = true
                text += found
            }
            if text.utf8.count > Limits.renderedTextMax { break }
        }
        guard isAnyFound else { return nil }
        while text.utf8.count > Limits.renderedTextMax { text.removeLast() }
        return .string(text)
    }
}
