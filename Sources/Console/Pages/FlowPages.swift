internal import API
internal import Journal
internal import Model
internal import Seams
internal import Settings

extension Console {
    var flowRoutes: [Route] {
        [
            page("GET", "/console/flows") { visit in try await flowList(visit) },
            page("GET", "/console/flows/{id}") { visit in try await flowPage(visit) },
            page("GET", "/console/rehearse") { visit in try await rehearsePage(visit, visit.call.query) },
            // The text of a configuration is larger than any other form.
            page("POST", "/console/rehearse", bodySizeMax: 512 << 10) { visit in
                try await rehearsePage(visit, visit.form)
            },
        ]
    }

    private static let decisionsMax = 50

    private func flowList(_ visit: Visit) async throws -> Answer {
        let figures = try await survey.flowFigures()
        let now = now
        return try await html(
            "flows", in: "flows",
            [
                "title": "Flows", "since": Shown.stamp(figures.since, now: now),
                "flows": .array(settings.flows.map { .object(values(of: $0, figures)) }),
            ], visit)
    }

    private func values(of flow: Flow, _ figures: FlowFigures) -> JSONObject {
        let mine = figures.figures.filter { $0.flow == flow.id }
        func count(_ outcomes: Decision.Outcome...) -> Int {
            mine.filter { outcomes.contains($0.outcome) }.reduce(0) { $0 + $1.count }
        }
        let (word, tone) = Self.words(flow.rollout)
        return [
            "id": .string(flow.id), "name": .string(flow.name), "rollout": .string(word), "tone": .string(tone),
            "on": .string(flow.on.map { Shown.words($0.name) }.joined(separator: ", ")),
            "calls": .array(flow.calls.map { .string($0.name) }),
            "did": .string(Shown.number(count(.planned, .waiting))), "would": .string(Shown.number(count(.shadow))),
            "skipped": .string(Shown.number(count(.conditionFailed, .off, .stale))),
            "refused": .string(count(.refused) > 0 ? Shown.number(count(.refused)) : ""),
            "last": Shown.stamp(mine.map(\.last).max(), now: now),
        ]
    }

    private static func words(_ rollout: Rollout) -> (String, String) {
        switch rollout {
        case .off: ("off", "quiet")
        case .shadow: ("shadow", "warn")
        case .canary(let percent): ("canary \(Busywork.plain(percent)) %", "warn")
        case .on: ("on", "good")
        }
    }

    private func flowPage(_ visit: Visit) async throws -> Answer {
        guard let flow = settings.flow(visit.call.parameter("id")) else {
            throw Failure(.notFound, "There is no flow with this id in the configuration.")
        }
        let query = visit.call.query
        let inputs = try Inputs(query, known: Inputs.page.union(["outcome"]), now: now, isForm: true)
        let page = try await survey.decisions(
            DecisionFilter(flow: flow.id, outcomes: try inputs.words("outcome", of: Decision.Outcome.self)),
            page: PageRequest(limit: Self.decisionsMax, cursor: try inputs.text("cursor")))
        let path = "/console/flows/\(PercentCoding.encode(flow.id))"
        let outcomes = Decision.Outcome.allCases.filter { $0 != .joined && $0 != .noFlow }.map(\.rawValue)
        let filters = Filters(path: path, fields: [.select("outcome", "What came of it", outcomes)])
        let now = now
        var values = values(of: flow, try await survey.flowFigures())
        values["title"] = .string("Flow \(flow.name)")
        values["maps"] = .array(
            fieldMaps { call in flow.calls.contains(call) }.filter { $0["flow_id"]?.string == flow.id })
        values["condition"] = .string(Shown.text(flow.when))
        values["filters"] = filters.values(query)
        values["decisions"] = .array(page.items.map { Self.values(of: $0, now: now) })
        values["older"] = Filters.older(path, query, next: page.next)
        values["is_partly"] = .bool(page.items.isEmpty && page.next != nil)
        return try await html("flow", in: "flows", values, visit)
    }

    // MARK: Dry run

    private func rehearsePage(_ visit: Visit, _ query: Query) async throws -> Answer {
        let event = (query["event"] ?? "").trimmed
        let configuration = query["configuration"]
        let asNew = query["as_new"] == "true"
        var values: JSONObject = [
            "title": "Dry run", "event": .string(event), "configuration": .string(configuration ?? ""),
            "as_new": .bool(asNew),
        ]
        guard !event.isEmpty else { return try await html("rehearse", in: "flows", values, visit) }
        do {
            guard let id = EventID(event) else {
                throw Failure(
                    .invalid, "This is no id of an event; it begins with tev_ and stands on the event's page.")
            }
            let isAdmin = visit.session.role.includes(.admin)
            guard configuration == nil || isAdmin else {
                throw Failure(
                    .forbidden,
                    "Another configuration takes an administrator: its fields could show, and its conditions ask for, "
                        + "what is masked for others.")
            }
            let result = try await backstage.rehearse(id, configuration: configuration, asNew: asNew)
            let said = try await said(of: id)
            let shown = self.values(of: result) { fields in
                if isAdmin {
                    return .array(
                        fields.members.map {
                            ["name": .string($0.key), "value": .string($0.value.text ?? $0.value.encodedText)]
                        })
                }
                return Masked.rows(of: fields, hiding: said)
            }
            for member in shown.members {
                values[member.key] = member.value
            }
        } catch let failure as Failure
            where failure.code == .invalid || failure.code == .notFound
            || failure.code == .configuration
        {
            values["problem"] = .string(failure.message)
        }
        return try await html("rehearse", in: "flows", values, visit)
    }

    private func values(of result: Rehearsed, fields: (JSONObject) -> JSONValue) -> JSONObject {
        let now = now
        return [
            "is_done": true,
            "effects": .array(
                result.effects.map { effect in
                    [
                        "call": .string(effect.job.call.name), "flow": .string(effect.job.flow),
                        "effect": .string(Masked.key(effect.job.effect.text)),
                        "starts": Shown.stamp(effect.job.startsAt > now ? effect.job.startsAt : nil, now: now),
                        "waits": .string(Self.words(effect.job.waitsFor)),
                        "fields": fields(effect.fields),
                    ]
                }),
            "decisions": .array(result.decisions.map { Self.values(of: $0, now: now) }),
        ]
    }

    private static func words(_ cause: WaitCause?) -> String {
        switch cause {
        case .field(let name)?: "would wait for the field \(name)"
        case .record(let kind)?: "would wait for the \(kind)"
        case .lane?, nil: ""
        }
    }
}
