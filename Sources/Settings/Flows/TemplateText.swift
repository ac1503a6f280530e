internal import Model

/// Why a text is no template.
package struct TemplateTrouble: Error, Sendable, Hashable {
    package var message: String
}

extension Template {
    /// What a text of the configuration means: a path, a literal, or text with `{{ $.x }}` in it.
    ///
    /// Text that begins with a dollar is a path; `$$` is a dollar, anywhere outside braces. Literals are text.
    package init(text: String) throws(TemplateTrouble) {
        if text.hasPrefix("$"), !text.hasPrefix("$$") {
            guard let path = Path(text) else {
                throw TemplateTrouble(
                    message: "expected a path like $.email, $event.session or $subject.email, found "
                        + "\(FileNode.quoted(text)); text that begins with a dollar is written $$")
            }
            self = .path(path)
            return
        }
        let segments = try Self.segments(of: text)
        switch (segments.count, segments.first) {
        case (0, _): self = .literal(.string(""))
        case (1, .literal(let literal)): self = .literal(.string(literal))
        default: self = .text(segments)
        }
    }

    private static func segments(of text: String) throws(TemplateTrouble) -> [Segment] {
        var segments: [Segment] = []
        var literal = ""
        var rest = Substring(text)
        while let character = rest.first {
            if rest.hasPrefix("{{") {
                if !literal.isEmpty { segments.append(.literal(literal)) }
                literal = ""
                segments.append(.path(try path(after: &rest)))
            } else {
                literal.append(character)
                rest = rest.dropFirst(rest.hasPrefix("$$") ? 2 : 1)
            }
        }
        if !literal.isEmpty { segments.append(.literal(literal)) }
        return segments
    }

    /// The path between `{{` and `}}`; the rest begins after the braces.
    private static func path(after rest: inout Substring) throws(TemplateTrouble) -> Path {
        var inner = ""
        rest = rest.dropFirst(2)
        while !rest.isEmpty, !rest.hasPrefix("}}") {
            inner.append(rest.removeFirst())
        }
        guard !rest.isEmpty else { throw TemplateTrouble(message: "a {{ has no }}") }
        rest = rest.dropFirst(2)
        let blanks = inner.drop { $0 == " " }
        let trimmed = String(blanks.reversed().drop { $0 == " " }.reversed())
        guard let path = Path(trimmed) else {
            throw TemplateTrouble(
                message: "expected a path like {{ $.email }}, found {{ \(FileNode.quoted(trimmed)) }}")
        }
        return path
    }
}
