internal import API
internal import Journal
internal import Model
internal import Settings
internal import Trail
internal import Watch

extension Console {
    var alertRoutes: [Route] {
        [
            page("GET", "/console/alerts") { visit in try await alertPage(visit) },
            page("POST", "/console/alerts/{id}/acknowledge", .operator) { visit in
                guard let id = AlertID(visit.call.parameter("id")) else {
                    throw Failure(.notFound, "There is no such alert.")
                }
                try await dependencies.operating.acknowledge(id, by: visit.actor, now: now)
                return redirect(to: "/console/alerts")
            },
            page("POST", "/console/issues/{id}/acknowledge", .operator) { visit in
                guard let id = IssueID(visit.call.parameter("id")) else {
                    throw Failure(.notFound, "There is no such issue.")
                }
                try await dependencies.operating.acknowledge(id, by: visit.actor, now: now)
                return redirect(to: "/console/alerts")
            },
            page("POST", "/console/silences", .operator) { visit in try await silence(visit) },
            page("POST", "/console/silences/end", .operator) { visit in
                let pattern = visit.form["pattern"] ?? ""
                guard try await dependencies.operating.endSilence(of: pattern, by: visit.actor, now: now) else {
                    throw Failure(.notFound, "There is no such silence any more.")
                }
                return redirect(to: "/console/alerts")
            },
        ]
    }

    private static let silenceDurations: [String: Duration] = [
        "1h": .seconds(3600), "8h": .seconds(8 * 3600), "24h": .seconds(86_400), "7d": .seconds(7 * 86_400),
    ]

    private func silence(_ visit: Visit) async throws -> Answer {
        let pattern = (visit.form["pattern"] ?? "").trimmed
        guard !pattern.isEmpty, pattern.utf8.count <= Limits.idLengthMax else {
            throw Failure(.invalid, "Name the alert's key, or the beginning of keys with a * at its end.")
        }
        guard let lasts = Self.silenceDurations[visit.form["for"] ?? ""] else {
            throw Failure(.invalid, "A silence lasts 1h, 8h, 24h or 7d.")
        }
        try await dependencies.operating.silence(
            Silence(
                pattern: pattern, reason: String((visit.form["reason"] ?? "").prefix(255)), by: visit.actor, at: now,
                until: now + lasts))
        return redirect(to: "/console/alerts")
    }

    /// What is critical first, then what is open longest.
    static func isWorse(_ lhs: AlertRow, than rhs: AlertRow) -> Bool {
        lhs.alert.severity == rhs.alert.severity ? lhs.alert.at < rhs.alert.at : lhs.alert.severity > rhs.alert.severity
    }

    static func values(of row: AlertRow, now: Instant) -> JSONValue {
        [
            "id": .string(row.id.description), "key": .string(row.alert.key), "title": .string(row.alert.title),
            "detail": detail(row.alert.detail), "link": .string(link(of: row.alert.key)),
            "severity": .string(row.alert.severity.rawValue),
            "tone": .string(row.alert.severity == .critical ? "bad" : "warn"), "cost": .string(row.alert.cost ?? ""),
            "at": Shown.stamp(row.alert.at, now: now), "ended": Shown.stamp(row.endedAt, now: now),
            "lasted": .string(row.endedAt.map { Shown.duration($0 - row.alert.at) } ?? ""),
            "hand": .string(row.acknowledged?.by ?? ""), "is_new": .bool(row.acknowledged == nil),
        ]
    }

    /// In parts, commands apart from words.
    private static func detail(_ text: String) -> JSONValue {
        .array(
            text.split(separator: "`", omittingEmptySubsequences: false).enumerated().map { index, part in
                ["is_code": .bool(index % 2 == 1), "text": .string(String(part))]
            })
    }

    /// Where the cause of an alert can be seen and mended.
    private static func link(of key: String) -> String {
        func path(_ path: String, _ name: String) -> String { path + PercentCoding.encode(name) }
        switch AlertKey(key) {
        case .work(.dead, let name): return path("/console/dead?destination=", name)
        case .work(.stranded, let name): return path("/console/jobs?state=\(openStates)&destination=", name)
        case .work(_, let name), .destination(let name): return path("/console/destinations/", name)
        case .other(.failedDeliveries, _): return "/console#door"
        case .other(.silent, let name): return path("/console/events?source=", name)
        case .other(.secret, _): return "/console/settings"
        case .other(.mismatch, _): return "/console/reconciliations"
        case .other: return "/console"
        case .foreign: return key == "unplannable" ? "/console/quarantine" : "/console"
        }
    }

    static func values(of issue: IssueRow, now: Instant, isDead: Bool = false) -> JSONValue {
        let cause = issue.cause
        let query =
            "destination=\(PercentCoding.encode(cause.destination))&error=\(PercentCoding.encode(cause.errorClass))"
        return [
            "id": .string(issue.id.description), "destination": .string(cause.destination),
            "error_class": .string(cause.errorClass), "field": .string(cause.field ?? ""),
            "error": .string(issue.error), "count": .string(Shown.count(issue.count, "failure")),
            "cost": .string(issue.cost.map { CostWords.text($0) } ?? ""), "first": Shown.stamp(issue.firstAt, now: now),
            "last": Shown.stamp(issue.lastAt, now: now), "ended": Shown.stamp(issue.endedAt, now: now),
            "hand": .string(issue.acknowledged?.by ?? ""), "is_new": .bool(issue.acknowledged == nil),
            "query_string": .string(query), "is_dead": .bool(isDead),
        ]
    }

    private func alertPage(_ visit: Visit) async throws -> Answer {
        let query = visit.call.query
        let inputs = try Inputs(query, known: Inputs.page, now: now, isForm: true)
        let open = try await dependencies.reading.alerts(openOnly: true, page: PageRequest(limit: 100)).items
        let page = try await dependencies.reading.alerts(openOnly: false, page: inputs.page())
        let issues = try await dependencies.reading.issues(IssueFilter(isOpen: true), page: PageRequest(limit: 100))
        let dead = Set(
            try await dependencies.reading.deadGroups(JobFilter(states: [.dead])).map {
                [$0.destination, $0.errorClass]
            })
        let silences = try await dependencies.reading.silences(now: now)
        let now = now
        return try await html(
            "alerts", in: "alerts",
            [
                "title": "Alerts and issues",
                "open": .array(
                    open.sorted(by: Self.isWorse).map { row in
                        var values = Self.values(of: row, now: now).object ?? [:]
                        let silence = silences.first { $0.covers(row.alert.key, at: now) }
                        values["silent"] = Shown.stamp(silence?.until, now: now)
                        values["can_silence"] = .bool(silence == nil)
                        return .object(values)
                    }),
                "issues": .array(
                    issues.items.map {
                        let isDead = dead.contains([$0.cause.destination, $0.cause.errorClass])
                        return Self.values(of: $0, now: now, isDead: isDead)
                    }),
                "any_silence": .bool(!silences.isEmpty),
                "silences": .array(
                    silences.map {
                        [
                            "pattern": .string($0.pattern), "reason": .string($0.reason), "by": .string($0.by),
                            "until": Shown.stamp($0.until, now: now),
                        ]
                    }),
                "ended": .array(page.items.filter { $0.endedAt != nil }.map { Self.values(of: $0, now: now) }),
                "older": Filters.older("/console/alerts", query, next: page.next),
            ], visit)
    }
}
