import ArgumentParser
import Model
import Seams

struct Alerts: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists, acknowledges, silences and tries alerts.",
        discussion: """
            Examples:
              throughline alerts list
              throughline alerts acknowledge tal_01…
              throughline alerts silence 'dead_letters:crm' --for 2h --reason "moving to a new portal"
              throughline alerts test --to team
            """,
        subcommands: [List.self, Acknowledge.self, SilenceAlerts.self, Test.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists open alerts with what they cost.")
        @Flag(help: "Those that have ended too.") var all = false
        @Option(name: .shortAndLong, help: "How many at most.") var limit = Limits.pageDefault
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await Session.with(common) { client, terminal in
                try await Listing(
                    path: "/v1/alerts", query: [("open", all ? nil : "true")], limit: limit,
                    headings: ["ID", "SEVERITY", "SINCE", "STATE", "KEY", "WHAT", "COST"],
                    row: {
                        [
                            $0.cell("id"), $0.cell("severity"), $0.cell("at"), Self.state($0), $0.cell("key"),
                            $0.cell("title"), $0.cell("cost"),
                        ]
                    }, empty: all ? "There was never an alert." : "No alert is open."
                ).show(client, terminal, json: common.json)
            }
        }

        static func state(_ row: JSONObject) -> String {
            if row.present("ended_at") != nil { return "ended" }
            return row.present("acknowledged_at") == nil ? "open" : "acknowledged"
        }
    }

    struct Acknowledge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Says that you have an alert or an issue in hand: it is told again only when it grows worse.")
        @Argument(help: "Its id (tal_… or tis_…).") var id: String
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await Session.with(common) { client, terminal in
                let kind = id.hasPrefix("tis_") ? "issues" : "alerts"
                let answer = try await client.call(
                    "POST", "/v1/\(kind)/\(PercentEncoding.encode(id))/acknowledge")
                terminal.line(common.json ? answer.encodedText : "\(id) is acknowledged.")
            }
        }
    }

    struct SilenceAlerts: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "silence",
            abstract: "Keeps alerts from being told for a while, lists silences, or ends one.",
            discussion: "Silenced alerts open and end all the same; `alerts list` shows them.")
        @Argument(help: "An alert's key, or the beginning of keys with * at its end; without it silences are listed.")
        var pattern: String?
        @Option(name: .customLong("for"), help: "For how long (30m, 2h, 7d).") var duration = "1h"
        @Option(help: "Why, for those who see it.") var reason = ""
        @Flag(help: "End the silence instead.") var end = false
        @OptionGroup var common: CommonOptions

        func run() async throws {
            guard let length = Ago.duration(duration), length > .zero else {
                throw Failure(.usage, "--for takes a duration like 30m, 2h or 7d, not \"\(duration)\".")
            }
            try await Session.with(common) { client, terminal in
                guard let pattern else { return try await list(client, terminal) }
                guard pattern.contains(":") || pattern.hasSuffix("*") else {
                    throw Failure(
                        .usage,
                        "No alert is called \(pattern): keys look like failed_work:crm, and failed_work:* is all of a kind. "
                            + "Without one, silences are listed.")
                }
                if end {
                    let answer = try await client.call(
                        "POST", "/v1/silences/end", body: ["pattern": .string(pattern)])
                    return terminal.line(common.json ? answer.encodedText : "\(pattern) is told again.")
                }
                let until = (SystemTime().now + length).description
                let answer = try await client.call(
                    "POST", "/v1/silences",
                    body: ["pattern": .string(pattern), "until": .string(until), "reason": .string(reason)])
                terminal.line(common.json ? answer.encodedText : "\(pattern) is silent until \(until).")
            }
        }

        private func list(_ client: APIClient, _ terminal: Terminal) async throws {
            try await Listing(
                path: "/v1/silences", query: [], limit: Limits.pageMax, isPaged: false,
                headings: ["PATTERN", "UNTIL", "BY", "WHY"],
                row: { [$0.cell("pattern"), $0.cell("until"), $0.cell("by"), $0.cell("reason")] },
                empty: "Nothing is silenced."
            ).show(client, terminal, json: common.json)
        }
    }

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sends a trial alert to each destination of `alerts.to` and says what each answered.",
            discussion: "A pager gets an ended alert, which calls nobody out. Exit code 1 where one does not take it.")
        @Option(help: "Only to this destination.") var to: String?
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await Session.with(common) { client, terminal in
                let answer = try await client.call(
                    "POST", "/v1/alerts/test", body: .object(to.map { ["to": .string($0)] } ?? [:]))
                let items = (answer["items"]?.array ?? []).compactMap(\.object)
                if common.json {
                    for item in items { terminal.line(item.encodedText) }
                } else {
                    terminal.table(
                        ["DESTINATION", "TAKEN", "ANSWER"],
                        items.map {
                            [$0.cell("destination"), $0["taken"] == .bool(true) ? "yes" : "no", $0.cell("answer")]
                        })
                }
                if items.contains(where: { $0["taken"] != .bool(true) }) { throw DoesNotHold() }
            }
        }
    }
}

struct Issues: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists issues: all failures of one cause are one.",
        discussion: """
            Examples:
              throughline issues list
              throughline issues list --destination crm --json
            """,
        subcommands: [List.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists open issues with what they cost.")
        @Flag(help: "Those that have ended too.") var all = false
        @Option(help: "Only of this destination.") var destination: String?
        @Option(name: .shortAndLong, help: "How many at most.") var limit = Limits.pageDefault
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await Session.with(common) { client, terminal in
                try await Listing(
                    path: "/v1/issues", query: [("open", all ? nil : "true"), ("destination", destination)],
                    limit: limit,
                    headings: ["ID", "DESTINATION", "ERROR", "FIELD", "COUNT", "FIRST", "LAST", "STATE", "COST"],
                    row: {
                        [
                            $0.cell("id"), $0.cell("destination"), $0.cell("error_class"), $0.cell("field"),
                            $0.cell("count"), $0.cell("first"), $0.cell("last"), Alerts.List.state($0),
                            $0.cell("costs"),
                        ]
                    }, empty: "No issue is open."
                ).show(client, terminal, json: common.json)
            }
        }
    }
}
