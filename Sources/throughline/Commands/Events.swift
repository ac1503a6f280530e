import ArgumentParser
import Model

struct Events: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists, shows and replays events.",
        discussion: """
            Examples:
              throughline events list --type payment_succeeded --since 2h
              throughline events show tev_01…
              throughline events replay tev_01…
            """,
        subcommands: [List.self, Show.self, Replay.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists events, the newest first.")
        @Option(help: "Only of this source.") var source: String?
        @Option(help: "Only of this type.") var type: String?
        @OptionGroup var filter: FilterOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let query = try [("source", source), ("type", type)] + filter.times()
            try await Session.with(common) { client, terminal in
                try await Listing(
                    path: "/v1/events", query: query, limit: filter.listed,
                    headings: ["ID", "RECEIVED", "SOURCE", "TYPE", "SUBJECT"],
                    row: {
                        [$0.cell("id"), $0.cell("received_at"), $0.cell("source"), $0.cell("type"), $0.cell("subject")]
                    },
                    empty: "No events match."
                ).show(client, terminal, json: common.json)
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows one event with its decisions and jobs.")
        @Argument(help: "The event's id (tev_…).") var id: String
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await Session.with(common) { client, terminal in
                let answer = try await client.call("GET", "/v1/events/\(PercentEncoding.encode(id))")
                Sheet.show(answer, terminal, json: common.json)
            }
        }
    }

    struct Replay: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Plans an event again.",
            discussion: """
                What was done is not done again: its effect keys stand. With --repeat, effects that succeeded get a \
                new generation and happen a second time; the plan says which.
                """)
        @Argument(help: "The event's id (tev_…).") var id: String
        @Flag(help: "Do again what has succeeded already.") var `repeat` = false
        @OptionGroup var consent: ConsentOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await Session.with(common) { client, terminal in
                let path = "/v1/events/\(PercentEncoding.encode(id))/replay"
                let plan = try await client.call(
                    "POST", path, body: ["dry_run": true, "repeating": .bool(`repeat`)])
                if !common.json || consent.dryRun { Sheet.show(plan, terminal, json: common.json) }
                if consent.dryRun { return }
                let question = `repeat` ? "Do all of this again, at the destinations too?" : "Plan this event again?"
                guard try terminal.confirms(question, isYes: consent.yes) else { throw DoesNotHold() }
                let answer = try await client.call(
                    "POST", path, body: ["dry_run": false, "repeating": .bool(`repeat`)])
                if common.json { terminal.line(answer.encodedText) } else { terminal.line("Planned again.") }
            }
        }
    }
}
