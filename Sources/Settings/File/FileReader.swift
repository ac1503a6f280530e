internal import Model

/// Turns the tree of a settings file into values and collects every problem on the way.
///
/// A value that is wrong is reported and read as its default, so that the rest of the file is still checked; nobody
/// sees such settings, because a file with an error yields none.
struct FileReader {
    let file: String
    var problems: [SettingsProblem] = []
    var secrets: [SecretUse] = []
    var catalogue = EventCatalogue()
    /// A destination's actions by its kind; nil: not known here, so not checked.
    var actions: ((DestinationKind) -> Set<String>?)?

    init(file: String) { self.file = file }

    // MARK: Problems

    mutating func report(_ node: FileNode, _ message: String, as severity: SettingsProblem.Severity = .error) {
        guard !node.isRefused else { return }
        problems.append(
            SettingsProblem(
                severity: severity, file: file, line: node.line, column: node.column, key: node.path,
                message: message))
    }

    /// `expected a whole number, found "x"`.
    mutating func report(_ node: FileNode, expected: String) {
        report(node, "expected \(expected), found \(node.summary)")
    }

    // MARK: Shapes

    /// A map with these keys and no others.
    mutating func map(_ node: FileNode, keys: [String], of thing: String) -> FileMap? {
        guard let entries = node.entries else {
            report(node, expected: "a map with the keys of \(thing)")
            return nil
        }
        for entry in entries where !keys.contains(entry.name) {
            let hint = Suggestion.hint(for: entry.name, among: keys)
            var place = entry.key
            place.path = entry.value.path
            report(
                place,
                "\(thing) has no key \(FileNode.quoted(entry.name))"
                    + (hint.isEmpty ? "; it has \(keys.joined(separator: ", "))" : hint))
        }
        return FileMap(node: node, entries: entries)
    }

    /// A map whose keys are names that the user chose.
    mutating func named(_ node: FileNode?, atMost countMax: Int, of thing: String) -> [FileNode.Entry] {
        guard let node else { return [] }
        guard let entries = node.entries else {
            report(node, expected: "a map of \(thing) by name")
            return []
        }
        if entries.count > countMax { report(node, "more than \(countMax) \(thing)") }
        return Array(entries.prefix(countMax))
    }

    mutating func list(_ node: FileNode?, atMost countMax: Int = 1000, of thing: String) -> [FileNode] {
        guard let node, !node.isEmpty else { return [] }
        guard case .list(let elements) = node.content else {
            report(node, expected: "a list of \(thing)")
            return []
        }
        if elements.count > countMax { report(node, "more than \(countMax) \(thing)") }
        return Array(elements.prefix(countMax))
    }

    /// One value or a list of them.
    mutating func oneOrMore(_ node: FileNode?, of thing: String) -> [FileNode] {
        guard let node else { return [] }
        switch node.content {
        case .list: return list(node, atMost: 100, of: thing)
        case .scalar, .map, .refused: return [node]
        }
    }

    /// The value of a key that must be there.
    mutating func required(_ key: String, in map: FileMap, _ expected: String) -> FileNode? {
        if let node = map[key] { return node }
        var place = map.node
        place.path = place.path.isEmpty ? key : "\(place.path).\(key)"
        report(place, "missing; expected \(expected)")
        return nil
    }

    // MARK: Scalars

    /// A scalar that `convert` understands; nil where it is absent, or wrong, which is reported.
    mutating func value<Value>(_ node: FileNode?, _ expected: String, _ convert: (String) -> Value?) -> Value? {
        guard let node else { return nil }
        if let text = node.text, !node.isEmpty, let value = convert(text) { return value }
        report(node, expected: expected)
        return nil
    }

    mutating func text(_ node: FileNode?, _ expected: String = "text") -> String? {
        value(node, expected) { $0.isEmpty || $0.utf8.count > Limits.textLengthMax ? nil : $0 }
    }

    /// Text that may be empty (a prefix, a separator).
    mutating func anyText(_ node: FileNode?) -> String? {
        guard let node else { return nil }
        guard let text = node.text, text.utf8.count <= Limits.textLengthMax else {
            report(node, expected: "text")
            return nil
        }
        return text
    }

    mutating func integer(_ node: FileNode?, in range: ClosedRange<Int>) -> Int? {
        value(node, "a whole number from \(range.lowerBound) to \(range.upperBound)") { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    mutating func flag(_ node: FileNode?) -> Bool? {
        value(node, "true or false") { ["true": true, "false": false][$0] }
    }

    /// One of a list of words; a near miss gets a suggestion.
    mutating func word(_ node: FileNode?, among words: [String]) -> String? {
        guard let node else { return nil }
        if let text = node.text, words.contains(text) { return text }
        let hint = Suggestion.hint(for: node.text ?? "", among: words)
        report(node, "expected one of \(words.joined(separator: ", ")), found \(node.summary)\(hint)")
        return nil
    }

    mutating func choice<Value: RawRepresentable<String> & CaseIterable>(_ node: FileNode?, as: Value.Type) -> Value? {
        word(node, among: Value.allCases.map(\.rawValue)).flatMap(Value.init(rawValue:))
    }

    mutating func duration(
        _ node: FileNode?, in range: ClosedRange<Duration> = .milliseconds(1)...Scalars.durationMax
    ) -> Duration? {
        guard let node else { return nil }
        guard let duration = value(node, "a duration like 500ms, 2s, 1h or 90d", Scalars.duration) else { return nil }
        if range.contains(duration) { return duration }
        report(node, duration < range.lowerBound ? "too short: \(node.summary)" : "too long: \(node.summary)")
        return nil
    }

    mutating func path(_ node: FileNode?) -> Path? {
        value(node, "a path like $.email or $event.session", Path.init)
    }
}

/// The entries of a map whose keys were checked.
struct FileMap {
    var node: FileNode
    var entries: [FileNode.Entry]

    subscript(_ key: String) -> FileNode? { entries.first { $0.name == key }?.value }
}
