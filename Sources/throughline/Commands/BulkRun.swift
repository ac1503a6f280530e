import Model

/// A bulk action: its plan, the question, then slices with progress.
struct BulkRun {
    /// What one call changes at most.
    private static let sliceMax = 1000

    var action: String
    var id: String?
    var state: String?
    var filter: JobFilterOptions
    var consent: ConsentOptions
    var common: CommonOptions

    private var done: String { action == "cancel" ? "cancelled" : "retried" }

    func run() async throws {
        try await Session.with(common) { client, terminal in
            if let id { return try await Self.one(action, id, client, terminal, json: common.json) }
            let plan = try await client.call(
                "POST", "/v1/jobs/\(action)", body: .object(filter.body(state: state, isDryRun: true)))
            let matching = plan["plan"]?["count"]?.int ?? 0
            let count = min(matching, filter.filter.limit.map { Int64($0) } ?? .max)
            if common.json {
                if consent.dryRun { return terminal.line(plan.encodedText) }
            } else {
                lines(of: plan["plan"] ?? .null, count: count, of: matching).forEach { terminal.line($0) }
            }
            if consent.dryRun { return }
            if count == 0 {
                if common.json { terminal.line("{\"changed\":0}") }
                return
            }
            guard
                try terminal.confirms(
                    "\(action == "cancel" ? "Cancel" : "Retry") \(counted(count, "job", "jobs"))?", isYes: consent.yes)
            else {
                throw DoesNotHold()
            }
            let changed = try await slices(of: count, client, terminal)
            terminal.line(common.json ? "{\"changed\":\(changed)}" : "\(counted(changed, "job", "jobs")) \(done).")
        }
    }

    static func one(_ action: String, _ id: String, _ client: APIClient, _ terminal: Terminal, json: Bool)
        async throws
    {
        let answer = try await client.call("POST", "/v1/jobs/\(PercentEncoding.encode(id))/\(action)")
        terminal.line(json ? answer.encodedText : "\(id): \(action) done.")
    }

    /// The plan for people.
    private func lines(of plan: JSONValue, count: Int64, of matching: Int64) -> [String] {
        guard matching > 0 else { return ["No job matches that could be \(done)."] }
        var lines = [
            "\(counted(count, "job", "jobs")) would be \(done)"
                + (count < matching ? ", of \(matching) that match." : ".")
        ]
        for (key, name) in [("by_destination", "by destination"), ("by_error_class", "by error")] {
            let counts = (plan[key]?.object?.members ?? []).map { "\($0.key) \($0.value.text ?? "")" }
            if !counts.isEmpty { lines.append("  \(name): \(counts.joined(separator: ", "))") }
        }
        if let unknown = plan["unknown"]?.int, unknown > 0 {
            lines.append("  \(unknown) may have had their effect already")
        }
        if let kept = plan["kept_requests"]?.int, kept > 0, action == "retry" {
            lines.append(
                "  \(kept) \(kept == 1 ? "goes" : "go") out as rendered before; `events replay --repeat` renders anew")
        }
        if let untouched = plan["untouched"]?.int, untouched > 0 {
            lines.append("  \(untouched) more match and are in a state that cannot be \(done)")
        }
        if let seconds = plan["seconds_at_rate"]?.int, action == "retry", seconds > 0 {
            lines.append("  about \(seconds) s at the destinations' rates")
        }
        return lines
    }

    /// The server changes a bounded number a call; each call goes on where the last one ended.
    private func slices(of count: Int64, _ client: APIClient, _ terminal: Terminal) async throws -> Int64 {
        var changed: Int64 = 0
        while changed < count {
            var body = try filter.body(state: state, isDryRun: false)
            body["limit"] = .int(min(count - changed, Int64(Self.sliceMax)))
            let step = try await client.call("POST", "/v1/jobs/\(action)", body: .object(body))["changed"]?.int ?? 0
            changed += step
            terminal.progress("\(changed) of \(count) jobs")
            if step == 0 { break }
        }
        terminal.endProgress()
        return changed
    }
}
