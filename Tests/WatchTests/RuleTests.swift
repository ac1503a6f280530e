import Journal
import Model
import Settings
import Testing

@testable import Watch

@Suite struct `A rule about shares` {
    private func sum(_ failed: Int, of total: Int, recent: (Int, Int)) -> TallySum {
        TallySum(
            kind: .work, name: "crm", total: total, failed: failed, recentTotal: recent.1, recentFailed: recent.0)
    }

    @Test(arguments: [
        // Enough, over the share now and over the hour.
        (20, 1000, (5, 250), AlertRules.Standing.bad),
        // Exactly the share is not above it.
        (10, 1000, (5, 250), .unsure),
        // Too few to say anything.
        (5, 19, (5, 19), .unsure), (2, 100, (2, 100), .unsure),
        // It is over: nothing opens, and what is open ends.
        (20, 1000, (0, 250), .good), (20, 1000, (1, 250), .good),
        // Between: it stays as it is.
        (20, 1000, (2, 250), .unsure),
        // Nobody has called lately.
        (20, 1000, (0, 0), .unsure), (5, 1000, (0, 0), .good), (0, 0, (0, 0), .good),
    ])
    func `opens above the share and ends at half of it`(
        failed: Int, total: Int, recent: (Int, Int), standing: AlertRules.Standing
    ) {
        #expect(AlertRules.standing(sum(failed, of: total, recent: recent), share: 0.01, least: 20) == standing)
    }

    @Test func `says shares without needless digits`() {
        #expect(AlertRules.percent(0.01) == "1 %")
        #expect(AlertRules.percent(0.0213) == "2.1 %")
        #expect(AlertRules.percent(1) == "100 %")
    }
}

@Suite struct `The rules` {
    private let settings = Settings(
        product: "Acme", sources: [SourceSettings(name: "chat", kind: .events, secrets: [])],
        destinations: [DestinationSettings(name: "crm", kind: .hubspot(token: .environment("T")))])

    private func keys(_ changes: [WatchChange]) -> [String] {
        changes.map { change in
            switch change {
            case .open(let alert): "+\(alert.key)"
            case .end(let key): "-\(key)"
            default: "?"
            }
        }
    }

    private func row(_ key: String) -> AlertRow {
        AlertRow(
            id: AlertID(at: start, random: (1, 1)), alert: NewAlert(key: key, title: "", detail: "", at: start),
            endedAt: nil)
    }

    private func decide(
        _ figures: WatchFigures, _ settings: Settings? = nil, matches: [AlertRules.Match] = [], now: Instant = start
    ) -> [String] {
        keys(AlertRules(figures, settings: settings ?? self.settings, matches: matches, now: now).decide())
    }

    @Test func `open one alert for each cause`() {
        let bad = { (kind: Tally.Kind, name: String) in
            TallySum(kind: kind, name: name, total: 1000, failed: 100, recentTotal: 500, recentFailed: 50)
        }
        let figures = WatchFigures(
            sums: [bad(.work, "crm"), bad(.delivery, "chat"), bad(.ack, "")], stubborn: ["crm": 3, "desk": 1],
            dead: ["desk": 2], secrets: [SecretAge(name: "env:T", since: start - .seconds(181 * 86_400))])
        #expect(
            decide(figures, matches: [.init(source: "stripe", matched: 94, total: 100)]) == [
                "+dead_letters:desk", "+failed_deliveries:chat", "+failed_work:crm", "+reconciliation:stripe",
                "+secret_age:env:T", "+slow_acknowledgements:", "+stubborn_jobs:desk",
            ])
    }

    @Test func `go by the newest reconciliation of each place that ended and judged enough`() {
        func run(_ place: String, _ state: Reconciliation.State, matched: Int, of judged: Int) -> Reconciliation {
            Reconciliation(
                id: ReconciliationID(at: start, random: (1, 1)), place: place, side: .source, since: start,
                until: start,
                startedAt: start, startedBy: "schedule", state: state,
                samples: [.init(name: "events", judged: judged, matched: matched)])
        }
        let runs = [
            run("stripe", .running, matched: 0, of: 50), run("stripe", .failed, matched: 1, of: 50),
            run("crm", .completed, matched: 1, of: 19), run("stripe", .completed, matched: 90, of: 100),
            run("stripe", .completed, matched: 100, of: 100), run("crm", .completed, matched: 1, of: 100),
        ]
        #expect(
            AlertRules.Match.newest(of: runs) == [
                .init(source: "stripe", matched: 90, total: 100), .init(source: "crm", matched: 1, total: 100),
            ])
    }

    @Test func `say nothing of a destination of which it is known that it takes nothing`() {
        let sum = TallySum(kind: .work, name: "crm", total: 100, failed: 100, recentTotal: 50, recentFailed: 50)
        var figures = WatchFigures(sums: [sum], stubborn: ["crm": 3], alerts: [row("destination:crm:unreachable")])
        #expect(decide(figures) == [])
        figures.alerts = [row("destination:desk:credentials")]
        #expect(decide(figures) == ["+failed_work:crm"])
    }

    @Test func `say nothing of the failures of an outage that was told and is over`() {
        let sum = TallySum(kind: .work, name: "crm", total: 100, failed: 100, recentTotal: 50, recentFailed: 50)
        var figures = WatchFigures(
            sums: [sum],
            recoveries: ["destination:crm:unreachable": start - .seconds(60), "destination:x:blocked": start])
        #expect(decide(figures) == [])
        figures.recoveries["destination:crm:unreachable"] = start - AlertRules.recoveryTime
        #expect(decide(figures) == ["+failed_work:crm"])
    }

    @Test func `tell of jobs that nothing works, since their destination was taken out`() {
        #expect(decide(WatchFigures(destinations: ["crm", "gone"])) == ["+stranded_jobs:gone"])
        #expect(decide(WatchFigures(alerts: [row("stranded_jobs:gone")])) == ["-stranded_jobs:gone"])
    }

    @Test func `end their own alerts and leave those of others`() {
        let figures = WatchFigures(alerts: [
            row("dead_letters:crm"), row("stubborn_jobs:crm"), row("failed_work:crm"), row("unplannable"),
            row("destination:crm:credentials"), row("reconciliation:stripe"), row("inbox:app:held"),
        ])
        #expect(
            decide(figures, matches: [.init(source: "stripe", matched: 95, total: 100)]) == [
                "-dead_letters:crm", "-failed_work:crm", "-reconciliation:stripe", "-stubborn_jobs:crm",
            ])
    }

    @Test func `are off where the configuration says so`() {
        var settings = settings
        settings.alerts = AlertSettings(
            failedWork: nil, failedDeliveries: nil, attempts: nil, silentSource: nil, rotateSecrets: nil,
            reconciled: nil, tellsDead: false)
        let sum = TallySum(kind: .work, name: "crm", total: 100, failed: 100, recentTotal: 50, recentFailed: 50)
        let figures = WatchFigures(
            sums: [sum], stubborn: ["crm": 3], dead: ["crm": 9],
            secrets: [SecretAge(name: "env:T", since: start - .seconds(1000 * 86_400))])
        #expect(decide(figures, settings, matches: [.init(source: "s", matched: 0, total: 9)]) == [])
    }

    @Test func `say the same twice only where it has changed`() {
        let figures = WatchFigures(dead: ["crm": 2])
        guard case .open(let alert)? = AlertRules(figures, settings: settings, now: start).decide().first else {
            Issue.record("no alert")
            return
        }
        var open = figures
        open.alerts = [AlertRow(id: AlertID(at: start, random: (1, 1)), alert: alert, endedAt: nil)]
        #expect(decide(open) == [])
        open.dead = ["crm": 3]
        #expect(decide(open) == ["+dead_letters:crm"])
    }
}

@Suite struct `A silent source` {
    private static let hour: Duration = .seconds(3600)

    /// So many in each hour from `from` hours before now, except where `isSilent` says so of the hours before now.
    private func hours(from: Int, count: Int, isSilent: (Int) -> Bool) -> [Instant: Int] {
        var hours: [Instant: Int] = [:]
        for back in 0...from where !isSilent(back) { hours[Self.now - Self.hour * back] = count }
        return hours
    }

    private static let now = Tally.Kind.arrival.start(of: start)

    @Test func `is missed by what came in the same hours of the weeks before`() throws {
        let rhythm = try #require(Rhythm(hours(from: 21 * 24, count: 6) { $0 < 3 }, now: Self.now + .seconds(60)))
        #expect((rhythm.silentHours, rhythm.missed) == (2, 12))
        #expect(rhythm.since == Self.now - Self.hour * 2)
    }

    @Test func `is not silent at night or at the weekend`() throws {
        // Nothing comes in the first 60 hours of each week.
        let week = 7 * 24
        let rhythm = try #require(Rhythm(hours(from: 21 * 24, count: 6) { $0 % week < 60 }, now: Self.now))
        #expect(rhythm.silentHours == 59)
        #expect(rhythm.missed == 0)
    }

    @Test func `is compared with days as long as no week is known`() throws {
        let young = try #require(Rhythm(hours(from: 3 * 24, count: 6) { $0 < 3 }, now: Self.now))
        #expect(young.missed == 12)
        let newborn = try #require(Rhythm(hours(from: 30, count: 6) { $0 < 3 }, now: Self.now))
        #expect(newborn.missed == 0)
    }

    @Test func `stays silent for as long as it is`() throws {
        let long = try #require(Rhythm(hours(from: 21 * 24, count: 1) { $0 < 10 * 24 }, now: Self.now))
        #expect(long.missed == 7 * 24)
        #expect(Rhythm([:], now: Self.now) == nil)
        var figures = WatchFigures(alerts: [
            AlertRow(
                id: AlertID(at: start, random: (1, 1)),
                alert: NewAlert(key: "silent_source:chat", title: "", detail: "", at: start), endedAt: nil)
        ])
        let settings = Settings(
            product: "A", sources: [SourceSettings(name: "chat", kind: .events, secrets: [])])
        func changes() -> Int { AlertRules(figures, settings: settings, now: Self.now).decide().count }
        #expect(changes() == 0)
        figures.arrivals = ["chat": [Self.now: 1]]
        guard case .end? = AlertRules(figures, settings: settings, now: Self.now).decide().first else {
            Issue.record("it does not end")
            return
        }
    }
}

@Suite struct `A notice` {
    private func row(
        told: Int = 0, ago: Duration = .zero, mark: String? = nil, isEnded: Bool = false, isEndTold: Bool = false,
        isAcknowledged: Bool = false
    ) -> AlertRow {
        AlertRow(
            id: AlertID(at: start, random: (1, 1)),
            alert: NewAlert(key: "dead_letters:crm", title: "", detail: "", at: start),
            acknowledged: isAcknowledged ? Acknowledgement(at: start, by: "ada") : nil,
            endedAt: isEnded ? start : nil,
            telling: Telling(count: told, at: told > 0 ? start - ago : nil, mark: mark, isEndTold: isEndTold))
    }

    private func notice(_ row: AlertRow, magnitude: Int = 1, silences: [Silence] = []) -> NoticeRules.What? {
        NoticeRules(remind: .seconds(86_400), silences: silences, now: start)
            .notice(of: row, mark: AlertMark(severity: .warning, magnitude: magnitude))
    }

    @Test func `is given at the opening, when it grows, once a day, and at the end`() {
        #expect(notice(row()) == .opened)
        #expect(notice(row(told: 1, ago: .seconds(599), mark: "warning 1"), magnitude: 10) == nil)
        #expect(notice(row(told: 1, ago: .seconds(600), mark: "warning 1"), magnitude: 10) == .changed)
        #expect(notice(row(told: 1, ago: .seconds(600), mark: "warning 10"), magnitude: 1) == nil)
        #expect(notice(row(told: 1, ago: .seconds(86_400), mark: "warning 1")) == .changed)
        #expect(notice(row(told: 2, mark: "warning 1", isEnded: true)) == .ended)
    }

    @Test func `is not given twice, nor of what was never told, nor to whom has it in hand`() {
        #expect(notice(row(told: 2, isEnded: true, isEndTold: true)) == nil)
        #expect(notice(row(isEnded: true)) == nil)
        #expect(notice(row(isAcknowledged: true)) == nil)
        #expect(notice(row(told: 1, ago: .seconds(90_000), mark: "warning 1", isAcknowledged: true)) == nil)
        let grown = row(told: 1, ago: .seconds(900), mark: "warning 1", isAcknowledged: true)
        #expect(notice(grown, magnitude: 100) == .changed)
    }

    @Test func `waits for the end of a silence`() {
        let silence = Silence(pattern: "dead_*", reason: "", by: "", at: start, until: start + .seconds(1))
        #expect(notice(row(), silences: [silence]) == nil)
        #expect(!silence.covers("dead_letters:crm", at: start + .seconds(1)))
        #expect(!silence.covers("failed_work:crm", at: start))
    }
}

@Suite struct `What trouble costs` {
    private let settings = Settings(
        product: "A", destinations: [DestinationSettings(name: "crm", kind: .hubspot(token: .environment("T")))])

    @Test func `is said in people and money, not in jobs`() {
        let cost = Cost(groups: [
            .init(type: .leadCaptured, jobs: 14, subjects: 12), .init(type: .paymentSucceeded, jobs: 7, subjects: 7),
            .init(type: .supportEscalated, jobs: 1, subjects: 1),
        ])
        #expect(
            CostText.text(cost, of: .dead(destination: "crm"), settings: settings)
                == "12 leads, 7 paying customers and 1 person who asked for help not in the CRM (crm)")
        #expect(
            CostText.text(cost, of: .waiting(destination: "gone"), settings: settings)
                == "12 leads, 7 paying customers and 1 person who asked for help wait for gone; nothing is lost")
        #expect(CostText.text(Cost(), of: .dead(destination: "crm"), settings: settings) == nil)
    }
}
