import ArgumentParser
import Model
import Seams

struct Reconcile: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Holds what providers say against the journal, and mends what differs.",
        discussion: """
            Stripe's events and objects, HubSpot's contacts, Zendesk's tickets: each difference is named by its cause. \
            Exit code 0 where nothing differs (or all was repaired), 1 where something does, 3 where a provider could \
            not be asked.

            Examples:
              throughline reconcile
              throughline reconcile --source stripe --since 30d
              throughline reconcile --source crm --repair
              throughline reconcile list
            """,
        subcommands: [Run.self, List.self, Show.self, Repair.self], defaultSubcommand: Run.self)

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Compares now, and waits for the end.")
        @Option(help: "Only this source or destination.") var source: String?
        @Option(help: "How far back: RFC 3339, or how long ago (7d); default: reconcile.since.") var since: String?
        @Flag(help: "Then repair what differs, after showing the plan.") var repair = false
        @OptionGroup var consent: ConsentOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await Session.with(common) { client, terminal in
                var body = JSONObject()
                body["source"] = source.map { .string($0) }
                body["since"] = since.map { .string($0) }
                let runs =
                    try await client.call("POST", "/v1/reconciliations", body: .object(body))["items"]?.array ?? []
                var isWell = true
                for id in runs.compactMap({ $0["id"]?.string }) {
                    let desk = ReconciliationDesk(client: client, terminal: terminal, json: common.json)
                    let run = try await desk.waitForEnd(of: id)
                    try await desk.show(run)
                    guard try desk.differences(of: run) > 0 else { continue }
                    let isRepaired =
                        repair || consent.dryRun ? try await desk.repair(id, causes: nil, consent) : false
                    if !isRepaired { isWell = false }
                }
                if !isWell { throw DoesNotHold() }
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists runs, the newest first.")
        @Option(name: .shortAndLong, help: "How many at most.") var limit = Limits.pageDefault
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await Session.with(common) { client, terminal in
                try await Listing(
                    path: "/v1/reconciliations", query: [], limit: limit,
                    headings: ["STARTED", "PLACE", "STATE", "MATCHED", "DIFFERENCES", "REPAIRED", "ID"],
                    row: { item in
                        [
                            item.cell("started_at"), item.cell("place"), item.cell("state"),
                            "\(item.cell("matched"))/\(item.cell("judged"))", item.cell("differences"),
                            item.cell("repaired"), item.cell("id"),
                        ]
                    }, empty: "Nothing was reconciled yet (throughline reconcile)."
                ).show(client, terminal, json: common.json)
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows one run and what differed.")
        @Argument(help: "Its id (trc_…).") var id: String
        @Option(help: "Only these causes, by commas: never_arrived, arrived_and_dead, never_planned, …") var cause:
            String?
        @Flag(help: "Only what nothing was done about.") var open = false
        @Option(name: .shortAndLong, help: "How many differences at most.") var limit = Limits.pageDefault
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await Session.with(common) { client, terminal in
                let path = "/v1/reconciliations/\(PercentEncoding.encode(id))"
                let desk = ReconciliationDesk(client: client, terminal: terminal, json: common.json)
                try await desk.show(try await client.call("GET", path))
                try await Listing(
                    path: path + "/differences", query: [("cause", cause), ("open", open ? "true" : nil)], limit: limit,
                    headings: ["CAUSE", "KEY", "EVENT", "DETAIL", "REPAIR"],
                    row: { item in
                        let repair = item["repair"]?.object
                        return [
                            item.cell("cause"), item.cell("key"), item.cell("event"), item.cell("detail"),
                            repair.map { "\($0.cell("outcome")): \($0.cell("note"))" } ?? "-",
                        ]
                    }, empty: "Nothing differs."
                ).show(client, terminal, json: common.json)
            }
        }
    }

    struct Repair: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Repairs what the newest run of a place found, after showing the plan.",
            discussion: """
                Example:
                  throughline reconcile repair trc_01jd… --cause never_arrived,arrived_and_dead --yes
                """)
        @Argument(help: "The run's id (trc_…).") var id: String
        @Option(help: "Only these causes, by commas.") var cause: String?
        @OptionGroup var consent: ConsentOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await Session.with(common) { client, terminal in
                let desk = ReconciliationDesk(client: client, terminal: terminal, json: common.json)
                if try await !desk.repair(id, causes: cause, consent) { throw DoesNotHold() }
            }
        }
    }
}

/// One run as a person follows it.
struct ReconciliationDesk {
    private static let interval: Duration = .milliseconds(300)

    var client: APIClient
    var terminal: Terminal
    var json: Bool

    private func read(_ id: String) async throws -> JSONObject {
        try await client.call("GET", "/v1/reconciliations/\(PercentEncoding.encode(id))").object ?? [:]
    }

    func waitForEnd(of id: String) async throws -> JSONValue {
        while true {
            let run = try await read(id)
            guard run["state"]?.string == "running" else {
                terminal.endProgress()
                return .object(run)
            }
            terminal.progress("comparing \(run.cell("place")) …")
            try await SystemTime().sleep(for: Self.interval)
        }
    }

    /// Throws where the run did not come to its end.
    func show(_ run: JSONValue) async throws {
        let object = run.object ?? [:]
        if json {
            terminal.line(run.encodedText)
        } else {
            lines(of: object).forEach { terminal.line($0) }
        }
        guard object["state"]?.string != "failed" else {
            throw Failure(.unreachable, "\(object.cell("place")) could not be compared: \(object.cell("reason"))")
        }
    }

    private func lines(of run: JSONObject) -> [String] {
        var lines = [
            "\(run.cell("place")): \(run.cell("matched")) of \(run.cell("judged")) match\(Self.percent(run["rate"])), "
                + "\(run.cell("since")) to \(run.cell("until"))  \(run.cell("id"))"
        ]
        for sample in run["samples"]?.array?.compactMap(\.object) ?? []
        where sample["matched"]?.int != sample["judged"]?.int {
            lines.append(
                "  \(sample.cell("name")): \(sample.cell("matched")) of \(sample.cell("judged"))"
                    + Self.percent(sample["rate"]))
        }
        for cause in run["by_cause"]?.object?.members ?? [] {
            lines.append("  \(cause.key): \(cause.value["all"]?.text ?? "0"), open \(cause.value["open"]?.text ?? "0")")
        }
        if run["is_cut"]?.bool == true { lines.append("  A bound was met: there may be more. Look at a shorter time.") }
        return lines
    }

    private static func percent(_ rate: JSONValue?) -> String {
        guard case .double(let rate)? = rate else {
            return rate?.int.map { " (\($0 * 100) %)" } ?? ""
        }
        return " (\((rate * 1000).rounded() / 10) %)"
    }

    func differences(of run: JSONValue) throws -> Int64 { run["differences"]?.int ?? 0 }

    /// Shows the plan, asks, and waits until nothing of it is open; true where all was repaired.
    func repair(_ id: String, causes: String?, _ consent: ConsentOptions) async throws -> Bool {
        let path = "/v1/reconciliations/\(PercentEncoding.encode(id))/repair"
        var body = JSONObject()
        body["cause"] = causes.map { .string($0) }
        let plan = try await client.call("POST", path, body: .object(body))
        let count = plan["count"]?.int ?? 0
        if !json {
            terminal.line(count == 0 ? "Nothing is left to be repaired." : "\(counted(count, "repair", "repairs")):")
            for step in plan["steps"]?.array?.compactMap(\.object) ?? [] {
                terminal.line("  \(step.cell("count")) \(step.cell("cause")): \(step.cell("words"))")
            }
        } else if consent.dryRun {
            terminal.line(plan.encodedText)
        }
        if count == 0 { return true }
        if consent.dryRun { return false }
        guard try terminal.confirms("Repair \(counted(count, "difference", "differences"))?", isYes: consent.yes) else {
            return false
        }
        body["dry_run"] = false
        try await client.call("POST", path, body: .object(body))
        return try await follow(id, causes: causes.map { Set($0.split(separator: ",").map(String.init)) }, of: count)
    }

    private func follow(_ id: String, causes: Set<String>?, of count: Int64) async throws -> Bool {
        while true {
            let run = try await read(id)
            let open = (run["by_cause"]?.object?.members ?? []).filter { causes?.contains($0.key) ?? true }
                .reduce(Int64(0)) { $0 + ($1.value["open"]?.int ?? 0) }
            terminal.progress("\(count - open) of \(count) …")
            if open == 0 {
                terminal.endProgress()
                let failed = (run["differences"]?.int ?? 0) - (run["repaired"]?.int ?? 0)
                terminal.line(
                    json
                        ? JSONValue.object(run).encodedText
                        : failed == 0 || causes != nil
                            ? "\(run.cell("repaired")) repaired."
                            : "\(run.cell("repaired")) repaired, \(failed) not: throughline reconcile show \(id)")
                return failed == 0
            }
            try await SystemTime().sleep(for: Self.interval)
        }
    }
}
