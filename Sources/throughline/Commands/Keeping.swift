import ArgumentParser
import Foundation
import Model

struct Export: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes all that is kept of one person, or of a stretch of time, as lines of JSON.",
        discussion: """
            Each line has a kind: subject, identifier, join, state, fact, record, event, decision, job, kept_delivery; \
            the last one is end, so that a reader knows that nothing was cut off.

            Examples:
              throughline export --id ada@example.com --out ada.ndjson
              throughline export --since 7d --out week.ndjson
            """)
    @Option(help: "Any id of one person (email, session, payment, tsb_…).") var id: String?
    @Option(help: "From this time on: RFC 3339, or how long ago (7d).") var since: String?
    @Option(help: "Up to this time.") var until: String?
    @Option(help: "The new file, readable by its owner alone; default: standard output.") var out: String?
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if (id == nil) == (since == nil) {
            throw ValidationError("Name a person by --id, or a stretch of time by --since.")
        }
    }

    func run() async throws {
        try await Session.with(common) { client, terminal in
            var body = JSONObject()
            for (name, value) in [("id", id), ("since", since), ("until", until)] {
                body[name] = value.map { .string($0) }
            }
            let file = try out.map { try NewFile($0) }
            var (lines, isWhole) = (0, false)
            try await client.follow("POST", "/v1/export", body: .object(body)) { line in
                lines += 1
                isWhole = line["kind"]?.string == "end"
                if let file {
                    try file.write(line.encoded + [UInt8(ascii: "\n")])
                } else {
                    terminal.line(line.encodedText)
                }
                if file != nil, lines % 500 == 0 { terminal.progress("\(lines) lines") }
            }
            terminal.endProgress()
            guard isWhole else {
                throw Failure(
                    .unreachable,
                    "The export broke off after \(lines) lines; it is not whole\(file == nil ? "" : ", and the file is removed"). "
                        + "Order it again when the server is there.")
            }
            guard let file else { return }
            try file.close()
            terminal.line(
                common.json
                    ? (["file": .string(file.path), "lines": .int(Int64(lines))] as JSONValue).encodedText
                    : "Wrote \(lines) lines to \(file.path)")
        }
    }
}

/// A file that is made new, readable by its owner alone; what was not closed whole is removed.
final class NewFile {
    let path: String
    private let handle: FileHandle
    private var isWhole = false

    deinit { if !isWhole { unlink(path) } }

    init(_ path: String) throws {
        self.path = URL(filePath: path).standardizedFileURL.path
        let descriptor = open(self.path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else {
            let why = errno == EEXIST ? "it is there already; name a new file" : String(cString: strerror(errno))
            throw Failure(.usage, "\(self.path) cannot be written: \(why).")
        }
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    func write(_ bytes: [UInt8]) throws {
        do {
            try handle.write(contentsOf: Data(bytes))
        } catch {
            throw Failure(.unavailable, "\(path) cannot be written: \(error.localizedDescription).")
        }
    }

    func close() throws {
        do {
            try handle.synchronize()
            try handle.close()
            isWhole = true
        } catch {
            throw Failure(.unavailable, "\(path) cannot be written: \(error.localizedDescription).")
        }
    }
}

struct Retention: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retention",
        abstract: "Shows what will be let go of and when; --now does what is due.",
        discussion: """
            The server does it by itself once an hour, as retention: in throughline.yaml says.

            Examples:
              throughline retention
              throughline retention --now --yes
            """)
    @Flag(help: "Let go of what is too old now, in slices.") var now = false
    @OptionGroup var consent: ConsentOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await Session.with(common) { client, terminal in
            let plan = try await client.call("GET", "/v1/retention")
            if common.json {
                if !now || consent.dryRun { terminal.line(plan.encodedText) }
            } else {
                show(plan, terminal)
            }
            guard now, !consent.dryRun else { return }
            guard try terminal.confirms("Let go of what is too old now? It cannot be taken back.", isYes: consent.yes)
            else { throw DoesNotHold() }
            var (payloads, events, cursor): (Int64, Int64, String?) = (0, 0, nil)
            repeat {
                var body = JSONObject()
                body["cursor"] = cursor.map { .string($0) }
                let slice = try await client.call("POST", "/v1/retention", body: .object(body))
                payloads += slice["payloads"]?.int ?? 0
                events += slice["events"]?.int ?? 0
                cursor = slice["next"]?.string
                terminal.progress("\(payloads) payloads, \(events) events")
            } while cursor != nil
            terminal.endProgress()
            terminal.line(
                common.json
                    ? (["payloads": .int(payloads), "events": .int(events)] as JSONValue).encodedText
                    : "\(counted(payloads, "payload", "payloads")) and \(counted(events, "event", "events")) are gone.")
        }
    }

    private func show(_ plan: JSONValue, _ terminal: Terminal) {
        terminal.line(
            "Payloads are kept \(plan["raw_days"]?.text ?? "") days, events \(plan["events_days"]?.text ?? "") days; "
                + "the oldest event is of \(plan["oldest_event_at"]?.text ?? "-").")
        let rows = [("now", "now"), ("in_7_days", "in 7 days"), ("in_30_days", "in 30 days")].map { key, name in
            [name] + ["payloads", "kept_deliveries", "events"].map { plan[key]?[$0]?.text ?? "-" }
        }
        terminal.table(["WOULD GO", "PAYLOADS", "KEPT DELIVERIES", "EVENTS"], rows)
    }
}
