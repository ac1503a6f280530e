import ArgumentParser
import Foundation
import Model

/// Filters of jobs.
struct JobFilterOptions: ParsableArguments {
    @Option(help: "Only for this destination.") var destination: String?
    @Option(help: "Only of this flow.") var flow: String?
    @Option(help: "Only with this error (http_500, missing_field, …).") var error: String?
    @OptionGroup var filter: FilterOptions

    func query(state: String?) throws -> [(String, String?)] {
        try [("state", state), ("destination", destination), ("flow", flow), ("error", error)] + filter.times()
    }

    /// The same as a body for bulk actions.
    func body(state: String?, isDryRun: Bool) throws -> JSONObject {
        var body: JSONObject = ["dry_run": .bool(isDryRun)]
        for (name, value) in try query(state: state) { body[name] = value.map { .string($0) } }
        return body
    }
}

struct Jobs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists, shows, retries and cancels jobs.",
        discussion: """
            Examples:
              throughline jobs list --state retryable --destination crm
              throughline jobs show tjb_01…
              throughline jobs retry --destination crm --error http_500
              throughline jobs cancel tjb_01…
            """,
        subcommands: [List.self, Show.self, Retry.self, Cancel.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists jobs, the newest first.")
        @Option(help: "Only in these states, separated by commas.") var state: String?
        @OptionGroup var filter: JobFilterOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let query = try filter.query(state: state)
            try await Session.with(common) { client, terminal in
                try await JobListing.make(query: query, limit: filter.filter.listed, empty: "No jobs match.")
                    .show(client, terminal, json: common.json)
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows one job with its attempts.")
        @Argument(help: "The job's id (tjb_…).") var id: String
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await Session.with(common) { client, terminal in
                let answer = try await client.call("GET", "/v1/jobs/\(PercentEncoding.encode(id))")
                Sheet.show(answer, terminal, json: common.json)
            }
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Tries a job again now, or all that match.")
        @Argument(help: "The job's id; without one, all that match the filters.") var id: String?
        @Option(help: "Only in these states.") var state: String?
        @OptionGroup var filter: JobFilterOptions
        @OptionGroup var consent: ConsentOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await BulkRun(action: "retry", id: id, state: state, filter: filter, consent: consent, common: common)
                .run()
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Cancels a job, or all that match.")
        @Argument(help: "The job's id; without one, all that match the filters.") var id: String?
        @Option(help: "Only in these states.") var state: String?
        @OptionGroup var filter: JobFilterOptions
        @OptionGroup var consent: ConsentOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await BulkRun(action: "cancel", id: id, state: state, filter: filter, consent: consent, common: common)
                .run()
        }
    }
}

struct Dead: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists dead letters by cause, shows, replays and cancels them.",
        discussion: """
            Examples:
              throughline dead list
              throughline dead replay --destination crm --error http_500
            """,
        subcommands: [List.self, Show.self, Replay.self, Cancel.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Groups dead letters by their cause.")
        @Flag(help: "One line a job instead of one a cause.") var each = false
        @OptionGroup var filter: JobFilterOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let query = try filter.query(state: "dead")
            try await Session.with(common) { client, terminal in
                if each {
                    return try await JobListing.make(
                        query: query, limit: filter.filter.listed, empty: "No dead letters."
                    )
                    .show(client, terminal, json: common.json)
                }
                try await Listing(
                    path: "/v1/dead", query: query.filter { $0.0 != "state" }, limit: filter.filter.listed,
                    isPaged: false, headings: ["COUNT", "DESTINATION", "ACTION", "ERROR", "LAST", "IN ITS WORDS"],
                    row: {
                        [
                            $0.cell("count"), $0.cell("destination"), $0.cell("action"), $0.cell("error_class"),
                            $0.cell("last"), $0.cell("error"),
                        ]
                    }, empty: "No dead letters."
                ).show(client, terminal, json: common.json)
            }
        }
    }

    typealias Show = Jobs.Show

    struct Replay: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Tries dead letters again.")
        @Argument(help: "The job's id; without one, all that match the filters.") var id: String?
        @OptionGroup var filter: JobFilterOptions
        @OptionGroup var consent: ConsentOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await BulkRun(action: "retry", id: id, state: "dead", filter: filter, consent: consent, common: common)
                .run()
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Puts a dead letter away; where it stops its lane, the jobs behind it go on.",
            discussion: "Open jobs are cancelled with: throughline jobs cancel")
        @Argument(help: "The job's id (tjb_…).") var id: String
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await Session.with(common) { client, terminal in
                try await BulkRun.one("cancel", id, client, terminal, json: common.json)
            }
        }
    }
}

enum JobListing {
    static func make(query: [(String, String?)], limit: Int, empty: String) -> Listing {
        Listing(
            path: "/v1/jobs", query: query, limit: limit,
            headings: ["ID", "STATE", "DESTINATION", "ACTION", "ATTEMPTS", "CREATED", "ERROR"],
            row: {
                [
                    $0.cell("id"), $0.cell("state"), $0.cell("destination"), $0.cell("action"), $0.cell("attempts"),
                    $0.cell("created_at"), $0.cell("error"),
                ]
            }, empty: empty)
    }
}
