package import Journal
package import Model
internal import Seams
internal import Settings

extension Routes {
    static let bulkDefault = 1000
    package static let bulkMax = 10_000

    static func jobs(_ dependencies: Dependencies) -> [Route] {
        [
            Route("GET", "/v1/jobs", .scope(.read)) { call in
                let inputs = try Inputs(call.query, known: Inputs.jobs.union(Inputs.page), now: dependencies.time.now)
                let page = try await dependencies.reading.jobs(inputs.jobFilter(), page: inputs.page())
                return .list(page.items.map(\.json), next: page.next)
            },
            Route("GET", "/v1/jobs/{id}", .scope(.read)) { call in
                guard let job = try await dependencies.reading.job(id(call, "job")) else { throw missing("job") }
                return .json(job.json)
            },
            Route("GET", "/v1/dead", .scope(.read)) { call in
                let inputs = try Inputs(call.query, known: Inputs.jobs, now: dependencies.time.now)
                var filter = try inputs.jobFilter()
                filter.states = [.dead]
                return .list(try await dependencies.reading.deadGroups(filter).map(\.json))
            },
            change(.retry, dependencies), change(.cancel, dependencies),
            bulk(.retry, dependencies), bulk(.cancel, dependencies),
        ]
    }

    private static func change(_ action: BulkAction, _ dependencies: Dependencies) -> Route {
        Route("POST", "/v1/jobs/{id}/\(action.rawValue)", .scope(.operate), media: .json) { call in
            _ = try Inputs(body: call.body, known: [], now: dependencies.time.now)
            let job: JobID = try id(call, "job")
            try await dependencies.operating.change(job, action, by: call.actor, now: dependencies.time.now)
            dependencies.wakeWork()
            guard let detail = try await dependencies.reading.job(job) else { throw missing("job") }
            return .json(detail.json)
        }
    }

    private static func bulk(_ action: BulkAction, _ dependencies: Dependencies) -> Route {
        Route("POST", "/v1/jobs/\(action.rawValue)", .scope(.operate), media: .json) { call in
            let inputs = try Inputs(
                body: call.body, known: Inputs.jobs.union(["dry_run", "limit"]), now: dependencies.time.now)
            var filter = try inputs.jobFilter()
            if action == .retry && filter.states.isEmpty { filter.states = [.dead] }
            let limit = try inputs.count("limit", upTo: bulkMax) ?? bulkDefault
            let work = JobBulk(dependencies: dependencies, action: action, filter: filter)
            if try inputs.flag("dry_run") ?? true {
                return .json(["dry_run": true, "plan": .object(try await work.plan())])
            }
            return .json(try await work.run(limit: limit, actor: call.actor))
        }
    }
}

/// A bulk action on jobs: its plan, and its run in slices.
package struct JobBulk: Sendable {
    package var dependencies: Dependencies
    package var action: BulkAction
    package var filter: JobFilter

    package init(dependencies: Dependencies, action: BulkAction, filter: JobFilter) {
        self.dependencies = dependencies
        self.action = action
        self.filter = filter
    }

    /// What it would do, and how many seconds that takes at the destinations' own rates (`null` where none is set).
    package func plan() async throws -> JSONObject {
        let plan = try await dependencies.operating.bulkPlan(action, filter)
        var object = plan.json
        object["seconds_at_rate"] = seconds(of: plan).map { .int($0) } ?? .null
        return object
    }

    /// Does up to `limit` of it in slices, so that the writer is free for deliveries in between.
    package func run(limit: Int, actor: String) async throws -> JSONObject {
        var changed = 0
        while changed < limit {
            try Task.checkCancellation()
            let slice = min(Self.sliceMax, limit - changed)
            // Each slice has its own time: who follows ends in their order would miss one with an earlier one's.
            let count = try await dependencies.operating.bulk(
                action, filter, limit: slice, by: actor, now: dependencies.time.now)
            changed += count
            if count < slice { break }
            dependencies.wakeWork()
        }
        if changed > 0 { dependencies.wakeWork() }
        let left = changed < limit ? 0 : try await dependencies.operating.bulkPlan(action, filter).count
        return ["dry_run": false, "action": .string(action.rawValue), "changed": json(changed), "left": json(left)]
    }

    private func seconds(of plan: BulkPlan) -> Int64? {
        plan.byDestination.compactMap { name, count -> Int64? in
            guard let rate = dependencies.settings.current.destination(name)?.rate, rate.count > 0 else { return nil }
            return Int64(count) * rate.per.milliseconds / Int64(rate.count) / 1000
        }.max()
    }

    private static let sliceMax = 200
}
