internal import Journal
internal import Model
internal import Seams

extension Routes {
    static func events(_ dependencies: Dependencies) -> [Route] {
        [
            Route("GET", "/v1/events", .scope(.read)) { call in
                let inputs = try Inputs(
                    call.query, known: Inputs.events.union(Inputs.page), now: dependencies.time.now)
                let page = try await dependencies.reading.events(inputs.eventFilter(), page: inputs.page())
                return .list(page.items.map(\.json), next: page.next)
            },
            Route("GET", "/v1/events/{id}", .scope(.read)) { call in
                guard let event = try await dependencies.reading.event(id(call, "event")) else {
                    throw missing("event")
                }
                return .json(event.json)
            },
            Route("POST", "/v1/events/{id}/replay", .scope(.operate), media: .json) { call in
                let inputs = try Inputs(body: call.body, known: ["dry_run", "repeating"], now: dependencies.time.now)
                let isRepeating = try inputs.flag("repeating") ?? false
                return try await replay(
                    id(call, "event"), isRepeating: isRepeating, isDryRun: try inputs.flag("dry_run") ?? false, call,
                    dependencies)
            },
        ]
    }

    static func replay(
        _ event: EventID, isRepeating: Bool, isDryRun: Bool, _ call: Call, _ dependencies: Dependencies
    ) async throws -> Answer {
        let plan: ReplayPlan
        if isDryRun {
            plan = try await dependencies.operating.replayPlan(event)
        } else {
            let mint = dependencies.mint
            plan = try await dependencies.operating.replay(
                event, repeating: isRepeating, mint: { mint.make() }, by: call.actor, now: dependencies.time.now)
            dependencies.wakePlanning()
        }
        return .json([
            "dry_run": .bool(isDryRun), "repeating": .bool(isRepeating), "plan": .object(plan.json),
        ])
    }
}
