import ArgumentParser
import Model

struct Destinations: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists, pauses and resumes destinations.",
        discussion: """
            Examples:
              throughline destinations list
              throughline destinations pause crm --reason "moving to a new portal"
              throughline destinations resume crm
            """,
        subcommands: [List.self, Pause.self, Resume.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists destinations with their health.")
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await Session.with(common) { client, terminal in
                try await Listing(
                    path: "/v1/destinations", query: [], limit: Limits.pageMax, isPaged: false,
                    headings: ["NAME", "KIND", "STATE", "BREAKER", "RUNNING", "WHY"],
                    row: {
                        [
                            $0.cell("name"), $0.cell("kind"), $0.cell("state"), $0.cell("breaker"),
                            $0.cell("running"), $0["pause"]?["reason"]?.text ?? "-",
                        ]
                    }, empty: "No destinations are configured."
                ).show(client, terminal, json: common.json)
            }
        }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Holds all jobs of a destination; nothing is spent.")
        @Argument(help: "Its name.") var name: String
        @Option(help: "Why, for those who see it.") var reason = "paused on the command line"
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await Session.with(common) { client, terminal in
                let answer = try await client.call(
                    "POST", "/v1/destinations/\(PercentEncoding.encode(name))/pause", body: ["reason": .string(reason)])
                terminal.line(common.json ? answer.encodedText : "\(name) is paused. Its jobs wait.")
            }
        }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Tries the destination's credential and lets its jobs go on if it works.",
            discussion: "Exit code 1 where it does not work: the destination stays paused and its own words are shown.")
        @Argument(help: "Its name.") var name: String
        @Flag(help: "Resume without trying.") var force = false
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await Session.with(common) { client, terminal in
                let answer = try await client.call(
                    "POST", "/v1/destinations/\(PercentEncoding.encode(name))/resume", body: ["force": .bool(force)])
                // A probe that still fails is answered with an error in the destination's own words.
                terminal.line(common.json ? answer.encodedText : "\(name) is resumed.")
            }
        }
    }
}
