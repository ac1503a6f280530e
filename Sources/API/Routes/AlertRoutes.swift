internal import Journal
internal import Model
internal import Seams
internal import Settings

extension Routes {
    /// A silence longer than this is a rule that should be switched off.
    static let silenceMax: Duration = .seconds(90 * 86_400)
    private static let patternLengthMax = 200

    static func alerts(_ dependencies: Dependencies) -> [Route] {
        [
            Route("GET", "/v1/alerts", .scope(.read)) { call in
                let inputs = try Inputs(call.query, known: Inputs.page.union(["open"]), now: dependencies.time.now)
                let page = try await dependencies.reading.alerts(
                    openOnly: try inputs.flag("open") ?? false, page: inputs.page())
                return .list(page.items.map(\.json), next: page.next)
            },
            Route("GET", "/v1/alerts/{id}", .scope(.read)) { call in
                .json(try await alert(id(call, "alert"), dependencies))
            },
            Route("POST", "/v1/alerts/{id}/acknowledge", .scope(.operate), media: .json) { call in
                _ = try Inputs(body: call.body, known: [], now: dependencies.time.now)
                let alert: AlertID = try id(call, "alert")
                try await dependencies.operating.acknowledge(alert, by: call.actor, now: dependencies.time.now)
                return .json(try await self.alert(alert, dependencies))
            },
            Route("POST", "/v1/alerts/test", .scope(.operate), media: .json) { call in
                let inputs = try Inputs(body: call.body, known: ["to"], now: dependencies.time.now)
                let answers = try await dependencies.alertTesting.test(try inputs.text("to"))
                try await note(call, "alerts.test", answers.map(\.destination).joined(separator: ","), dependencies)
                return .list(answers.map(\.json))
            },
        ] + issues(dependencies) + silences(dependencies)
    }

    private static func issues(_ dependencies: Dependencies) -> [Route] {
        [
            Route("GET", "/v1/issues", .scope(.read)) { call in
                let inputs = try Inputs(
                    call.query, known: Inputs.page.union(["open", "destination"]), now: dependencies.time.now)
                let filter = IssueFilter(isOpen: try inputs.flag("open"), destination: try inputs.text("destination"))
                let page = try await dependencies.reading.issues(filter, page: inputs.page())
                let settings = dependencies.settings.current
                return .list(page.items.map { $0.json(settings) }, next: page.next)
            },
            Route("GET", "/v1/issues/{id}", .scope(.read)) { call in
                .json(try await issue(id(call, "issue"), dependencies))
            },
            Route("POST", "/v1/issues/{id}/acknowledge", .scope(.operate), media: .json) { call in
                _ = try Inputs(body: call.body, known: [], now: dependencies.time.now)
                let issue: IssueID = try id(call, "issue")
                try await dependencies.operating.acknowledge(issue, by: call.actor, now: dependencies.time.now)
                return .json(try await self.issue(issue, dependencies))
            },
        ]
    }

    private static func silences(_ dependencies: Dependencies) -> [Route] {
        [
            Route("GET", "/v1/silences", .scope(.read)) { call in
                _ = try Inputs(call.query, known: [], now: dependencies.time.now)
                return .list(try await dependencies.reading.silences(now: dependencies.time.now).map(\.json))
            },
            Route("POST", "/v1/silences", .scope(.operate), media: .json) { call in
                let now = dependencies.time.now
                let inputs = try Inputs(body: call.body, known: ["pattern", "until", "reason"], now: now)
                let pattern = try pattern(inputs)
                guard let until = Instant(rfc3339: try inputs.required("until")), until > now, until - now <= silenceMax
                else {
                    throw Failure(
                        .invalid, "until takes a time to come, within 90 days, like 2026-11-23T10:00:00Z.",
                        field: "until")
                }
                let silence = Silence(
                    pattern: pattern, reason: try inputs.text("reason") ?? "", by: call.actor, at: now, until: until)
                try await dependencies.operating.silence(silence)
                return .json(silence.json)
            },
            Route("POST", "/v1/silences/end", .scope(.operate), media: .json) { call in
                let inputs = try Inputs(body: call.body, known: ["pattern"], now: dependencies.time.now)
                let pattern = try pattern(inputs)
                let now = dependencies.time.now
                guard try await dependencies.operating.endSilence(of: pattern, by: call.actor, now: now) else {
                    throw Failure(.notFound, "There is no silence of this pattern; GET /v1/silences lists them.")
                }
                return .json(["pattern": .string(pattern), "ended": true])
            },
        ]
    }

    private static func pattern(_ inputs: Inputs) throws(Failure) -> String {
        let pattern = try inputs.required("pattern")
        guard pattern.utf8.count <= patternLengthMax, !pattern.dropLast().contains("*") else {
            throw Failure(
                .invalid, "pattern takes an alert's key, or the beginning of one with * at its end.", field: "pattern")
        }
        return pattern
    }

    private static func alert(_ id: AlertID, _ dependencies: Dependencies) async throws -> JSONObject {
        guard let alert = try await dependencies.reading.alert(id) else { throw missing("alert") }
        return alert.json
    }

    private static func issue(_ id: IssueID, _ dependencies: Dependencies) async throws -> JSONObject {
        guard let issue = try await dependencies.reading.issue(id) else { throw missing("issue") }
        return issue.json(dependencies.settings.current)
    }
}
