import ArgumentParser
import Model
import Seams

/// Filters that lists share.
struct FilterOptions: ParsableArguments {
    @Option(help: "Not before this time: RFC 3339, or how long ago (15m, 2h, 7d).")
    var since: String?
    @Option(help: "Not after this time.")
    var until: String?
    @Option(name: .shortAndLong, help: "How many at most (a list: 50 where it is not given).")
    var limit: Int?

    /// How many a list shows.
    var listed: Int { limit ?? Limits.pageDefault }

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit takes a number from 1 on.") }
    }

    func times() throws -> [(String, String?)] {
        [("since", try Self.time(since)), ("until", try Self.time(until))]
    }

    /// A time of the wall clock, as RFC 3339.
    private static func time(_ text: String?) throws -> String? {
        guard let text else { return nil }
        if let instant = Instant(rfc3339: text) { return instant.description }
        guard let ago = Ago.duration(text) else {
            throw Failure(.usage, "\"\(text)\" is no time: write 2026-11-23T10:00:00Z, or how long ago: 15m, 2h, 7d.")
        }
        return (SystemTime().now - ago).description
    }
}

enum Ago {
    static func duration(_ text: String) -> Duration? {
        guard let unit = text.last, let count = Int64(text.dropLast()), count >= 0, count < 1_000_000 else {
            return nil
        }
        let seconds: Int64? =
            switch unit {
            case "s": 1
            case "m": 60
            case "h": 3600
            case "d": 86_400
            default: nil
            }
        return seconds.map { .seconds($0 * count) }
    }
}

/// Shows a list page by page: a table for people, one line an item for machines.
struct Listing {
    var path: String
    var query: [(String, String?)]
    var limit: Int
    /// False for a list that is answered whole.
    var isPaged = true
    var headings: [String]
    var row: (JSONObject) -> [String]
    var empty: String

    func show(_ client: APIClient, _ terminal: Terminal, json: Bool) async throws {
        var rows: [[String]] = []
        try await client.list(path, query: query, limit: limit, isPaged: isPaged) { item in
            if json { terminal.line(item.encodedText) } else { rows.append(row(item)) }
        }
        guard !json else { return }
        if rows.isEmpty { terminal.line(empty) } else { terminal.table(headings, rows) }
    }
}

extension JSONObject {
    /// A member as text for a table, on one line; a dash where there is none.
    func cell(_ key: String) -> String { present(key)?.text.map(Terminal.oneLine) ?? "-" }
}

/// Prints one object: indented for people, on one line for machines.
enum Sheet {
    static func show(_ value: JSONValue, _ terminal: Terminal, json: Bool) {
        if json { return terminal.line(value.encodedText) }
        write(value, indent: "", terminal)
    }

    private static func write(_ value: JSONValue, indent: String, _ terminal: Terminal) {
        for member in value.object?.members ?? [] {
            let name = terminal.styled(member.key, .dim)
            switch member.value {
            case .null: continue
            case .object(let object) where object.isEmpty: continue
            case .array(let elements) where elements.isEmpty: continue
            case .object:
                terminal.line("\(indent)\(name)")
                write(member.value, indent: indent + "  ", terminal)
            case .array(let elements) where elements.contains { $0.object != nil }:
                terminal.line("\(indent)\(name)")
                for element in elements {
                    terminal.line("\(indent)  -")
                    write(element, indent: indent + "    ", terminal)
                }
            case .array(let elements):
                let texts = elements.compactMap { $0.text.map(Terminal.oneLine) }
                terminal.line("\(indent)\(name): \(texts.joined(separator: ", "))")
            default:
                terminal.line("\(indent)\(name): \(Terminal.oneLine(member.value.text ?? ""))")
            }
        }
    }
}
