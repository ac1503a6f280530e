internal import FoundationEssentials
internal import Journal
internal import Model
internal import Seams

/// Writes all that is here of one person, or of a stretch of time, one JSON object a line.
///
/// A page at a time: what is in memory does not grow with what is written.
struct Export: Sendable {
    static let page = 50

    let dependencies: Dependencies
    let aftercare: Aftercare
    let subject: SubjectID?
    let since: Instant?
    let until: Instant?

    func run(_ write: Answer.Write) async throws {
        var count = 0
        func put(_ kind: String, _ body: JSONObject) async throws {
            var line: JSONObject = ["kind": .string(kind)]
            for member in body.members { line[member.key] = member.value }
            try await write(line.encoded + [UInt8(ascii: "\n")])
            count += 1
        }
        if let subject { try await holding(of: subject, put) }
        var cursor: String?
        repeat {
            let filter = EventFilter(since: since, until: until, subject: subject)
            let page = try await dependencies.reading.events(
                filter, page: PageRequest(limit: Self.page, cursor: cursor))
            for row in page.items { try await event(row.event.id, put) }
            cursor = page.next
        } while cursor != nil
        if subject == nil { try await kept(KeptFilter(since: since, until: until), put) }
        // A reader knows by it that nothing was cut off.
        try await put("end", ["lines": json(count)])
    }

    private typealias Put = (String, JSONObject) async throws -> Void

    private func holding(of subject: SubjectID, _ put: Put) async throws {
        let holding = try await aftercare.subjects.holding(of: subject)
        try await put("subject", ["id": json(subject)])
        for identifier in holding.identifiers {
            try await put(
                "identifier",
                [
                    "type": .string(identifier.kind.name), "value": .string(identifier.value),
                    "basis": .string(identifier.basis.rawValue),
                ])
        }
        for join in holding.joins {
            try await put(
                "join",
                [
                    "child": json(join.child), "root": json(join.root), "basis": .string(join.basis.rawValue),
                    "through": .string(join.through.description),
                ])
        }
        for (aspect, register) in holding.state.registers.sorted(by: { $0.key < $1.key }) {
            try await put(
                "state", ["aspect": .string(aspect), "at": json(register.at), "fields": .object(register.fields)])
        }
        for fact in holding.facts {
            try await put(
                "fact",
                [
                    "key": .string(fact.key), "type": json(fact.type?.name), "event": json(fact.event),
                    "occurred_at": json(fact.occurredAt), "data": .object(fact.data),
                ])
        }
        for linked in holding.records {
            try await put(
                "record",
                [
                    "destination": .string(linked.destination), "at": json(linked.at), "job": json(linked.job),
                    "record": .object(linked.record.json),
                ])
        }
    }

    private func event(_ id: EventID, _ put: Put) async throws {
        guard let detail = try await dependencies.reading.event(id) else { return }
        var body = detail.row.json
        body["payload"] = Self.text(detail.payload)
        try await put("event", body)
        if subject == nil {
            for fact in detail.facts { try await put("fact", ["key": .string(fact.key), "data": .object(fact.data)]) }
        }
        for decision in detail.decisions { try await put("decision", decision.json) }
        for job in detail.jobs {
            guard let job = try await dependencies.reading.job(job.id) else { continue }
            try await put("job", job.json)
        }
        try await kept(KeptFilter(event: id), put)
    }

    private func kept(_ filter: KeptFilter, _ put: Put) async throws {
        var cursor: String?
        repeat {
            let page = try await dependencies.reading.keptDeliveries(
                filter, page: PageRequest(limit: Self.page, cursor: cursor))
            for kept in page.items {
                var body = kept.json
                body["type"] = body["kind"]
                body["kind"] = nil
                body["payload"] = Self.text(kept.payload)
                try await put("kept_delivery", body)
            }
            cursor = page.next
        } while cursor != nil
    }

    /// Text where it is text, else `{"base64": …}`.
    private static func text(_ bytes: [UInt8]?) -> JSONValue {
        guard let bytes else { return .null }
        if let text = String(validating: bytes, as: UTF8.self) { return .string(text) }
        return ["base64": .string(Data(bytes).base64EncodedString())]
    }
}
