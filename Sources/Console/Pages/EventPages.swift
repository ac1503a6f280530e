internal import API
internal import Journal
internal import Model
internal import Seams
internal import Settings

extension Console {
    var eventRoutes: [Route] {
        [
            page("GET", "/console/events") { visit in try await eventList(visit) },
            page("GET", "/console/events/{id}") { visit in try await eventPage(visit, payload: nil) },
            page("POST", "/console/events/{id}/payload", .admin) { visit in
                let detail = try await event(visit)
                guard let payload = detail.payload else {
                    throw Failure(.notFound, "The raw payload is not kept any more.")
                }
                try await note(visit, "events.payload", detail.row.event.id.description, detail: "raw payload shown")
                return try await eventPage(visit, payload: payload)
            },
            page("GET", "/console/events/{id}/replay", .operator) { visit in try await replayPlan(visit) },
            page("POST", "/console/events/{id}/replay", .operator) { visit in
                let id = try await event(visit).row.event.id
                let mint = dependencies.mint
                _ = try await dependencies.operating.replay(
                    id, repeating: visit.form["repeating"] == "true", mint: { mint.make() }, by: visit.actor, now: now)
                dependencies.wakePlanning()
                return redirect(to: "/console/events/\(id)")
            },
        ]
    }

    static let payloadShownMax = 64 << 10

    private func eventList(_ visit: Visit) async throws -> Answer {
        let query = visit.call.query
        let inputs = try Inputs(query, known: Inputs.events.union(Inputs.page), now: now, isForm: true)
        let page = try await dependencies.reading.events(inputs.eventFilter(), page: inputs.page())
        let types = settings.catalogue.typeNames
        let filters = Filters(
            path: "/console/events",
            fields: [
                .select("source", "Source", settings.sources.map(\.name)), .select("type", "Type", types), .since,
                .until,
            ])
        let now = now
        return try await html(
            "events", in: "events",
            [
                "title": "Events", "filters": filters.values(query),
                "events": .array(page.items.map { Self.values(of: $0, now: now) }),
                "older": Filters.older("/console/events", query, next: page.next),
                "is_partly": .bool(page.items.isEmpty && page.next != nil),
            ], visit)
    }

    static func values(of row: EventRow, now: Instant) -> JSONValue {
        [
            "id": .string(row.event.id.description), "type": .string(Shown.words(row.event.type.name)),
            "source": .string(row.event.source), "external_id": .string(row.event.externalID),
            "external_type": .string(row.event.externalType == row.event.type.name ? "" : row.event.externalType),
            "at": Shown.stamp(row.event.receivedAt, now: now), "occurred": Shown.stamp(row.event.occurredAt, now: now),
            "subject": row.subject.map { .string($0.description) } ?? .null,
            "session": row.event.session.map(Self.trailLink) ?? .null,
            "user": row.event.user.map(Self.trailLink) ?? .null,
            "state": .string(row.isPending ? "waits to be planned" : "planned"),
            "tone": .string(row.isPending ? "warn" : "good"),
        ]
    }

    private static func trailLink(_ id: String) -> JSONValue {
        ["id": .string(id), "path": .string(PercentCoding.encode(id))]
    }

    private func event(_ visit: Visit) async throws -> EventDetail {
        guard let id = EventID(visit.call.parameter("id")), let detail = try await dependencies.reading.event(id) else {
            throw Failure(.notFound, "There is no event with this id.")
        }
        return detail
    }

    private func eventPage(_ visit: Visit, payload: [UInt8]?) async throws -> Answer {
        let detail = try await event(visit)
        let now = now
        var values: JSONObject = [
            "title": .string("Event \(Shown.words(detail.row.event.type.name))"),
            "event": Self.values(of: detail.row, now: now), "fields": Masked.rows(of: detail.row.event.data),
            "facts": .array(
                detail.facts.map { ["key": .string(Masked.key($0.key)), "fields": Masked.rows(of: $0.data)] }),
            "decisions": .array(detail.decisions.map { Self.values(of: $0, now: now) }),
            "jobs": .array(detail.jobs.map { .object(Self.values(of: $0, now: now)) }),
            "has_payload": .bool(detail.payload != nil),
        ]
        if let payload {
            values["payload"] = .string(String(decoding: payload.prefix(Self.payloadShownMax), as: UTF8.self))
        }
        return try await html("event", in: "events", values, visit)
    }

    static func values(of decision: Decision, now: Instant) -> JSONValue {
        [
            "flow": .string(decision.flow ?? ""), "call": .string(decision.call ?? ""),
            "outcome": .string(Shown.words(decision.outcome.rawValue)),
            "tone": .string(Shown.tone(of: decision.outcome.rawValue)), "at": Shown.stamp(decision.at, now: now),
            "job": decision.job.map { .string($0.description) } ?? .null,
            "event": .string(decision.event.description), "detail": .string(decision.detail ?? ""),
        ]
    }

    private func replayPlan(_ visit: Visit) async throws -> Answer {
        let detail = try await event(visit)
        let plan = try await dependencies.operating.replayPlan(detail.row.event.id)
        let now = now
        func list(_ jobs: [JobRow]) -> JSONValue { .array(jobs.map { .object(Self.values(of: $0, now: now)) }) }
        return try await html(
            "replay", in: "events",
            [
                "title": "Plan: replay an event", "event": Self.values(of: detail.row, now: now),
                "completed": list(plan.completed), "open": list(plan.open), "dead": list(plan.dead),
                "completed_count": .string(plan.completed.isEmpty ? "" : Shown.count(plan.completed.count, "job")),
                "dead_count": .string(plan.dead.isEmpty ? "" : Shown.count(plan.dead.count, "job")),
                "is_ended": .bool(!plan.completed.isEmpty || !plan.dead.isEmpty),
            ], visit)
    }
}
