import ArgumentParser
import Model

struct Quarantine: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists, shows, replays and sets aside deliveries that did not become events.",
        discussion: """
            Quarantined: authentic, but unusable as it came; replay it after a mapping is mended. Ignored: of no \
            interest to any source's map. Unplannable: an event that planning could not take.

            Examples:
              throughline quarantine list
              throughline quarantine list --kind ignored --source stripe
              throughline quarantine replay tqu_01…
              throughline quarantine set-aside --source chat --code unknown_type
            """,
        subcommands: [List.self, Show.self, Replay.self, SetAside.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists kept deliveries, the newest first.")
        @Option(help: "quarantined, ignored or unplannable (default: quarantined and unplannable).")
        var kind: String?
        @OptionGroup var which: WhichOptions
        @OptionGroup var filter: FilterOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let query =
                try [("kind", kind ?? Quarantine.needingMend)] + which.query + filter.times()
            try await Session.with(common) { client, terminal in
                try await Listing(
                    path: "/v1/quarantine", query: query, limit: filter.listed,
                    headings: ["ID", "KIND", "SOURCE", "TYPE", "RECEIVED", "CODE", "WHY"],
                    row: {
                        [
                            $0.cell("id"), $0.cell("kind"), $0.cell("source"), $0.cell("external_type"),
                            $0.cell("received_at"),
                            $0.cell("code"), $0.cell("reason"),
                        ]
                    }, empty: "Nothing is kept there."
                ).show(client, terminal, json: common.json)
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows one kept delivery.")
        @Argument(help: "Its id (tqu_…).") var id: String
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await Session.with(common) { client, terminal in
                let answer = try await client.call("GET", "/v1/quarantine/\(PercentEncoding.encode(id))")
                Sheet.show(answer, terminal, json: common.json)
            }
        }
    }

    struct Replay: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Reads a kept delivery again with today's configuration, or all that match.")
        @Argument(help: "Its id; without one, all that match the filters.") var id: String?
        @Option(help: "quarantined, ignored or unplannable (default: quarantined and unplannable).")
        var kind: String?
        @OptionGroup var which: WhichOptions
        @OptionGroup var filter: FilterOptions
        @OptionGroup var consent: ConsentOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await Session.with(common) { client, terminal in
                let ids = try await Quarantine.matching(
                    id, kind ?? Quarantine.needingMend, which, filter, client)
                let deliveries = counted(ids.count, "delivery", "deliveries")
                if !common.json || consent.dryRun {
                    terminal.line(common.json ? "{\"count\":\(ids.count)}" : "\(deliveries) would be read again.")
                }
                if consent.dryRun || ids.isEmpty { return }
                guard try terminal.confirms("Read \(deliveries) again?", isYes: consent.yes) else {
                    throw DoesNotHold()
                }
                var isAllTaken = true
                for (index, id) in ids.enumerated() {
                    let answer = try await read(id, client)
                    let status = answer["status"]?.string ?? ""
                    if status != "accepted" && status != "duplicate" { isAllTaken = false }
                    let words = answer["error"]?.string.map { ": \($0)" } ?? ""
                    terminal.endProgress()
                    terminal.line(common.json ? answer.encodedText : "\(id)  \(status)\(words)")
                    terminal.progress("\(index + 1) of \(ids.count)")
                }
                terminal.endProgress()
                if !isAllTaken { throw DoesNotHold() }
            }
        }

        /// One that still cannot be read does not stop the others.
        private func read(_ id: String, _ client: APIClient) async throws -> JSONObject {
            do {
                let answer = try await client.call("POST", "/v1/quarantine/\(PercentEncoding.encode(id))/replay")
                var object = answer.object ?? [:]
                object["quarantine"] = .string(id)
                return object
            } catch let failure as Failure where failure.code == .conflict || failure.code == .invalid {
                return [
                    "quarantine": .string(id), "status": "refused", "error": .string(failure.message),
                ]
            }
        }
    }

    struct SetAside: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set-aside",
            abstract: "Puts quarantined deliveries that need no mend among the ignored ones: one, or all that match.",
            discussion: "They are kept as long as before and can be read again.")
        @Argument(help: "Its id; without one, all that match the filters.") var id: String?
        @OptionGroup var which: WhichOptions
        @OptionGroup var filter: FilterOptions
        @OptionGroup var consent: ConsentOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await Session.with(common) { client, terminal in
                // Those that were counted, and none that came since.
                let ids = try await Quarantine.matching(id, "quarantined", which, filter, client)
                let deliveries = counted(ids.count, "delivery", "deliveries")
                if !common.json || consent.dryRun {
                    terminal.line(common.json ? "{\"count\":\(ids.count)}" : "\(deliveries) would be set aside.")
                }
                if consent.dryRun || ids.isEmpty { return }
                guard try terminal.confirms("Set \(deliveries) aside?", isYes: consent.yes) else { throw DoesNotHold() }
                for (index, id) in ids.enumerated() {
                    try await client.call("POST", "/v1/quarantine/\(PercentEncoding.encode(id))/set-aside")
                    terminal.progress("\(index + 1) of \(ids.count)")
                }
                terminal.endProgress()
                terminal.line(
                    common.json
                        ? "{\"set_aside\":\(ids.count)}"
                        : "\(counted(ids.count, "delivery is", "deliveries are")) set aside.")
            }
        }
    }

    /// Which of the kept deliveries.
    struct WhichOptions: ParsableArguments {
        @Option(help: "Only of this source.") var source: String?
        @Option(help: "Only of this type, as its sender calls it.") var type: String?
        @Option(help: "Only with this reason (invalid_json, unmapped, …).") var code: String?

        fileprivate var query: [(String, String?)] { [("source", source), ("type", type), ("code", code)] }
    }

    private static let matchingMax = 10_000
    fileprivate static let needingMend = "quarantined,unplannable"

    /// The ids of those that wait and match; of one that is not there it is told before anything is counted.
    fileprivate static func matching(
        _ id: String?, _ kind: String, _ which: WhichOptions, _ filter: FilterOptions, _ client: APIClient
    ) async throws -> [String] {
        if let id {
            try await client.call("GET", "/v1/quarantine/\(PercentEncoding.encode(id))")
            return [id]
        }
        var ids: [String] = []
        let query = try [("kind", kind), ("replayed", "false")] + which.query + filter.times()
        try await client.list("/v1/quarantine", query: query, limit: filter.limit ?? matchingMax) { item in
            if let id = item["id"]?.string { ids.append(id) }
        }
        return ids
    }
}
