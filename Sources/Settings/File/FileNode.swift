/// One value of the settings file: where it stands and what it is.
///
/// Every scalar is text.
struct FileNode: Sendable {
    indirect enum Content: Sendable {
        /// `isBare`: written without quotes.
        case scalar(String, isBare: Bool)
        case list([FileNode])
        case map([Entry])
        /// Not allowed here, and reported as such: nothing more is said about it.
        case refused
    }

    struct Entry: Sendable {
        var key: FileNode
        var name: String
        var value: FileNode
    }

    var line: Int
    var column: Int
    /// The key's path, as `flows[2].do`.
    var path: String
    var content: Content

    var text: String? { if case .scalar(let text, _) = content { text } else { nil } }

    var isRefused: Bool { if case .refused = content { true } else { false } }

    /// A key without anything behind it.
    var isEmpty: Bool { if case .scalar("", isBare: true) = content { true } else { false } }

    var entries: [Entry]? {
        if case .map(let entries) = content { return entries }
        return isEmpty ? [] : nil
    }

    /// What was found, for a problem's text.
    var summary: String {
        switch content {
        case .scalar where isEmpty: "nothing"
        case .scalar(let text, _): FileNode.quoted(text)
        case .list: "a list"
        case .map: "a map"
        case .refused: "what is not allowed"
        }
    }

    /// Text in quotes, on one line, cut where it is long.
    static func quoted(_ text: String) -> String {
        let safe = String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 ? " " : $0 }))
        return "\"" + (safe.count > 60 ? safe.prefix(60) + "…" : safe) + "\""
    }
}
