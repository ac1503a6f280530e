import ArgumentParser
import Foundation
import Model
import Seams
import Settings

struct Emit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Sends events as the chatbot would.",
        discussion: """
            Examples:
              throughline emit lead_captured email=ada@example.com name=Ada session=sess_81
              throughline emit support_escalated session=sess_81 message="I was charged twice"
              throughline emit --file events.ndjson
            """)

    @Argument(help: "The event type.")
    var type: String?
    @Argument(help: "Fields: id, session, user, occurred_at, and any field of the event's data.")
    var fields: [String] = []
    @Option(help: "A file of events: one object, an array, or one a line. - reads standard input.")
    var file: String?
    @Option(help: "The source, where there are several of kind events.")
    var source: String?
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if (type == nil) == (file == nil) { throw ValidationError("Give an event type with its fields, or --file.") }
    }

    func run() async throws {
        try await Session.with(common) { client, terminal in
            if let file { return try await send(file: file, client, terminal) }
            let catalogue = Self.catalogue(common.config)
            let name = type ?? ""
            let event = try Self.event(type: name, fields: fields, catalogue: catalogue, mint: IDMint.system)
            let answer: JSONValue
            do {
                answer = try await client.call(
                    "POST", "/v1/events", query: [("source", source)], body: .object(event))
            } catch let failure as Failure where failure.field == "type" && catalogue[EventType(name)] == nil {
                throw Self.unknown(name, catalogue)
            }
            if common.json { return terminal.line(answer.encodedText) }
            let status = answer["status"]?.string ?? "accepted"
            let id = answer["event"]?.string ?? ""
            terminal.line("\(terminal.styled(status, .green)) \(id)")
            if !id.isEmpty { terminal.line("Follow it with: throughline trace \(id)") }
        }
    }

    /// The event types of this configuration; ours alone where it cannot be read, as beside a server elsewhere.
    static func catalogue(_ config: String?) -> EventCatalogue {
        // What is wrong with the file is told by the commands that need it.
        (try? ConfigurationLoader.read(config))?.reading.settings?.catalogue ?? EventCatalogue()
    }

    /// The server has the last word on its types; the hint is of those that are known here.
    static func unknown(_ type: String, _ catalogue: EventCatalogue) -> Failure {
        let hint = catalogue.nearest(to: type).map { "; did you mean \"\($0)\"?" } ?? "."
        return Failure(
            .invalid,
            "There is no event type \"\(type)\"\(hint) All stand in docs/sources.md under \"Event types\"; your own "
                + "are declared under types: in throughline.yaml.", field: "type")
    }

    /// `id=`, `session=`, `user=` and `occurred_at=` stand at the top, all else in `data`, as the type's shape has it.
    static func event(
        type: String, fields: [String], catalogue: EventCatalogue, mint: IDMint
    ) throws -> JSONObject {
        let shape = catalogue[EventType(type)]
        var event: JSONObject = ["id": .string("cli-\(mint.make(EventTag.self))"), "type": .string(type)]
        var data = JSONObject()
        for field in fields {
            guard let equals = field.firstIndex(of: "="), equals > field.startIndex else {
                throw Failure(.usage, "\"\(field)\" is no field: write name=value.")
            }
            let name = String(field[..<equals])
            let text = String(field[field.index(after: equals)...])
            if ["id", "session", "user", "occurred_at"].contains(name) {
                event[name] = .string(text)
            } else {
                data[name] = value(text, as: shape?.fields.first { $0.name == name }?.kind)
            }
        }
        event["data"] = .object(data)
        return event
    }

    /// Text that does not fit its kind stays text: the server's refusal says what was expected.
    static func value(_ text: String, as kind: FieldKind?) -> JSONValue {
        switch kind {
        case .amount, .integer, .number:
            Int64(text).map { .int($0) } ?? Double(text).map { .double($0) } ?? .string(text)
        case .flag: ["true": .bool(true), "false": .bool(false)][text] ?? .string(text)
        default: .string(text)
        }
    }

    private func send(file: String, _ client: APIClient, _ terminal: Terminal) async throws {
        let handle: FileHandle
        if file == "-" {
            handle = .standardInput
        } else {
            guard let opened = FileHandle(forReadingAtPath: file) else {
                throw Failure(.usage, "\(file) cannot be read: is the path right?")
            }
            handle = opened
        }
        let bytes: Data
        do {
            bytes = try handle.readToEnd() ?? Data()
        } catch {
            throw Failure(.usage, "\(file) cannot be read: it is a folder, or its disk fails. Name a file of events.")
        }
        let events = try Self.events(in: Array(bytes))
        guard !events.isEmpty else {
            throw Failure(.usage, "There is no event in \(file == "-" ? "standard input" : file). Give at least one.")
        }
        var counts: [String: Int] = [:]
        var isAllTaken = true
        for start in stride(from: 0, to: events.count, by: Limits.batchEventsMax) {
            let slice = Array(events[start..<min(start + Limits.batchEventsMax, events.count)])
            let answer = try await client.call("POST", "/v1/events", query: [("source", source)], body: .array(slice))
            for item in answer["items"]?.array ?? [] {
                let status = item["status"]?.string ?? "refused"
                counts[status, default: 0] += 1
                if item["error"] != nil, item["error"] != .null { isAllTaken = false }
                if common.json { terminal.line(item.encodedText) }
                if !common.json, let message = item["error"]?["message"]?.string {
                    terminal.note("event \(start + Int(item["index"]?.int ?? 0)): \(message)")
                }
            }
            terminal.progress("\(min(start + slice.count, events.count)) of \(events.count) events")
        }
        terminal.endProgress()
        if !common.json {
            terminal.line(counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", "))
        }
        if !isAllTaken { throw DoesNotHold() }
    }

    /// One object, an array, or one object a line.
    static func events(in bytes: [UInt8]) throws -> [JSONValue] {
        do {
            let value = try JSONValue(parsing: bytes)
            return value.array ?? [value]
        } catch {
            let lines = bytes.split(separator: UInt8(ascii: "\n"))
            return try lines.enumerated().compactMap { index, line in
                guard !line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) else { return nil }
                do throws(JSONError) { return try JSONValue(parsing: Array(line)) } catch {
                    throw Failure(.usage, "Line \(index + 1) is not usable JSON: \(error.description).")
                }
            }
        }
    }
}

extension IDMint {
    static var system: IDMint { IDMint(time: SystemTime(), chance: SystemChance()) }
}
