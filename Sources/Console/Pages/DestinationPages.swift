internal import API
internal import Journal
internal import Model
internal import Seams
internal import Settings

extension Console {
    var destinationRoutes: [Route] {
        [
            page("GET", "/console/destinations") { visit in try await destinationList(visit) },
            page("GET", "/console/destinations/{name}") { visit in try await destinationPage(visit, check: nil) },
            page("POST", "/console/destinations/{name}/check", .operator) { visit in
                let name = try known(visit).name
                try await note(visit, "destination.check", name)
                return try await destinationPage(visit, check: await backstage.requirements(of: name))
            },
            page("POST", "/console/destinations/{name}/resume", .operator) { visit in try await resume(visit) },
            page("POST", "/console/destinations/{name}/pause", .operator) { visit in
                let name = try known(visit).name
                let reason = String((visit.form["reason"] ?? "").trimmed.prefix(255))
                try await dependencies.destinations.pause(
                    name, reason: "paused by \(visit.actor)" + (reason.isEmpty ? "" : ": \(reason)"))
                try await note(visit, "destination.pause", name, detail: reason.isEmpty ? nil : reason)
                return redirect(to: "/console/destinations/\(PercentCoding.encode(name))")
            },
        ]
    }

    private static let errorsMax = 10
    /// Jobs behind a breaker wait as they came: the errors are among them.
    private static let errorsLookedFor = 50

    private func known(_ visit: Visit) throws(Failure) -> DestinationSettings {
        guard let destination = settings.destination(visit.call.parameter("name")) else {
            throw Failure(.notFound, "There is no destination of this name.")
        }
        return destination
    }

    private func resume(_ visit: Visit) async throws -> Answer {
        let name = try known(visit).name
        let path = "/console/destinations/\(PercentCoding.encode(name))"
        switch try await dependencies.destinations.resume(name, isForced: visit.form["force"] == "true") {
        case .resumed:
            try await note(visit, "destination.resume", name)
            return redirect(to: path)
        case .stillFailing(let words):
            return try await message(
                "\(name) is not back", "The probe fails: \(words)", in: "destinations", visit, status: 409,
                extra: ["force_action": .string("\(path)/resume"), "back": .string(path)])
        }
    }

    private func destinationList(_ visit: Visit) async throws -> Answer {
        let figures = try await figures.figures()
        let health = await dependencies.destinations.health()
        return try await html(
            "destinations", in: "destinations",
            [
                "title": "Destinations",
                "destinations": .array(health.map { .object(values(of: $0, figures)) }),
            ], visit)
    }

    private func values(of status: DestinationStatus, _ figures: JournalFigures) -> JSONObject {
        let open = figures.openJobs[status.name] ?? [:]
        let states = open.filter { $0.value > 0 }.sorted { $0.key.rawValue < $1.key.rawValue }
            .map { "\(Shown.number($0.value)) \($0.key.rawValue)" }
        let standing = Standing(status)
        let path = PercentCoding.encode(status.name)
        return [
            "name": .string(status.name), "kind": .string(status.kind), "path": .string(path),
            "state": .string(standing.word), "tone": .string(standing.tone),
            "breaker": .string(Shown.words(status.breaker)), "running": .string(String(status.running)),
            "open": .string(Shown.number(open.values.reduce(0, +))),
            "open_states": .string(states.isEmpty ? "nothing waits" : states.joined(separator: ", ")),
            "jobs_query": .string("destination=\(path)&state=\(Self.openStates)"),
            "is_paused": .bool(status.pause != nil), "is_active": .bool(status.pause == nil),
            "can_try": .bool(status.pause == nil && status.breaker != "closed"),
            "cause": .string(status.pause.map { $0.cause.rawValue } ?? ""),
            "reason": .string(status.pause?.reason ?? ""), "since": Shown.stamp(status.pause?.since, now: now),
        ]
    }

    private func destinationPage(_ visit: Visit, check: RequirementSketch?) async throws -> Answer {
        let destination = try known(visit)
        let health = await dependencies.destinations.health().first { $0.name == destination.name }
        let status =
            health
            ?? DestinationStatus(
                name: destination.name, kind: destination.kind.name, pause: nil, breaker: "closed", running: 0)
        var values = values(of: status, try await figures.figures())
        values["title"] = .string("Destination \(destination.name)")
        let dead = try await dependencies.reading.deadGroups(
            JobFilter(states: [.dead], destination: destination.name)
        ).reduce(0) { $0 + $1.count }
        values["dead"] = .string(dead > 0 ? Shown.count(dead, "dead letter") : "")
        values["rate"] = .string(
            destination.rate.map { "\($0.count) in \(Shown.duration($0.per))" } ?? "no limit of ours")
        values["concurrency"] = .string(String(destination.concurrency))
        values["timeout"] = .string(Shown.duration(destination.timeout))
        values["order"] = .string(
            destination.order == .none ? "none" : "one after the other for each \(destination.order.rawValue)")
        values["secrets"] = .array(
            try await backstage.secrets().filter {
                $0.uses.contains { $0.hasPrefix("destinations.\(destination.name).") }
            }
            .map { self.values(of: $0) })
        values["errors"] = .array(try await lastErrors(of: destination.name))
        values["calls"] = .array(fieldMaps { $0.destination == destination.name })
        if let check { values["check"] = Self.values(of: check) }
        return try await html("destination", in: "destinations", values, visit)
    }

    private static func values(of check: RequirementSketch) -> JSONValue {
        [
            "trouble": check.trouble.map { .string($0) } ?? .null,
            "missing": .array(check.missing.map { .string($0) }),
            "is_good": .bool(check.trouble == nil && check.missing.isEmpty),
        ]
    }

    /// The newest errors of jobs that gave up or are tried again, in the destination's words.
    private func lastErrors(of destination: String) async throws -> [JSONValue] {
        let page = try await dependencies.reading.jobs(
            JobFilter(states: [.dead, .retryable, .held, .available, .running], destination: destination),
            page: PageRequest(limit: Self.errorsLookedFor))
        let now = now
        return page.items.filter { $0.errorClass != nil || $0.error != nil }.prefix(Self.errorsMax).map {
            .object(Self.values(of: $0, now: now))
        }
    }

    func values(of secret: SecretSketch) -> JSONValue {
        let age = secret.changedAt.map { Int(((now - $0).milliseconds) / WorkDay.milliseconds) }
        return [
            "name": .string(secret.name), "uses": .string(secret.uses.joined(separator: ", ")),
            "is_missing": .bool(!secret.isThere),
            "age": .string(age.map { $0 == 0 ? "changed today" : "\(Shown.count($0, "day")) old" } ?? "age unknown"),
        ]
    }

    /// For each call of a flow: its fields, and what the action cannot do without.
    func fieldMaps(where includes: (Flow.Call) -> Bool) -> [JSONValue] {
        settings.flows.flatMap { flow in
            flow.calls.filter(includes).map { call in
                let sketch = backstage.action(call)
                let fields = flow.set ?? sketch?.defaults ?? []
                let required = sketch?.required ?? []
                let missing = required.filter { name in !fields.contains { $0.name == name } }
                return [
                    "flow": .string(flow.name), "flow_id": .string(flow.id), "call": .string(call.name),
                    "effect_class": .string(sketch?.effectClass ?? "unknown"), "is_unknown": .bool(sketch == nil),
                    "missing": .string(missing.joined(separator: ", ")),
                    "fields": .array(
                        fields.map {
                            [
                                "name": .string($0.name), "value": .string(Shown.text($0.value)),
                                "is_required": .bool(required.contains($0.name)),
                            ]
                        }),
                ]
            }
        }
    }
}
