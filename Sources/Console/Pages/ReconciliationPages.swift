internal import API
internal import Journal
internal import Model
internal import Seams
internal import Settings

extension Console {
    var reconciliationRoutes: [Route] {
        [
            page("GET", "/console/reconciliations") { visit in try await reconciliationList(visit) },
            page("POST", "/console/reconciliations", .operator) { visit in
                let inputs = try Inputs(visit.form, known: ["place", "since", "csrf"], now: now, isForm: true)
                let runs = try await aftercare().reconciling.order(
                    place: try inputs.text("place"), since: try inputs.time("since"), by: visit.actor)
                for run in runs {
                    try await note(visit, "reconciliations.run", run.id.description, detail: run.place)
                }
                guard let only = runs.first, runs.count == 1 else { return redirect(to: "/console/reconciliations") }
                return redirect(to: "/console/reconciliations/\(only.id)")
            },
            page("GET", "/console/reconciliations/{id}") { visit in try await reconciliationPage(visit) },
            page("GET", "/console/reconciliations/{id}/repair", .operator) { visit in try await repairPlan(visit) },
            page("POST", "/console/reconciliations/{id}/repair", .operator) { visit in
                let run = try await reconciliation(visit)
                let causes = try causes(visit.form)
                try await aftercare().reconciling.orderRepair(of: run.id, causes: causes, by: visit.actor)
                return redirect(to: "/console/reconciliations/\(run.id)")
            },
        ]
    }

    private func aftercare() throws -> Aftercare {
        guard let aftercare = dependencies.aftercare else {
            throw Failure(.notFound, "This server compares nothing with providers.")
        }
        return aftercare
    }

    private func reconciliation(_ visit: Visit) async throws -> Reconciliation {
        guard let id = ReconciliationID(visit.call.parameter("id")),
            let run = try await aftercare().runs.reconciliation(id)
        else { throw Failure(.notFound, "There is no reconciliation with this id.") }
        return run
    }

    /// Those that a plan or a repair is for; empty: all.
    private func causes(_ query: Query) throws -> Set<Difference.Cause> {
        try Inputs(query, known: ["cause", "csrf"], now: now, isForm: true).words("cause", of: Difference.Cause.self)
    }

    // MARK: All

    private func reconciliationList(_ visit: Visit) async throws -> Answer {
        let query = visit.call.query
        let inputs = try Inputs(query, known: Inputs.page, now: now, isForm: true)
        let aftercare = try aftercare()
        let page = try await aftercare.runs.reconciliations(page: inputs.page())
        let now = now
        return try await html(
            "reconciliations", in: "reconciliations",
            [
                "title": "Reconciliation",
                "places": .array(aftercare.reconciling.places.map { ["name": .string($0)] }),
                "every": .string(settings.reconcile.every.map(Self.span) ?? ""),
                "settle": .string(Self.span(settings.reconcile.settle)),
                "runs": .array(page.items.map { .object(Self.values(of: $0, now: now)) }),
                "older": Filters.older("/console/reconciliations", query, next: page.next),
            ], visit)
    }

    /// `day`, `7 days`, `6 h`, `30 min`.
    private static func span(_ duration: Duration) -> String {
        let minutes = Int(duration.milliseconds / 60_000)
        if minutes % 1440 == 0 { return minutes == 1440 ? "day" : Shown.count(minutes / 1440, "day") }
        return minutes % 60 == 0 ? "\(minutes / 60) h" : "\(minutes) min"
    }

    // MARK: One

    private func reconciliationPage(_ visit: Visit) async throws -> Answer {
        let run = try await reconciliation(visit)
        let query = visit.call.query
        let inputs = try Inputs(query, known: Inputs.page.union(["cause", "open"]), now: now, isForm: true)
        let filter = DifferenceFilter(
            causes: try inputs.words("cause", of: Difference.Cause.self), isOpen: try inputs.flag("open") ?? false)
        let runs = try aftercare().runs
        let page = try await runs.differences(of: run.id, filter, page: inputs.page())
        let counts = try await runs.differenceCounts(of: run.id)
        let path = "/console/reconciliations/\(run.id)"
        let filters = Filters(
            path: path,
            fields: [
                .select("cause", "Cause", Difference.Cause.allCases.map(\.rawValue)),
                Filters.Field(name: "open", label: "Show", choices: [("", "all"), ("true", "not repaired")]),
            ])
        var values = Self.values(of: run, now: now)
        values["title"] = .string("Reconciliation of \(run.place)")
        values["path"] = .string(path)
        values["filters"] = filters.values(query)
        let open = counts.values.count { $0.open > 0 }
        values["can_repair"] = .bool(run.state != .running && open > 0)
        values["has_many"] = .bool(open > 1)
        values["causes"] = .array(
            Difference.Cause.allCases.compactMap { cause in
                counts[cause].map { Self.values(of: cause, all: $0.all, open: $0.open, at: run.place) }
            })
        let now = now
        values["list"] = .array(page.items.map { .object(Self.values(of: $0, now: now)) })
        values["older"] = Filters.older(path, query, next: page.next)
        return try await html("reconciliation", in: "reconciliations", values, visit)
    }

    private func repairPlan(_ visit: Visit) async throws -> Answer {
        let run = try await reconciliation(visit)
        let query = visit.call.query
        let plan = try await aftercare().reconciling.repairPlan(of: run.id, causes: try causes(query))
        let count = plan["count"]?.int.map { Int($0) } ?? 0
        let steps = plan["steps"]?.array ?? []
        return try await html(
            "repair", in: "reconciliations",
            [
                "title": .string("Plan: repair \(run.place)"), "place": .string(run.place),
                "path": .string("/console/reconciliations/\(run.id)/repair"),
                "back": .string("/console/reconciliations/\(run.id)"),
                "what": .string(Shown.count(count, "difference")), "is_any": .bool(count > 0),
                "is_final": .bool(steps.contains { $0["is_final"] == true }),
                "steps": .array(
                    steps.map { step in
                        [
                            "count": .string(Shown.number(Int(step["count"]?.int ?? 0))),
                            "cause": .string(Shown.words(step["cause"]?.string ?? "")),
                            "words": step["words"] ?? "", "is_final": step["is_final"] ?? false,
                        ]
                    }),
                "fields": Filters.hidden(query),
            ], visit)
    }

    // MARK: As it is shown

    // A template that lacks a name within a list takes the page's: no two things here have one name.
    private static func values(of run: Reconciliation, now: Instant) -> JSONObject {
        let isWell = run.state == .completed && run.differences == run.repaired
        return [
            "id": .string(run.id.description), "place": .string(run.place), "side": .string(run.side.rawValue),
            "state": .string(run.state.rawValue), "is_running": .bool(run.state == .running),
            "tone": .string(run.state == .running ? "quiet" : isWell ? "good" : run.state == .failed ? "bad" : "warn"),
            "reason": .string(run.reason ?? ""), "rate": .string(percent(run.rate)),
            "judged": .string(Shown.number(run.judged)),
            "differences": .string(run.differences == 0 ? "" : Shown.count(run.differences, "difference")),
            "repaired": .string(run.repaired == 0 ? "" : Shown.number(run.repaired)), "is_cut": .bool(run.isCut),
            "since": Shown.stamp(run.since, now: now), "until": Shown.stamp(run.until, endOf: run.since, now: now),
            "at": Shown.stamp(run.startedAt, now: now), "by": .string(run.startedBy),
            "samples": .array(
                run.samples.map {
                    [
                        "name": .string($0.name), "judged": .string(Shown.number($0.judged)),
                        "matched": .string(Shown.number($0.matched)),
                        "rate": .string($0.judged == 0 ? "–" : percent($0.rate)),
                    ]
                }),
        ]
    }

    /// `100 %`, `99.8 %`: whole only where nothing at all differs.
    private static func percent(_ rate: Double?) -> String {
        guard let rate else { return "" }
        let tenths = (rate * 1000).rounded(.down)
        return tenths.truncatingRemainder(dividingBy: 10) == 0 ? "\(Int(tenths / 10)) %" : "\(tenths / 10) %"
    }

    private static func values(of cause: Difference.Cause, all: Int, open: Int, at place: String) -> JSONValue {
        [
            "cause": .string(cause.rawValue), "name": .string(Shown.words(cause.rawValue)),
            "words": .string(words(for: cause, at: place)), "all": .string(Shown.number(all)),
            "open": .string(open == 0 ? "" : Shown.number(open)), "tone": .string(open == 0 ? "good" : "warn"),
        ]
    }

    private static func words(for cause: Difference.Cause, at place: String) -> String {
        switch cause {
        case .neverArrived: "\(place) says that it happened, and nothing of it came here."
        case .dead: "It came here, and its work gave up."
        case .neverPlanned: "It came here, and no work was planned for it although a flow asks for it."
        case .changed: "It was done, and stands otherwise at \(place) now, or is gone."
        case .double: "It is at \(place) twice."
        }
    }

    private static func values(of difference: Difference, now: Instant) -> JSONObject {
        let isHere = difference.cause != .neverArrived || difference.repair?.outcome == .done
        return [
            "number": .string(String(difference.number)), "cause": .string(Shown.words(difference.cause.rawValue)),
            "sample": .string(difference.sample), "key": .string(difference.key),
            "trail": .string(isHere ? PercentCoding.encode(difference.key) : ""),
            "event": .string(difference.event?.description ?? ""),
            "kept": .string(difference.quarantine?.description ?? ""),
            "job": .string(difference.job?.description ?? ""),
            "records": .string(difference.records.joined(separator: ", ")),
            "at": Shown.stamp(difference.at, now: now), "detail": .string(difference.detail),
            "repair": difference.repair.map { repair in
                [
                    "outcome": .string(repair.outcome == .done ? "repaired" : "not repaired"),
                    "tone": .string(repair.outcome == .done ? "good" : "bad"), "by": .string(repair.by),
                    "note": .string(repair.note ?? ""), "when": Shown.stamp(repair.at, now: now),
                ]
            } ?? .null,
        ]
    }
}
