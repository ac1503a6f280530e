package import Model

/// The body of `POST /v1/events`, taken apart.
package enum EventBatch {
    package enum Item {
        /// An element of an array, and its own bytes as they are kept.
        case value(JSONValue, bytes: [UInt8])
        /// A line of NDJSON, not read yet.
        case text([UInt8])

        package var bytes: [UInt8] {
            switch self {
            case .value(_, let bytes), .text(let bytes): bytes
            }
        }
    }

    /// One object, or what is no list at all: its reader says what is wrong with it.
    case one
    case many([Item])
    case none
    case tooMany

    package init(_ body: [UInt8], isLines: Bool) {
        if isLines {
            let newline = UInt8(ascii: "\n")
            let lines = body.split(separator: newline).filter { !$0.allSatisfy { $0 <= 0x20 } }
            self = Self.list(lines) { .text(Array($0)) }
            return
        }
        guard body.first(where: { $0 > 0x20 }) == UInt8(ascii: "["),
            // What is no JSON is told by the reader, which keeps it.
            let elements = (try? JSONValue(parsing: body))?.array
        else {
            self = .one
            return
        }
        self = Self.list(elements) { .value($0, bytes: $0.encoded) }
    }

    private static func list<Element>(_ elements: [Element], item: (Element) -> Item) -> EventBatch {
        if elements.isEmpty { return .none }
        return elements.count > Limits.batchEventsMax ? .tooMany : .many(elements.map(item))
    }
}

/// What `Content-Type` and `Content-Encoding` say of a body.
enum MediaType {
    /// JSON, or nothing said.
    static func isJSON(_ value: String?) -> Bool {
        // What nearly all send, told without taking it apart.
        if value == "application/json" { return true }
        guard let type = essence(value) else { return true }
        return type == "application/json" || type == "text/json"
            || (type.hasPrefix("application/") && type.hasSuffix("+json"))
    }

    static func isEvents(_ value: String?) -> Bool { isJSON(value) || isLines(value) }

    static func isLines(_ value: String?) -> Bool {
        ["application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"]
            .contains(essence(value))
    }

    static func isPlain(encoding: String?) -> Bool {
        guard let encoding else { return true }
        return ["", "identity"].contains(Bytes.trimmed(encoding).lowercased())
    }

    private static func essence(_ value: String?) -> String? {
        guard let type = value?.split(separator: ";", omittingEmptySubsequences: false).first else { return nil }
        let trimmed = Bytes.trimmed(String(type)).lowercased()
        return trimmed.isEmpty ? nil : trimmed
    }
}
