internal import Model

extension FileReader {
    private static let tests = ["eq", "ne", "gt", "gte", "lt", "lte", "in", "exists"]
    private static let eventMembers = ["id", "type", "source", "occurred_at", "session", "user"]

    /// Text as a template.
    mutating func template(_ node: FileNode) -> Template? {
        guard let text = node.text else {
            report(node, expected: "a path, a text, or a text with {{ $.x }}")
            return nil
        }
        guard !node.isEmpty else {
            report(node, expected: "a value; empty text is written \"\"")
            return nil
        }
        do {
            let template = try Template(text: text)
            checkPaths(of: template, node)
            return template
        } catch {
            report(node, error.message)
            return nil
        }
    }

    private mutating func checkPaths(of template: Template, _ node: FileNode) {
        switch template {
        case .path(let path): checkPath(path, node)
        case .text(let segments):
            for case .path(let path) in segments { checkPath(path, node) }
        case .literal, .object, .array: break
        }
    }

    /// What an event has at its top is known; what `$.` and `$subject.` hold is not.
    private mutating func checkPath(_ path: Path, _ node: FileNode) {
        guard path.root == .event, let first = path.steps.first, !Self.eventMembers.contains(first) else { return }
        let hint = Suggestion.hint(for: first, among: Self.eventMembers)
        report(
            node,
            "$event has no \(FileNode.quoted(first))"
                + (hint.isEmpty ? "; fields of data are written $.\(first)" : hint))
    }

    /// `when`: all of its clauses hold.
    mutating func condition(_ node: FileNode?) -> Condition {
        guard let node else { return .always }
        if node.isEmpty { report(node, expected: "a map of conditions; without the key a flow always acts") }
        var clauses: [Condition.Clause] = []
        for entry in named(node, atMost: 100, of: "conditions") {
            guard let path = Path(entry.name) else {
                report(
                    entry.key, at: entry,
                    "expected a path like $.amount or $subject.payment.status, found \(FileNode.quoted(entry.name))")
                continue
            }
            checkPath(path, entry.value)
            clauses += tests(entry.value).map { Condition.Clause(path: path, test: $0) }
        }
        return clauses.isEmpty ? .always : .all(clauses)
    }

    private mutating func tests(_ node: FileNode) -> [Condition.Test] {
        guard case .map = node.content else { return comparand(node).map { [.equals($0)] } ?? [] }
        guard let map = map(node, keys: Self.tests, of: "a condition") else { return [] }
        if map.entries.isEmpty { report(node, "tests nothing; expected one of \(Self.tests.joined(separator: ", "))") }
        return map.entries.compactMap { test($0.name, $0.value) }
    }

    private mutating func test(_ name: String, _ node: FileNode) -> Condition.Test? {
        switch name {
        case "eq": comparand(node).map { .equals($0) }
        case "ne": comparand(node).map { .differs($0) }
        case "gt": bound(node).map { .greater($0) }
        case "gte": bound(node).map { .greaterOrEqual($0) }
        case "lt": bound(node).map { .less($0) }
        case "lte": bound(node).map { .lessOrEqual($0) }
        case "in": choices(node)
        case "exists": flag(node).map { .exists($0) }
        default: nil
        }
    }

    /// A literal to compare with; `$$` at its beginning is a dollar.
    private mutating func comparand(_ node: FileNode) -> JSONValue? {
        guard let text = node.text, !node.isEmpty else {
            report(node, expected: "a value to compare with")
            return nil
        }
        if text.hasPrefix("$$") { return .string(String(text.dropFirst())) }
        if text.hasPrefix("$") {
            report(node, "a value is compared with a literal, not with a path; a dollar is written $$")
            return nil
        }
        return .string(text)
    }

    private mutating func bound(_ node: FileNode) -> Double? {
        value(node, "a number") { text in Double(text).flatMap { $0.isFinite ? $0 : nil } }
    }

    private mutating func choices(_ node: FileNode) -> Condition.Test? {
        guard case .list(let elements) = node.content, !elements.isEmpty, elements.count <= 1000 else {
            report(node, expected: "a list of values")
            return nil
        }
        return .oneOf(elements.compactMap { comparand($0) })
    }
}
