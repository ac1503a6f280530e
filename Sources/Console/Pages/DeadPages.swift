internal import API
internal import Journal
internal import Model
internal import Seams

extension Console {
    var deadRoutes: [Route] {
        [
            page("GET", "/console/dead") { visit in
                let groups = try await dependencies.reading.deadGroups(JobFilter(states: [.dead]))
                return html(
                    "dead", ["title": "Dead letters", "groups": .array(groups.map { .object(Self.values(of: $0)) })],
                    visit)
            },
            page("GET", "/console/jobs") { visit in try await jobList(visit) },
            page("GET", "/console/jobs/{id}") { visit in try await jobPage(visit) },
            page("POST", "/console/jobs/{id}/retry", .operator) { visit in try await change(.retry, visit) },
            page("POST", "/console/jobs/{id}/cancel", .operator) { visit in try await change(.cancel, visit) },
            page("GET", "/console/bulk/{action}", .operator) { visit in try await planPage(visit) },
            page("POST", "/console/bulk/{action}", .operator) { visit in
                let (action, filter) = try bulk(visit.call, visit.form)
                let result = try await JobBulk(dependencies: dependencies, action: action, filter: filter)
                    .run(limit: Self.bulkMax, actor: visit.actor)
                let (changed, left) = (result["changed"]?.text ?? "0", result["left"]?.text ?? "0")
                return html(
                    "message",
                    [
                        "heading": .string("Done: \(action.rawValue) of \(changed) jobs"),
                        "message": .string(
                            left == "0" ? "None is left that fits." : "\(left) are left; do it again for them."),
                    ], visit)
            },
        ]
    }

    private static let bulkMax = 1000

    private static func values(of group: DeadGroup) -> JSONObject {
        let query =
            "state=dead&destination=\(PercentCoding.encode(group.destination))"
            + "&error=\(PercentCoding.encode(group.errorClass))"
        return [
            "count": .int(Int64(group.count)), "destination": .string(group.destination),
            "action": .string(group.action), "error_class": .string(group.errorClass), "error": .string(group.error),
            "first": .string(Shown.time(group.first)), "last": .string(Shown.time(group.last)),
            "query": .string(query),
        ]
    }

    private func jobList(_ visit: Visit) async throws -> Answer {
        let inputs = try Inputs(
            visit.call.query, known: Inputs.jobs.union(Inputs.page), now: dependencies.time.now)
        let page = try await dependencies.reading.jobs(inputs.jobFilter(), page: inputs.page())
        let kept = visit.call.query.pairs.filter { $0.name != "cursor" && !$0.value.isEmpty }
            .map { "\($0.name)=\(PercentCoding.encode($0.value))" }.joined(separator: "&")
        return html(
            "jobs",
            [
                "title": "Jobs", "jobs": .array(page.items.map { .object(Self.values(of: $0)) }),
                "query": .string(kept), "next": .string(page.next.map { PercentCoding.encode($0) } ?? ""),
                "has_filter": .bool(!kept.isEmpty),
            ], visit)
    }

    private static func values(of job: JobRow) -> JSONObject {
        [
            "id": .string(job.id.description), "flow": .string(job.flow),
            "call": .string("\(job.destination).\(job.action)"), "state": .string(job.state.rawValue),
            "tone": .string(Shown.tone(of: job.state.rawValue)), "attempts": .int(Int64(job.attempts)),
            "created": .string(Shown.time(job.createdAt)), "event": .string(job.event.description),
            "subject": .string(job.subject.description), "effect": .string(job.effect.text),
            "error": .string([job.errorClass, job.error].compactMap(\.self).joined(separator: ": ")),
            "note": .string(job.note ?? ""), "due": .string(job.dueAt.map(Shown.time) ?? ""),
            "ended": .string(job.endedAt.map(Shown.time) ?? ""), "is_unknown": .bool(job.isUnknown),
            "record": .string(job.record.map { "\($0.kind) \($0.id)" } ?? ""),
            "can_retry": .bool([.dead, .held, .retryable].contains(job.state)),
            "can_cancel": .bool(!job.state.isEnded && job.state != .running),
        ]
    }

    private func jobPage(_ visit: Visit) async throws -> Answer {
        guard let id = JobID(visit.call.parameter("id")), let detail = try await dependencies.reading.job(id) else {
            throw Failure(.notFound, "There is no job with this id.")
        }
        var values = Self.values(of: detail.row)
        values["title"] = .string("Job \(detail.row.destination).\(detail.row.action)")
        values["attempt_list"] = .array(
            detail.attempts.enumerated().map { index, attempt in
                [
                    "number": .int(Int64(index + 1)), "at": .string(Shown.time(attempt.startedAt)),
                    "outcome": .string(Shown.words(attempt.end?.outcome.rawValue ?? "unknown")),
                    "tone": .string(Shown.tone(of: attempt.end?.outcome.rawValue ?? "unknown")),
                    "status": .string(attempt.end?.status.map { "HTTP \($0)" } ?? ""),
                    "duration": .string(attempt.end.map { "\($0.durationMilliseconds) ms" } ?? ""),
                    "words": .string(
                        [attempt.end?.errorClass, attempt.end?.error].compactMap(\.self).joined(separator: ": ")),
                ]
            })
        if let request = detail.request {
            values["request"] = .string(
                "\(request.method) \(request.path)\n\n" + String(decoding: request.body.prefix(8192), as: UTF8.self))
        }
        return html("job", values, visit)
    }

    private func change(_ action: BulkAction, _ visit: Visit) async throws -> Answer {
        guard let id = JobID(visit.call.parameter("id")) else {
            throw Failure(.notFound, "There is no job with this id.")
        }
        try await dependencies.operating.change(id, action, by: visit.actor, now: dependencies.time.now)
        dependencies.wakeWork()
        return redirect(to: "/console/jobs/\(id)")
    }

    /// What is going to be done, before anything is.
    private func planPage(_ visit: Visit) async throws -> Answer {
        let (action, filter) = try bulk(visit.call, visit.call.query)
        let plan = try await dependencies.operating.bulkPlan(action, filter)
        let details = try await JobBulk(dependencies: dependencies, action: action, filter: filter).plan()
        func list(_ counts: [String: Int]) -> JSONValue {
            .array(
                counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(50).map {
                    ["name": .string($0.key), "count": .int(Int64($0.value))]
                })
        }
        return html(
            "plan",
            [
                "title": .string("Plan: \(action.rawValue)"), "action": .string(action.rawValue),
                "count": .int(Int64(plan.count)), "is_any": .bool(plan.count > 0),
                "is_cut": .bool(plan.count > Self.bulkMax), "limit": .int(Int64(Self.bulkMax)),
                "unknown": .string(plan.unknown > 0 ? String(plan.unknown) : ""),
                "untouched": .string(plan.untouched > 0 ? String(plan.untouched) : ""),
                "seconds": .string(details["seconds_at_rate"]?.text ?? ""),
                "by_destination": list(plan.byDestination), "by_error": list(plan.byErrorClass),
                "fields": .array(
                    visit.call.query.pairs.filter { !$0.value.isEmpty }.map {
                        ["name": .string($0.name), "value": .string($0.value)]
                    }),
            ], visit)
    }

    private func bulk(_ call: Call, _ query: Query) throws -> (BulkAction, JobFilter) {
        guard let action = BulkAction(rawValue: call.parameter("action")) else {
            throw Failure(.notFound, "There is no such action.")
        }
        let inputs = try Inputs(query, known: Inputs.jobs.union(["csrf"]), now: dependencies.time.now)
        var filter = try inputs.jobFilter()
        if filter.states.isEmpty && action == .retry { filter.states = [.dead] }
        return (action, filter)
    }
}
