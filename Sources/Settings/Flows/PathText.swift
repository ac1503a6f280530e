extension Path {
    /// The path that a text writes: `$.email`, `$event.session`, `$.items[0].id`, `$.meta['order id']`.
    ///
    /// Nil for anything else: an unknown root, an empty step, a blank or a brace outside quotes.
    package init?(_ text: String) {
        let name = text.prefix { $0 != "." && $0 != "[" }
        guard let root = Root(rawValue: String(name)) else { return nil }
        var rest = text.dropFirst(name.count)
        var steps: [String] = []
        while let first = rest.first {
            guard let step = first == "[" ? Self.bracketStep(&rest) : Self.dottedStep(&rest) else { return nil }
            steps.append(step)
        }
        self.init(root: root, steps: steps)
    }

    private static func dottedStep(_ rest: inout Substring) -> String? {
        let step = rest.dropFirst().prefix { $0 != "." && $0 != "[" }
        guard !step.isEmpty, step.allSatisfy({ !$0.isWhitespace && !"{}]$\"'".contains($0) }) else { return nil }
        rest = rest.dropFirst(step.count + 1)
        return String(step)
    }

    private static func bracketStep(_ rest: inout Substring) -> String? {
        let inner = rest.dropFirst()
        if let quote = inner.first, quote == "'" || quote == "\"" {
            let step = inner.dropFirst().prefix { $0 != quote }
            let after = inner.dropFirst(step.count + 1)
            guard !step.isEmpty, after.first == quote, after.dropFirst().first == "]" else { return nil }
            rest = after.dropFirst(2)
            return String(step)
        }
        let step = inner.prefix { $0.isASCII && $0.isNumber }
        guard !step.isEmpty, step.count <= 9, inner.dropFirst(step.count).first == "]" else { return nil }
        rest = inner.dropFirst(step.count + 1)
        return String(step)
    }
}
