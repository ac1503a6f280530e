internal import API
internal import Journal
internal import Model
internal import Seams
internal import Settings
internal import Trail

extension Console {
    var jobRoutes: [Route] {
        [
            page("GET", "/console/jobs") { visit in try await jobList(visit) },
            page("GET", "/console/jobs/{id}") { visit in try await jobPage(visit, isRaw: false) },
            page("POST", "/console/jobs/{id}/request", .admin) { visit in
                try await note(visit, "jobs.request", visit.call.parameter("id"), detail: "raw request shown")
                return try await jobPage(visit, isRaw: true)
            },
            page("POST", "/console/jobs/{id}/retry", .operator) { visit in try await change(.retry, visit) },
            page("POST", "/console/jobs/{id}/cancel", .operator) { visit in try await change(.cancel, visit) },
        ]
    }

    private func jobList(_ visit: Visit) async throws -> Answer {
        let query = visit.call.query
        let inputs = try Inputs(query, known: Inputs.jobs.union(Inputs.page), now: now, isForm: true)
        let page = try await dependencies.reading.jobs(inputs.jobFilter(), page: inputs.page())
        let filters = Filters(
            path: "/console/jobs",
            fields: [
                .select("state", "State", JobState.allCases.map(\.rawValue)),
                .select("destination", "Destination", settings.destinations.map(\.name)),
                .select("flow", "Flow", settings.flows.map(\.id)), .text("error", "Error"), .since, .until,
            ])
        let now = now
        let kept = Filters.kept(query)
        return try await html(
            "jobs", in: "jobs",
            [
                "title": "Jobs", "filters": filters.values(query),
                "jobs": .array(page.items.map { .object(Self.values(of: $0, now: now)) }),
                "query_string": .string(kept), "has_filter": .bool(!kept.isEmpty),
                "older": Filters.older("/console/jobs", query, next: page.next),
                "is_partly": .bool(page.items.isEmpty && page.next != nil),
            ], visit)
    }

    static func values(of job: JobRow, now: Instant) -> JSONObject {
        [
            "id": .string(job.id.description), "flow": .string(job.flow),
            "call": .string("\(job.destination).\(job.action)"), "destination": .string(job.destination),
            "destination_path": .string(PercentCoding.encode(job.destination)), "state": .string(job.state.rawValue),
            "tone": .string(Shown.tone(of: job.state.rawValue)), "attempts": .string(String(job.attempts)),
            "created": Shown.stamp(job.createdAt, now: now), "event": .string(job.event.description),
            "subject": .string(job.subject.description), "effect": .string(Masked.key(job.effect.text)),
            "error_class": .string(job.errorClass ?? ""), "error": .string(job.error ?? ""),
            "note": .string(job.note ?? ""), "due": Shown.stamp(job.dueAt, now: now),
            "ended": Shown.stamp(job.endedAt, now: now), "is_unknown": .bool(job.isUnknown),
            "wait": .string(wait(of: job)), "record": .string(job.record.map { "\($0.kind) \($0.id)" } ?? ""),
            "record_url": ExternalLink.checked(job.record?.url).map { .string($0) } ?? .null,
            "can_retry": .bool([.dead, .held, .retryable].contains(job.state)),
            "can_cancel": .bool(job.state == .dead || (!job.state.isEnded && job.state != .running)),
        ]
    }

    private static func wait(of job: JobRow) -> String {
        switch job.waitsFor {
        case .lane?: "behind an earlier job of the same person"
        case .field(let name)?: "for the field \(name)"
        case .record(let kind)?: "for the \(kind)"
        case nil: ""
        }
    }

    private func jobPage(_ visit: Visit, isRaw: Bool) async throws -> Answer {
        guard let id = JobID(visit.call.parameter("id")), let detail = try await dependencies.reading.job(id) else {
            throw Failure(.notFound, "There is no job with this id.")
        }
        let now = now
        var values = Self.values(of: detail.row, now: now)
        values["title"] = .string("Job \(detail.row.destination).\(detail.row.action)")
        values["attempt_list"] = .array(
            detail.attempts.enumerated().map { index, attempt in
                [
                    "number": .string(String(index + 1)), "at": Shown.stamp(attempt.startedAt, now: now),
                    "outcome": .string(Shown.words(attempt.end?.outcome.rawValue ?? "unknown")),
                    "tone": .string(Shown.tone(of: attempt.end?.outcome.rawValue ?? "unknown")),
                    "status": .string(attempt.end?.status.map { "HTTP \($0)" } ?? ""),
                    "duration": .string(attempt.end.map { TrailText.duration($0.durationMilliseconds) } ?? ""),
                    "error_class": .string(attempt.end?.errorClass ?? ""),
                    "words": .string(attempt.end?.error ?? ""),
                ]
            })
        if let request = detail.request {
            let body =
                isRaw
                ? String(decoding: request.body.prefix(Self.payloadShownMax), as: UTF8.self)
                : Masked.body(request.body, hiding: try await said(of: detail.row.event))
            let path = request.path.isEmpty ? "(the destination's address)" : request.path
            values["request"] = .string("\(request.method) \(path)\n\n\(body)")
            values["is_raw"] = .bool(isRaw)
        }
        return try await html("job", in: "jobs", values, visit)
    }

    /// What the event said of a person, as texts.
    func said(of event: EventID) async throws -> [String] {
        Masked.said(in: try await dependencies.reading.event(event)?.row.event.data ?? [:])
    }

    private func change(_ action: BulkAction, _ visit: Visit) async throws -> Answer {
        guard let id = JobID(visit.call.parameter("id")) else {
            throw Failure(.notFound, "There is no job with this id.")
        }
        try await dependencies.operating.change(id, action, by: visit.actor, now: now)
        dependencies.wakeWork()
        return redirect(to: "/console/jobs/\(id)")
    }
}
