internal import API
internal import Journal
internal import Model
internal import Seams
internal import Settings
internal import Watch

extension Console {
    var overviewRoutes: [Route] {
        [
            page("GET", "/console") { visit in try await overview(visit) },
            page("POST", "/console/destinations/{name}/resume", .operator) { visit in
                let name = try known(visit.call.parameter("name"))
                let isForced = visit.form["force"] == "true"
                switch try await dependencies.destinations.resume(name, isForced: isForced) {
                case .resumed:
                    try await note(visit, "destination.resume", name)
                    return redirect(to: "/console")
                case .stillFailing(let words):
                    return html(
                        "message",
                        [
                            "heading": .string("\(name) stays paused"),
                            "message": .string("The probe still fails: \(words)"),
                            "force_action": .string("/console/destinations/\(PercentCoding.encode(name))/resume"),
                        ], visit, status: 409)
                }
            },
            page("POST", "/console/destinations/{name}/pause", .operator) { visit in
                let name = try known(visit.call.parameter("name"))
                try await dependencies.destinations.pause(name, reason: "paused by \(visit.actor)")
                try await note(visit, "destination.pause", name)
                return redirect(to: "/console")
            },
        ]
    }

    private func known(_ name: String) throws(Failure) -> String {
        guard dependencies.settings.current.destination(name) != nil else {
            throw Failure(.notFound, "There is no destination of this name.")
        }
        return name
    }

    func note(_ visit: Visit, _ action: String, _ target: String) async throws {
        try await dependencies.operating.note(
            AuditRow(at: dependencies.time.now, actor: visit.actor, action: action, target: target))
    }

    private func overview(_ visit: Visit) async throws -> Answer {
        let now = dependencies.time.now
        let figures = try await dependencies.reading.figures(now: now)
        let health = await dependencies.destinations.health()
        let alerts = try await dependencies.reading.alerts(openOnly: false, page: PageRequest(limit: 50)).items
        let refusals = dependencies.receiving.recentRefusals().filter { now - $0.at < .seconds(3600) }
        let state = StateOfThings(
            figures: figures, destinations: health, refusals: refusals.count,
            readiness: dependencies.readiness.refusal,
            wellSince: max(startedAt, alerts.compactMap(\.endedAt).max() ?? startedAt))
        let acknowledged = dependencies.meters.snapshot.acknowledgements.quantile(0.95)
        return html(
            "overview",
            [
                "title": "Overview", "is_well": .bool(state.isWell), "sentence": .string(state.sentence),
                "events": .int(Int64(figures.eventsLastHour)), "pending": .int(Int64(figures.pending)),
                "open": .int(Int64(figures.openJobs.values.flatMap(\.values).reduce(0, +))),
                "completed": .int(Int64(figures.completedLastHour)), "dead": .int(Int64(figures.dead)),
                "quarantined": .int(Int64(figures.quarantined)),
                "ack": .string(acknowledged.map { "\($0.milliseconds) ms" } ?? ""),
                "last_event": .string(figures.lastEventAt.map(Shown.time) ?? "never"),
                "destinations": .array(health.map { .object(destination($0, figures)) }),
                "alerts": .array(alerts.filter { $0.endedAt == nil }.map { .object(alert($0)) }),
                "refusals": .array(
                    refusals.suffix(10).reversed().map {
                        [
                            "at": .string(Shown.time($0.at)), "source": .string($0.source),
                            "reason": .string($0.reason),
                        ]
                    }),
            ], visit)
    }

    private func destination(_ status: DestinationStatus, _ figures: JournalFigures) -> JSONObject {
        let open = figures.openJobs[status.name] ?? [:]
        let states = open.filter { $0.value > 0 }.sorted { $0.key.rawValue < $1.key.rawValue }
            .map { "\($0.value) \($0.key.rawValue)" }
        let word =
            status.pause != nil
            ? "paused" : status.breaker == "closed" ? "active" : "breaker \(Shown.words(status.breaker))"
        return [
            "name": .string(status.name), "kind": .string(status.kind), "state": .string(word),
            "tone": .string(status.pause != nil ? "bad" : status.breaker == "closed" ? "good" : "warn"),
            "path": .string(PercentCoding.encode(status.name)),
            "open": .string(states.isEmpty ? "no open jobs" : states.joined(separator: ", ")),
            "is_paused": .bool(status.pause != nil), "is_active": .bool(status.pause == nil),
            "reason": .string(
                status.pause.map { "\($0.cause.rawValue), since \(Shown.time($0.since)): \($0.reason)" } ?? ""),
        ]
    }

    private func alert(_ row: AlertRow) -> JSONObject {
        [
            "title": .string(row.alert.title), "detail": .string(row.alert.detail),
            "at": .string(Shown.time(row.alert.at)),
        ]
    }
}
