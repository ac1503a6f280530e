internal import API
internal import Journal
internal import Model
internal import Seams
internal import Settings

extension Console {
    var quarantineRoutes: [Route] {
        [
            page("GET", "/console/quarantine") { visit in try await quarantineList(visit) },
            page("GET", "/console/quarantine/{id}") { visit in try await keptPage(visit, showsPayload: false) },
            page("POST", "/console/quarantine/{id}/payload", .admin) { visit in
                let kept = try await kept(visit)
                try await note(visit, "quarantine.payload", kept.id.description, detail: "raw payload shown")
                return try await keptPage(visit, showsPayload: true)
            },
            page("POST", "/console/quarantine/{id}/replay", .operator) { visit in
                let kept = try await kept(visit)
                let result = await QuarantineBulk(dependencies: dependencies, filter: KeptFilter(), limit: 1)
                    .replay(kept, actor: visit.actor)
                try await note(visit, "quarantine.replay", kept.id.description)
                return try await message(
                    "Read again: \(result)",
                    result == "refused"
                        ? "It still cannot be read. Its page has the reason."
                        : "It went down the street like a new delivery.", in: "quarantine", visit)
            },
            page("POST", "/console/quarantine/{id}/set-aside", .operator) { visit in
                try await Routes.setAside(try await kept(visit).id, by: visit.actor, dependencies)
                return redirect(to: "/console/quarantine")
            },
            page("GET", "/console/quarantine/set-aside", .operator) { visit in
                try await quarantinePlan(visit, verb: "Set aside", path: "/console/quarantine/set-aside")
            },
            page("POST", "/console/quarantine/set-aside", .operator) { visit in
                try checkPlanned(visit)
                _ = try await QuarantineBulk(
                    dependencies: dependencies, deed: .setAside, filter: try openKept(visit.form),
                    limit: Routes.bulkMax
                ).run(isDryRun: false, actor: visit.actor)
                return redirect(to: "/console/quarantine")
            },
            page("GET", "/console/quarantine/replay", .operator) { visit in
                try await quarantinePlan(visit, verb: "Read again", path: "/console/quarantine/replay")
            },
            page("POST", "/console/quarantine/replay", .operator) { visit in
                try checkPlanned(visit)
                let filter = try openKept(visit.form)
                let planned = try await survey.keptGroups(filter).reduce(0) { $0 + $1.count }
                guard planned > 0 else { throw Failure(.conflict, "Nothing fits any more; nothing was done.") }
                let run = try desk.order(
                    .quarantine(filter), title: "Read \(Shown.count(planned, "delivery", "deliveries")) again",
                    planned: planned, by: visit.actor)
                return redirect(to: "/console/runs/\(run)")
            },
        ]
    }

    /// Kept deliveries that wait, by the query's filter.
    private func openKept(_ query: Query) throws -> KeptFilter {
        let inputs = try Inputs(query, known: Inputs.kept.union(["csrf"]).union(Inputs.page), now: now, isForm: true)
        var filter = try inputs.keptFilter()
        if filter.kinds.isEmpty { filter.kinds = KeptFilter.needingMend }
        filter.isReplayed = false
        return filter
    }

    /// A plan binds the end of what it showed: without one nothing was shown.
    private func checkPlanned(_ visit: Visit) throws(Failure) {
        guard visit.form["until"] != nil else {
            throw Failure(.invalid, "Look at the plan first; its button orders what it shows.")
        }
    }

    private func quarantineList(_ visit: Visit) async throws -> Answer {
        let query = visit.call.query
        var filter = try openKept(query)
        let inputs = try Inputs(query, known: Inputs.kept.union(Inputs.page), now: now, isForm: true)
        filter.isReplayed = try inputs.flag("replayed") ?? false
        let page = try await dependencies.reading.keptDeliveries(filter, page: inputs.page())
        let groups = filter.isReplayed == true ? [] : try await survey.keptGroups(filter)
        let kinds = KeptDelivery.Kind.allCases.map(\.rawValue)
        let filters = Filters(
            path: "/console/quarantine",
            fields: [
                .select("kind", "Kind", kinds, any: "needs a mend"),
                .select("source", "Source", settings.sources.map(\.name)), .text("type", "Type"),
                .text("code", "Cause"),
                Filters.Field(name: "replayed", label: "Show", choices: [("", "waiting"), ("true", "read again")]),
                .since, .until,
            ])
        let now = now
        return try await html(
            "quarantine", in: "quarantine",
            [
                "title": "Quarantine", "filters": filters.values(query),
                "groups": .array(groups.map { values(of: $0) }),
                "kept": .array(page.items.map { .object(Self.values(of: $0, now: now)) }),
                "older": Filters.older("/console/quarantine", query, next: page.next),
                "is_ignored": .bool(filter.kinds == [.ignored]),
            ], visit)
    }

    private func values(of group: KeptGroup) -> JSONValue {
        let query =
            [("kind", group.kind.rawValue), ("source", group.source), ("code", group.code)]
            + (group.externalType.flatMap { $0.isEmpty ? nil : [("type", $0)] } ?? [])
        return [
            "count": .string(Shown.number(group.count)), "source": .string(group.source),
            "external_type": .string(group.externalType ?? ""), "code": .string(Shown.words(group.code)),
            "reason": .string(group.reason), "is_many": .bool(group.count > 1), "kind": .string(group.kind.rawValue),
            "can_set_aside": .bool(group.kind == .quarantined),
            "first": Shown.stamp(group.first, now: now), "last": Shown.stamp(group.last, now: now),
            "query_string": .string(
                query.map { "\($0.0)=\(PercentCoding.encode($0.1))" }.joined(separator: "&")),
        ]
    }

    private func quarantinePlan(_ visit: Visit, verb: String, path: String) async throws -> Answer {
        let filter = try openKept(visit.call.query)
        let groups = try await survey.keptGroups(filter)
        let count = groups.reduce(0) { $0 + $1.count }
        func counts(_ name: (KeptGroup) -> String) -> [String: Int] {
            groups.reduce(into: [:]) { $0[name($1), default: 0] += $1.count }
        }
        return try await html(
            "plan", in: "quarantine",
            [
                "title": .string("Plan: \(verb.lowercased())"), "verb": .string(verb), "path": .string(path),
                "what": .string(Shown.count(count, "delivery", "deliveries")), "is_any": .bool(count > 0),
                "is_reading": .bool(verb == "Read again"), "is_setting_aside": .bool(verb != "Read again"),
                "first_list": ["title": "By source", "items": Self.list(counts(\.source))],
                "second_list": ["title": "By cause", "items": Self.list(counts { Shown.words($0.code) })],
                // What came since was not shown.
                "fields": Filters.bound(visit.call.query, since: filter.since, until: filter.until ?? now),
                "back": "/console/quarantine",
            ], visit)
    }

    private func kept(_ visit: Visit) async throws -> KeptDelivery {
        guard let id = QuarantineID(visit.call.parameter("id")),
            let kept = try await dependencies.reading.keptDelivery(id)
        else { throw Failure(.notFound, "There is no kept delivery with this id.") }
        return kept
    }

    private func keptPage(_ visit: Visit, showsPayload: Bool) async throws -> Answer {
        let kept = try await kept(visit)
        var values = Self.values(of: kept, now: now)
        values["title"] = "Kept delivery"
        values["size"] = .string(Shown.number(kept.payload.count))
        if showsPayload {
            values["payload"] = .string(String(decoding: kept.payload.prefix(Self.payloadShownMax), as: UTF8.self))
        }
        return try await html("kept", in: "quarantine", values, visit)
    }

    private static func values(of kept: KeptDelivery, now: Instant) -> JSONObject {
        [
            "id": .string(kept.id.description), "kind": .string(kept.kind.rawValue), "source": .string(kept.source),
            "external_id": .string(kept.externalID), "external_type": .string(kept.externalType ?? ""),
            "code": .string(Shown.words(kept.code)), "reason": .string(kept.reason),
            "field": .string(kept.field ?? ""), "at": Shown.stamp(kept.receivedAt, now: now),
            "replayed": .string(kept.replayedAs?.description ?? ""),
            "can_set_aside": .bool(kept.kind == .quarantined && kept.replayedAs == nil),
            "can_replay": .bool(kept.replayedAs == nil),
        ]
    }
}
