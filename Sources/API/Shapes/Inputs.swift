package import Journal
package import Model

/// Reads the parameters of a query or the members of a body, strictly: one that is not known is an error, because a
/// mistyped filter would otherwise match everything.
package struct Inputs: Sendable {
    private let values: JSONObject
    /// Everything of a query is text; in a body a truth is a truth and a number a number.
    private let isQuery: Bool
    private let now: Instant

    /// `isForm`: sent by a page, which names each of its fields and leaves those empty that say nothing.
    package init(_ query: Query, known: Set<String>, now: Instant, isForm: Bool = false) throws(Failure) {
        var values = JSONObject()
        for pair in query.pairs where !isForm || !pair.value.isEmpty {
            guard values[pair.name] == nil else {
                throw Failure(.invalid, "\(pair.name) is given twice; give it once.", field: pair.name)
            }
            values[pair.name] = .string(pair.value)
        }
        try self.init(values, known: known, now: now, isQuery: true)
    }

    /// An empty body is an object without members.
    package init(body: [UInt8], known: Set<String>, now: Instant) throws(Failure) {
        var values = JSONObject()
        if !body.isEmpty {
            do {
                values = try JSONObject(parsing: body)
            } catch {
                throw Failure(.invalid, "The body is no JSON object: \(error.description).")
            }
        }
        try self.init(values, known: known, now: now, isQuery: false)
    }

    private init(_ values: JSONObject, known: Set<String>, now: Instant, isQuery: Bool) throws(Failure) {
        if let name = values.keys.first(where: { !known.contains($0) }) {
            throw Failure(
                .invalid, "\(name) is not known here; use \(known.sorted().joined(separator: ", ")).", field: name)
        }
        // `--destination "$NAME"` where NAME is not set: not all destinations are meant.
        for member in values.members where member.value == .string("") {
            throw Failure(
                .invalid, "\(member.key) is empty; leave it out, or say which one you mean.", field: member.key)
        }
        self.values = values
        self.isQuery = isQuery
        self.now = now
    }

    package func text(_ name: String) throws(Failure) -> String? {
        guard let value = values.present(name) else { return nil }
        guard let text = value.string else { throw Failure(.invalid, "\(name) takes text.", field: name) }
        guard text.utf8.count <= Limits.textLengthMax else {
            throw Failure(.invalid, "\(name) is longer than \(Limits.textLengthMax) bytes.", field: name)
        }
        return text
    }

    package func required(_ name: String) throws(Failure) -> String {
        guard let text = try text(name) else { throw Failure(.invalid, "\(name) is missing.", field: name) }
        return text
    }

    package func flag(_ name: String) throws(Failure) -> Bool? {
        switch values.present(name) {
        case nil: return nil
        case .bool(let value)?: return value
        case .string("true")? where isQuery: return true
        case .string("false")? where isQuery: return false
        default: throw Failure(.invalid, "\(name) takes true or false.", field: name)
        }
    }

    package func count(_ name: String, upTo limit: Int) throws(Failure) -> Int? {
        guard let value = values.present(name) else { return nil }
        guard let number = value.int ?? (isQuery ? value.string.flatMap({ Int64($0) }) : nil),
            (1...Int64(limit)).contains(number)
        else {
            throw Failure(.invalid, "\(name) takes a whole number from 1 to \(limit).", field: name)
        }
        return Int(number)
    }

    /// A time in RFC 3339, or how long ago: `15m`, `2h`, `7d`.
    package func time(_ name: String) throws(Failure) -> Instant? {
        guard let text = try text(name) else { return nil }
        if let instant = Instant(rfc3339: text) { return instant }
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        if let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()),
            (0...100_000).contains(count)
        {
            return now - .seconds(count * unit)
        }
        throw Failure(
            .invalid, "\(name) takes a time like 2026-11-23T10:00:00Z, or how long ago, like 2h.", field: name)
    }

    /// One of the words, several by commas or as a list.
    package func words<Word: RawRepresentable & CaseIterable & Hashable>(_ name: String, of type: Word.Type)
        throws(Failure) -> Set<Word> where Word.RawValue == String
    {
        var found: Set<Word> = []
        let texts: [String]
        if let list = values[name]?.array {
            texts = list.map { $0.text ?? "null" }
        } else {
            texts = (try text(name) ?? "").split(separator: ",").map(String.init)
        }
        for text in texts {
            guard let word = Word(rawValue: text) else {
                let all = Word.allCases.map(\.rawValue).sorted().joined(separator: ", ")
                throw Failure(.invalid, "\(name) takes \(all); not \(text.prefix(40)).", field: name)
            }
            found.insert(word)
        }
        return found
    }

    package func page() throws(Failure) -> PageRequest {
        PageRequest(limit: try count("limit", upTo: Limits.pageMax) ?? Limits.pageDefault, cursor: try text("cursor"))
    }

    package static let page: Set<String> = ["limit", "cursor"]
    package static let jobs: Set<String> = ["state", "destination", "flow", "error", "since", "until"]
    package static let events: Set<String> = ["source", "type", "since", "until", "after"]
    package static let kept: Set<String> = ["kind", "source", "type", "code", "since", "until", "replayed"]

    package func jobFilter() throws(Failure) -> JobFilter {
        JobFilter(
            states: try words("state", of: JobState.self), destination: try text("destination"),
            flow: try text("flow"), errorClass: try text("error"), since: try time("since"), until: try time("until"))
    }

    package func eventFilter() throws(Failure) -> EventFilter {
        EventFilter(
            source: try text("source"), type: try text("type").map { EventType($0) }, since: try time("since"),
            until: try time("until"), after: try id("after"))
    }

    package func keptFilter() throws(Failure) -> KeptFilter {
        KeptFilter(
            kinds: try words("kind", of: KeptDelivery.Kind.self), source: try text("source"),
            externalType: try text("type"), code: try text("code"), since: try time("since"), until: try time("until"),
            isReplayed: try flag("replayed"))
    }

    package func id<Tag: IdentifierTag>(_ name: String) throws(Failure) -> Identifier<Tag>? {
        guard let text = try text(name) else { return nil }
        return try Self.id(text, field: name)
    }

    package static func id<Tag: IdentifierTag>(_ text: String, field: String) throws(Failure) -> Identifier<Tag> {
        guard let id = Identifier<Tag>(text) else {
            throw Failure(.invalid, "This is no id of the form \(Tag.prefix)… with 26 characters.", field: field)
        }
        return id
    }
}
