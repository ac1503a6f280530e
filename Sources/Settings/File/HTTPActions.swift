internal import Model

extension FileReader {
    private static let actionKeys = [
        "method", "path", "body", "success", "class", "record", "record_kind", "required",
    ]

    mutating func httpAction(_ entry: FileNode.Entry) -> HTTPAction? {
        if !Scalars.isIdentifier(entry.name) {
            report(entry.key, at: entry, "expected a name of a-z, 0-9 and _, at most 63 long, as create_order")
        }
        guard let map = map(entry.value, keys: Self.actionKeys, of: "an action") else { return nil }
        let path = actionPath(required("path", in: map, "a path like /orders"))
        var action = HTTPAction(name: entry.name, path: path ?? .literal("/"))
        action.method = word(map["method"], among: ["POST", "PUT", "PATCH", "DELETE", "GET"]) ?? action.method
        action.body = map["body"].flatMap { body($0) }
        if let statuses = map["success"] {
            action.success = Set(
                oneOrMore(statuses, of: "statuses").flatMap { element in
                    value(element, "a status like 200, or a range like 200-299", Scalars.statuses).map(Array.init) ?? []
                })
        }
        action.safety = map["class"].flatMap { safety($0) } ?? action.safety
        action.record = self.path(map["record"])
        action.recordKind =
            value(map["record_kind"], "a word of a-z, 0-9 and _, as order") { Scalars.isIdentifier($0) ? $0 : nil }
            ?? action.recordKind
        action.required = list(map["required"], of: "field names").compactMap { text($0, "a field's name") }
        return action
    }

    private mutating func actionPath(_ node: FileNode?) -> Template? {
        guard let node, let template = template(node) else { return nil }
        if node.text?.hasPrefix("/") == true { return template }
        report(node, expected: "a path that begins with /, as /orders/{{ $.reference }}")
        return nil
    }

    /// `unsafe`, `upsert`, `{ keyed: { header, lifetime } }` or `{ findable: { path, exists, lag } }`.
    private mutating func safety(_ node: FileNode) -> HTTPAction.Safety? {
        if node.text != nil {
            let word = word(node, among: ["unsafe", "upsert", "keyed", "findable"])
            if word == "keyed" || word == "findable" {
                report(
                    node,
                    word == "keyed"
                        ? "keyed needs its keys: { keyed: { header: Idempotency-Key, lifetime: 24h } }"
                        : "findable needs its keys: { findable: { path: /orders?ref=…, exists: $.id, lag: 5s } }")
            }
            return word == "upsert" ? .upsert : .unsafe
        }
        guard let map = map(node, keys: ["keyed", "findable"], of: "class") else { return nil }
        guard map.entries.count == 1, let entry = map.entries.first else {
            report(node, "expected exactly one of keyed and findable")
            return nil
        }
        switch entry.name {
        case "keyed": return keyed(entry.value)
        case "findable": return findable(entry.value)
        default: return nil
        }
    }

    private mutating func keyed(_ node: FileNode) -> HTTPAction.Safety? {
        guard let map = map(node, keys: ["header", "lifetime"], of: "keyed") else { return nil }
        let header = headerName(required("header", in: map, "the header that takes the key"))
        let lifetime = duration(required("lifetime", in: map, "how long the API remembers a key, as 24h"))
        guard let header, let lifetime else { return nil }
        return .keyed(header: header, lifetime: lifetime)
    }

    private mutating func findable(_ node: FileNode) -> HTTPAction.Safety? {
        guard let map = map(node, keys: ["path", "exists", "lag"], of: "findable") else { return nil }
        let path = actionPath(required("path", in: map, "a path to GET, as /orders?ref={{ $effect.key }}"))
        let exists = self.path(required("exists", in: map, "a path into the answer, as $.items[0].id"))
        let lag = duration(map["lag"], in: .zero...(.seconds(86_400))) ?? .zero
        guard let path, let exists else { return nil }
        return .findable(path: path, exists: exists, lag: lag)
    }

    /// A tree of templates.
    ///
    /// A bare `true`, `false`, `null` or JSON number is that value; in quotes it is text.
    private mutating func body(_ node: FileNode) -> Template? {
        switch node.content {
        case .scalar(let text, let isBare):
            if isBare, let literal = Self.jsonLiteral(text) { return .literal(literal) }
            return template(node)
        case .refused: return nil
        case .list(let elements): return .array(elements.compactMap { body($0) })
        case .map(let entries):
            return .object(
                entries.compactMap { entry in
                    body(entry.value).map { Template.Member(name: entry.name, value: $0) }
                })
        }
    }

    private static func jsonLiteral(_ text: String) -> JSONValue? {
        switch text {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "null": return .null
        default:
            // `01234` and `1_000` are no JSON numbers and stay text.
            let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
            guard let first = digits.first, first.isASCII, first.isNumber,
                text.allSatisfy({ $0.isASCII && ($0.isNumber || "+-.eE".contains($0)) }),
                !(digits.hasPrefix("0") && digits.dropFirst().first?.isNumber == true)
            else { return nil }
            if let whole = Int64(text) { return .int(whole) }
            return Double(text).flatMap { $0.isFinite ? .double($0) : nil }
        }
    }
}
