internal import API
internal import Journal
internal import Model
internal import Seams
internal import Settings
internal import Trail
internal import Watch

extension Console {
    var nowRoutes: [Route] { [page("GET", "/console") { visit in try await nowPage(visit) }] }

    private static let beats = 20
    private static let beatSpan: Duration = .seconds(180)
    private static let waitingMax = 200
    private static let deadMax = 500

    private func nowPage(_ visit: Visit) async throws -> Answer {
        let now = now
        let figures = try await figures.figures()
        let health = await dependencies.destinations.health()
        let alerts = try await dependencies.reading.alerts(openOnly: true, page: PageRequest(limit: 20)).items
        let issues = try await dependencies.reading.issues(IssueFilter(isOpen: true), page: PageRequest(limit: 10))
            .items
        let pulse = try await survey.pulse(until: now, span: Self.beatSpan, count: Self.beats)
        let tallies = try await survey.workDone(since: WorkDay(now).adding(1 - Busywork.days))
        let work = Busywork(tallies, settings: settings.console, now: now)
        let refusals = recentRefusals
        let state = try await stateOfThings(figures, health, refusals)
        let acknowledged = dependencies.meters.snapshot.acknowledgements.quantile(0.95)
        return try await html(
            "now", in: "now",
            [
                "title": .string(state.isWell ? "All is well" : "Needs you"), "is_well": .bool(state.isWell),
                "sentence": .string(state.sentence), "link": .string(state.troubles.first?.link ?? ""),
                "also": .array(
                    state.troubles.dropFirst().map { ["sentence": .string($0.sentence), "link": .string($0.link)] }),
                "alerts": .array(alerts.sorted(by: Self.isWorse).map { Self.values(of: $0, now: now) }),
                // What costs nothing any more stands with the other issues.
                "issues": .array(
                    issues.filter { $0.cost.map { !$0.groups.isEmpty } ?? true }.map { Self.values(of: $0, now: now) }),
                "street": .string(street(figures, health, pulse, acknowledged).svg),
                "charts": .array(Self.charts(pulse)),
                "work": Self.values(of: work),
                "last_event": Shown.stamp(figures.lastEventAt, now: now),
                "fresh_start": now - startedAt < .seconds(3600) ? Shown.stamp(startedAt, now: now) : .null,
                "refusals": .array(
                    refusals.suffix(10).reversed().map {
                        [
                            "at": Shown.stamp($0.at, now: now), "source": .string($0.source),
                            "reason": .string($0.reason),
                        ]
                    }),
            ], visit)
    }

    private var recentRefusals: [RefusedDelivery] {
        dependencies.receiving.recentRefusals().filter { now - $0.at < .seconds(3600) }
    }

    private func stateOfThings(
        _ figures: JournalFigures, _ health: [DestinationStatus], _ refusals: [RefusedDelivery]
    ) async throws -> StateOfThings {
        var waiting: [String: [JobRow]] = [:]
        for status in health where status.pause != nil {
            // Many are only counted: to list them takes longer than a first page may.
            let count = (figures.openJobs[status.name] ?? [:]).values.reduce(0, +)
            guard (1...Self.waitingMax).contains(count) else { continue }
            let open = Set(JobState.allCases.filter { !$0.isEnded })
            waiting[status.name] = try await dependencies.reading.jobs(
                JobFilter(states: open, destination: status.name), page: PageRequest(limit: Self.waitingMax)
            ).items
        }
        let ended = try await dependencies.reading.alerts(openOnly: false, page: PageRequest(limit: 50)).items
            .compactMap(\.endedAt)
        return StateOfThings(
            StateOfThings.Reading(
                figures: figures, destinations: health, waiting: waiting,
                // Many are only counted here: grouping them takes longer than a first page may.
                dead: (1...Self.deadMax).contains(figures.dead)
                    ? try await dependencies.reading.deadGroups(JobFilter(states: [.dead])) : [],
                refusals: refusals, readiness: dependencies.readiness.refusal,
                wellSince: max(startedAt, ended.max() ?? startedAt), now: now), settings: settings)
    }

    // MARK: The street

    private func street(
        _ figures: JournalFigures, _ health: [DestinationStatus], _ pulse: Pulse, _ acknowledged: Duration?
    ) -> StreetPicture {
        let recent = pulse.beats.suffix(2)
        let perMinute = Double(recent.reduce(0) { $0 + $1.events }) / (2 * Double(Self.beatSpan.milliseconds) / 60_000)
        let isComing = perMinute > 0
        let isWorking = recent.contains { $0.completed > 0 }
        let open = figures.openJobs.values.flatMap(\.values).reduce(0, +)
        let isShut = dependencies.readiness.refusal != nil
        let lag = figures.oldestPendingAt.map { now - $0 } ?? .zero
        let stations = [
            StreetPicture.Station(
                title: "Intake", figure: Self.rate(perMinute),
                caption: acknowledged.map { "95 % in \($0.milliseconds) ms" } ?? "events a minute",
                tone: isShut ? "bad" : "good", state: isShut ? "closed" : "open", link: "/console/events",
                isFlowing: isComing),
            StreetPicture.Station(
                title: "Journal", figure: Shown.number(figures.eventsLastHour), caption: "events in an hour",
                tone: "good", state: "writing", link: "/console/events?since=1h", isFlowing: isComing),
            StreetPicture.Station(
                title: "Planning", figure: Shown.number(figures.pending),
                caption: figures.pending == 0 ? "nothing waits" : "wait to be planned",
                tone: lag > .seconds(60) ? "warn" : "good", state: lag > .seconds(60) ? "behind" : "up to date",
                link: "/console/events", isFlowing: isComing),
            StreetPicture.Station(
                title: "Jobs", figure: Shown.number(open),
                caption: figures.dead > 0 ? "open, \(Shown.number(figures.dead)) dead" : "open",
                tone: figures.dead > 0 ? "warn" : "good", state: figures.dead > 0 ? "some gave up" : "flowing",
                link: "/console/jobs?state=\(Self.openStates)", isFlowing: isWorking),
        ]
        return StreetPicture(
            stations: stations, destinations: health.map { end(of: $0, figures, isWorking: isWorking) })
    }

    static let openStates = "scheduled,available,running,waiting,retryable,held"

    private func end(of status: DestinationStatus, _ figures: JournalFigures, isWorking: Bool) -> StreetPicture.Station
    {
        let open = (figures.openJobs[status.name] ?? [:]).values.reduce(0, +)
        let standing = Standing(status)
        return StreetPicture.Station(
            title: status.name, figure: Shown.number(open),
            caption: open > 0 && standing.tone == "good" ? "wait" : standing.word,
            tone: standing.tone, state: standing.word,
            link: "/console/destinations/\(PercentCoding.encode(status.name))",
            isFlowing: isWorking && status.pause == nil)
    }

    /// `3 / min`, `0.4 / min`.
    private static func rate(_ perMinute: Double) -> String {
        if perMinute == 0 || perMinute >= 10 { return "\(Shown.number(Int(perMinute.rounded()))) / min" }
        return "\(Busywork.plain(max(0.1, perMinute))) / min"
    }

    private static func charts(_ pulse: Pulse) -> [JSONValue] {
        let events = pulse.beats.reduce(0) { $0 + $1.events }
        let completed = pulse.beats.reduce(0) { $0 + $1.completed }
        let dead = pulse.beats.reduce(0) { $0 + $1.dead }
        func clock(_ beat: Pulse.Beat) -> String { String(beat.start.description.dropFirst(11).prefix(5)) }
        return [
            [
                "title": "Events in, last hour", "total": .string(Shown.number(events)),
                "svg": .string(
                    Chart.bars(
                        pulse.beats.map {
                            Chart.Bar(value: Double($0.events), words: "\(clock($0)): \($0.events)", tone: "accent")
                        },
                        label: "Events by three minutes over the last hour, \(events) in all")),
            ],
            [
                "title": "Jobs done, last hour", "total": .string(Shown.number(completed)),
                "note": .string(dead > 0 ? "and \(Shown.number(dead)) gave up" : ""),
                "svg": .string(
                    Chart.bars(
                        pulse.beats.map {
                            Chart.Bar(
                                value: Double($0.completed + $0.dead),
                                words: "\(clock($0)): \($0.completed) done, \($0.dead) gave up",
                                tone: "accent", bad: Double($0.dead))
                        },
                        label: "Jobs by three minutes over the last hour, \(completed) done, \(dead) gave up")),
            ],
        ]
    }

    // MARK: Busywork

    private static func values(of work: Busywork) -> JSONValue {
        [
            "is_any": .bool(!work.lines.isEmpty), "today": .string(Shown.count(work.today.count, "action")),
            "today_hours": .string(Busywork.duration(work.today.hours)),
            "week": .string(Shown.count(work.week.count, "action")),
            "week_hours": .string(Busywork.duration(work.week.hours)),
            "month": .string(Shown.count(work.month.count, "action")),
            "month_hours": .string(Busywork.duration(work.month.hours)),
            "chart": .string(
                Chart.bars(
                    work.hoursByDay.enumerated().map { day, hours in
                        let back = work.hoursByDay.count - 1 - day
                        return Chart.Bar(
                            value: hours,
                            words: "\(back == 0 ? "today" : Shown.count(back, "day") + " ago"): "
                                + Busywork.duration(hours), tone: "accent")
                    }, label: "Hours saved by day over 30 days, \(Busywork.duration(work.month.hours)) in all")),
            "lines": .array(
                work.lines.prefix(50).map { line in
                    [
                        "call": .string(line.call), "count": .string(Shown.number(line.count)),
                        "minutes": .string(Busywork.plain(line.minutes)), "is_set": .bool(line.isSet),
                        "hours": .string(Busywork.duration(line.hours)),
                    ]
                }),
        ]
    }
}

/// How a destination stands, in a word.
struct Standing {
    var word: String
    var tone: String

    init(_ status: DestinationStatus) {
        if let pause = status.pause {
            (word, tone) = (pause.cause == .person ? "paused" : "paused: \(pause.cause.rawValue)", "bad")
        } else {
            switch status.breaker {
            case "closed": (word, tone) = ("healthy", "good")
            case "half_open": (word, tone) = ("being tried", "warn")
            default: (word, tone) = ("does not answer", "warn")
            }
        }
    }
}

extension Shown {
    /// `240 ms`, `3 min 5 s`, `2 h 10 min`.
    static func duration(_ duration: Duration) -> String { TrailText.duration(duration.milliseconds) }
}
