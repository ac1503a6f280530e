internal import API
internal import Journal
internal import Model
internal import Settings
internal import Trail

extension Console {
    var bulkRoutes: [Route] {
        [
            page("GET", "/console/bulk/{action}", .operator) { visit in try await planPage(visit, visit.call.query) },
            page("POST", "/console/bulk/{action}", .operator) { visit in
                let (action, filter) = try bulk(visit.call, visit.form)
                let plan = try await dependencies.operating.bulkPlan(action, filter)
                guard plan.count > 0 else { throw Failure(.conflict, "Nothing fits any more; nothing was done.") }
                // Only what was shown is ordered.
                let shown = try inputs(visit.form).count("planned", upTo: .max) ?? 0
                guard plan.count <= shown else { return try await planPage(visit, visit.form, shown: shown) }
                let run = try desk.order(
                    .jobs(action, filter), title: "\(Self.verb(action)) \(Shown.count(plan.count, "job"))",
                    planned: plan.count, by: visit.actor)
                return redirect(to: "/console/runs/\(run)")
            },
            page("GET", "/console/runs/{id}") { visit in try await runPage(visit) },
            page("POST", "/console/runs/{id}/stop", .operator) { visit in
                let run = try run(visit)
                desk.stop(run.id)
                try await note(visit, "bulk.stop", run.title)
                return redirect(to: "/console/runs/\(run.id)")
            },
        ]
    }

    private static func verb(_ action: BulkAction) -> String {
        switch action {
        case .retry: "Replay"
        case .cancel: "Cancel"
        }
    }

    static func list(_ counts: [String: Int]) -> JSONValue {
        .array(
            counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(50).map {
                ["name": .string($0.key.isEmpty ? "none" : $0.key), "count": .string(Shown.number($0.value))]
            })
    }

    /// What is going to be done, before anything is.
    ///
    /// `shown`: so many stood on the page whose button was pressed, and there are more now.
    private func planPage(_ visit: Visit, _ query: Query, shown: Int? = nil) async throws -> Answer {
        let (action, filter) = try bulk(visit.call, query)
        let plan = try await dependencies.operating.bulkPlan(action, filter)
        let details = try await JobBulk(dependencies: dependencies, action: action, filter: filter).plan()
        let seconds = details["seconds_at_rate"]?.int
        return try await html(
            "plan", in: "jobs",
            [
                "title": .string("Plan: \(Self.verb(action).lowercased()) jobs"),
                "verb": .string(Self.verb(action)), "path": .string("/console/bulk/\(action.rawValue)"),
                "what": .string(Shown.count(plan.count, "job")), "is_any": .bool(plan.count > 0),
                "is_retry": .bool(action == .retry),
                "grown": .string(shown.map { Shown.count($0, "job") } ?? ""),
                "kept": .string(
                    action == .retry && plan.keptRequests > 0 ? Shown.count(plan.keptRequests, "job") : ""),
                "unknown": .string(plan.unknown > 0 ? Shown.count(plan.unknown, "job") : ""),
                "untouched": .string(plan.untouched > 0 ? Shown.count(plan.untouched, "job") : ""),
                "takes": .string(
                    action == .cancel
                        ? ""
                        : seconds.map { $0 < 1 ? "less than a second" : "about " + TrailText.duration($0 * 1000) } ?? ""
                ),
                "first_list": ["title": "By destination", "items": Self.list(plan.byDestination)],
                "second_list": ["title": "By cause", "items": Self.list(plan.byErrorClass)],
                "fields": Filters.bound(
                    query, since: filter.since, until: filter.until ?? now, ("planned", String(plan.count))),
                "back": "/console/dead",
            ], visit)
    }

    private func bulk(_ call: Call, _ query: Query) throws -> (BulkAction, JobFilter) {
        guard let action = BulkAction(rawValue: call.parameter("action")) else {
            throw Failure(.notFound, "There is no such action.")
        }
        var filter = try inputs(query).jobFilter()
        if filter.states.isEmpty && action == .retry { filter.states = [.dead] }
        return (action, filter)
    }

    private func inputs(_ query: Query) throws(Failure) -> Inputs {
        try Inputs(query, known: Inputs.jobs.union(["csrf", "planned"]), now: now, isForm: true)
    }

    private func run(_ visit: Visit) throws(Failure) -> BulkDesk.Run {
        guard let run = desk.run(visit.call.parameter("id")) else {
            throw Failure(
                .notFound, "There is no such order here; a restart forgets them, and the audit has what was done.")
        }
        return run
    }

    private func runPage(_ visit: Visit) async throws -> Answer {
        let run = try run(visit)
        let isOver = run.state != .waiting && run.state != .running
        let sequel = try await sequel(of: run, isOver: isOver)
        return try await html(
            "run", in: "jobs",
            [
                "title": .string(run.title), "heading": .string(run.title), "id": .string(run.id),
                "state": .string(run.isStopping && !isOver ? "stopping" : run.state.rawValue),
                "tone": .string(
                    run.state == .done
                        ? "good" : run.state == .failed ? "bad" : run.state == .stopped ? "warn" : "quiet"),
                "done": .string(Shown.number(run.done)), "planned": .string(Shown.number(run.planned)),
                "value": .string(String(run.done)), "max": .string(String(max(run.planned, 1))),
                "refused": .string(run.refused > 0 ? Shown.number(run.refused) : ""),
                "deed": .string(Self.deed(run.order)), "is_quarantine": .bool(run.order.isOfQuarantine),
                "still_open": .string(
                    sequel.map { ($0.open < Limits.pageMax ? "" : "at least ") + Shown.count($0.open, "job") } ?? ""),
                "dead_again": .string(sequel.map { $0.dead > 0 ? Shown.number($0.dead) : "" } ?? ""),
                "problem": .string(run.problem ?? ""), "actor": .string(run.actor),
                "at": Shown.stamp(run.orderedAt, now: now), "is_over": .bool(isOver),
                "can_stop": .bool(!isOver && !run.isStopping), "refresh": .bool(!isOver || (sequel?.open ?? 0) > 0),
            ], visit)
    }

    private static func deed(_ order: BulkDesk.Order) -> String {
        switch order {
        case .jobs(.retry, _): "set going again"
        case .jobs(.cancel, _): "cancelled"
        case .quarantine: "read again"
        }
    }

    /// What has become of the jobs that were set going: how many are on their way, whatever stopped them last, and how
    /// many lie dead of the cause that they were ordered for.
    private func sequel(of run: BulkDesk.Run, isOver: Bool) async throws -> (open: Int, dead: Int)? {
        guard isOver, run.done > 0, case .jobs(.retry, var filter) = run.order else { return nil }
        let cause = filter.errorClass
        filter.errorClass = nil
        filter.states = Set(JobState.allCases.filter { !$0.isEnded })
        // Looked at again and again while the page is open: both are bounded.
        let open = try await dependencies.reading.jobs(filter, page: PageRequest(limit: Limits.pageMax)).items.count
        (filter.states, filter.errorClass) = ([.dead], cause)
        return (open, try await dependencies.reading.deadGroups(filter).reduce(0) { $0 + $1.count })
    }
}
