package import Journal
package import Model
internal import Seams

extension Routes {
    static func reconciliations(_ dependencies: Dependencies, _ aftercare: Aftercare) -> [Route] {
        [
            Route("GET", "/v1/reconciliations", .scope(.read)) { call in
                let inputs = try Inputs(call.query, known: Inputs.page, now: dependencies.time.now)
                let page = try await aftercare.runs.reconciliations(page: inputs.page())
                return .list(page.items.map(\.json), next: page.next)
            },
            Route("POST", "/v1/reconciliations", .scope(.operate), media: .json) { call in
                let inputs = try Inputs(body: call.body, known: ["source", "since"], now: dependencies.time.now)
                let runs = try await aftercare.reconciling.order(
                    place: try inputs.text("source"), since: try inputs.time("since"), by: call.actor)
                for run in runs {
                    try await note(call, "reconciliations.run", run.id.description, detail: run.place, dependencies)
                }
                return .json(["items": .array(runs.map { .object($0.json) }), "next": .null], status: 202)
            },
            Route("GET", "/v1/reconciliations/{id}", .scope(.read)) { call in
                let id: ReconciliationID = try id(call, "reconciliation")
                guard let run = try await aftercare.runs.reconciliation(id) else { throw missing("reconciliation") }
                let counts = try await aftercare.runs.differenceCounts(of: id)
                var body = run.json
                body["by_cause"] = .object(
                    JSONObject(
                        members: Difference.Cause.allCases.compactMap { cause in
                            counts[cause].map {
                                .init(key: cause.rawValue, value: ["all": json($0.all), "open": json($0.open)])
                            }
                        }))
                return .json(body)
            },
            Route("GET", "/v1/reconciliations/{id}/differences", .scope(.read)) { call in
                let inputs = try Inputs(
                    call.query, known: Inputs.page.union(["cause", "open"]), now: dependencies.time.now)
                let filter = DifferenceFilter(
                    causes: try inputs.words("cause", of: Difference.Cause.self),
                    isOpen: try inputs.flag("open") ?? false)
                let id: ReconciliationID = try id(call, "reconciliation")
                let page = try await aftercare.runs.differences(of: id, filter, page: inputs.page())
                return .list(page.items.map(\.json), next: page.next)
            },
            Route("POST", "/v1/reconciliations/{id}/repair", .scope(.operate), media: .json) { call in
                let inputs = try Inputs(body: call.body, known: ["cause", "dry_run"], now: dependencies.time.now)
                let causes = try inputs.words("cause", of: Difference.Cause.self)
                let id: ReconciliationID = try id(call, "reconciliation")
                let isDryRun = try inputs.flag("dry_run") ?? true
                var body = try await aftercare.reconciling.repairPlan(of: id, causes: causes)
                body["dry_run"] = .bool(isDryRun)
                if !isDryRun { try await aftercare.reconciling.orderRepair(of: id, causes: causes, by: call.actor) }
                return .json(body, status: isDryRun ? 200 : 202)
            },
        ]
    }
}

extension Reconciliation {
    package var json: JSONObject {
        [
            "id": API.json(id), "place": .string(place), "side": .string(side.rawValue), "since": API.json(since),
            "until": API.json(until), "state": .string(state.rawValue), "started_at": API.json(startedAt),
            "started_by": .string(startedBy), "ended_at": API.json(endedAt), "reason": API.json(reason),
            "judged": API.json(judged), "matched": API.json(matched), "rate": Self.json(rate),
            "differences": API.json(differences), "repaired": API.json(repaired), "is_cut": .bool(isCut),
            "samples": .array(
                samples.map {
                    [
                        "name": .string($0.name), "judged": API.json($0.judged), "matched": API.json($0.matched),
                        "rate": Self.json($0.rate),
                    ]
                }),
        ]
    }

    private static func json(_ rate: Double?) -> JSONValue { rate.map { .double($0) } ?? .null }
}

extension Difference {
    package var json: JSONObject {
        [
            "number": API.json(number), "cause": .string(cause.rawValue), "sample": .string(sample),
            "key": .string(key), "event": API.json(event), "quarantine": API.json(quarantine), "job": API.json(job),
            "records": .array(records.map { .string($0) }), "at": API.json(at), "detail": .string(detail),
            "repair": repair.map {
                [
                    "outcome": .string($0.outcome.rawValue), "at": API.json($0.at), "by": .string($0.by),
                    "note": API.json($0.note),
                ]
            } ?? .null,
        ]
    }
}
