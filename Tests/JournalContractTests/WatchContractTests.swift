import Journal
import Model
import Testing

extension Bench {
    /// Fails a claimed job for a cause.
    func fail(
        _ job: ClaimedJob, _ errorClass: String, field: String? = nil, error: String = "no",
        result: Settlement.Result = .dead, outcome: AttemptEnd.Outcome = .permanent, at moment: Instant = start
    ) async throws {
        let end = AttemptEnd(
            outcome: outcome, endedAt: moment, durationMilliseconds: 1, errorClass: errorClass, field: field,
            error: error)
        _ = try await journal.exchange(
            [Settlement(job: job.id, token: job.token, result: result, attempt: end)], claims: [], node: "n",
            now: moment)
    }

    var openIssues: [IssueRow] {
        get async throws { try await journal.issues(IssueFilter(isOpen: true), page: PageRequest()).items }
    }
}

@Suite struct `An issue` {
    @Test(arguments: Store.all) func `holds all failures of one cause`(store: Store) async throws {
        let bench = try await Bench(store)
        for index in 0..<5 {
            try await bench.job(try await bench.subject())
            let job = try #require(await bench.claim().first)
            let field = index == 3 ? "email" : nil
            let errorClass = index == 4 ? "http_422" : "http_400"
            try await bench.fail(
                job, errorClass, field: field, error: "words \(index)", at: start + .seconds(Int64(index)))
        }
        let issues = try await bench.openIssues
        #expect(issues.map(\.cause.errorClass) == ["http_422", "http_400", "http_400"])
        #expect(issues.map(\.cause.field) == [nil, "email", nil])
        #expect(issues.map(\.count) == [1, 1, 3])
        let oldest = try #require(issues.last)
        #expect((oldest.firstAt, oldest.lastAt) == (start, start + .seconds(2)))
        #expect(oldest.error == "words 2")
        #expect(try await bench.journal.issue(oldest.id) == oldest)
        #expect(
            try await bench.journal.issues(IssueFilter(destination: "desk"), page: PageRequest()).items.isEmpty)
    }

    @Test(arguments: Store.all) func `knows who hangs on it, and no longer when they are through`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        let (ada, bob) = (try await bench.subject(), try await bench.subject())
        for (subject, result) in [
            (ada, Settlement.Result.dead), (ada, .retry(at: start + .seconds(5), isSpent: true)), (bob, .dead),
        ] {
            try await bench.job(subject, lane: .some(nil))
            try await bench.fail(try #require(await bench.claim().first), "http_500", result: result)
        }
        let cause = IssueCause(destination: "crm", errorClass: "http_500")
        let cost = try await bench.journal.cost(of: .cause(cause))
        #expect(cost == Cost(groups: [.init(type: .leadCaptured, jobs: 3, subjects: 2)]))
        #expect(try await bench.journal.cost(of: .dead(destination: "crm")).jobs == 2)
        #expect(try await bench.journal.cost(of: .waiting(destination: "crm")).jobs == 1)
        _ = try await bench.journal.bulk(.retry, JobFilter(), limit: 10, by: "ada", now: start)
        for job in try await bench.claim() { try await bench.settle(job, .completed(nil, supersedesUpTo: nil)) }
        #expect(try await bench.journal.cost(of: .cause(cause)) == Cost())
    }

    @Test(arguments: Store.all) func `ends unless it has failed again, and a later failure opens another`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        func failOne(at moment: Instant) async throws {
            try await bench.job(try await bench.subject())
            try await bench.fail(try #require(await bench.claim().first), "http_500", at: moment)
        }
        try await failOne(at: start)
        let issue = try #require(await bench.openIssues.first)
        let cost = Cost(groups: [.init(type: .leadCaptured, jobs: 1, subjects: 1)], isCut: true)
        try await failOne(at: start + .seconds(1))
        #expect(
            try await bench.journal.write(
                [.cost(issue.id, cost), .endIssue(issue.id, lastAt: start)], now: start + .seconds(2)))
        let kept = try #require(await bench.openIssues.first)
        #expect((kept.cost, kept.costedAt, kept.count) == (cost, start + .seconds(2), 2))
        #expect(
            try await bench.journal.write([.endIssue(issue.id, lastAt: kept.lastAt)], now: start + .seconds(3)))
        #expect(try await bench.openIssues.isEmpty)
        try await failOne(at: start + .seconds(4))
        #expect(try await bench.openIssues.map(\.count) == [1])
        #expect(try await bench.journal.issues(IssueFilter(), page: PageRequest()).items.count == 2)
        #expect(
            await failure { try await bench.journal.acknowledge(issue.id, by: "ada", now: start) }?.code == .conflict)
    }

    @Test(arguments: Store.all) func `counts jobs whose field never came`(store: Store) async throws {
        let bench = try await Bench(store)
        for _ in 0..<2 { try await bench.job(try await bench.subject(), waitsFor: .field("email")) }
        #expect(try await bench.journal.expireWaits(now: start + .seconds(3601)) == 2)
        let issue = try #require(await bench.openIssues.first)
        #expect(issue.cause == IssueCause(destination: "crm", errorClass: "missing_field", field: "email"))
        #expect(issue.count == 2)
        #expect(try await bench.journal.cost(of: .cause(issue.cause)).jobs == 2)
    }

    @Test(arguments: Store.all) func `forgets the words of an erased person`(store: Store) async throws {
        let bench = try await Bench(store)
        let subject = try await bench.subject()
        try await bench.job(subject)
        try await bench.fail(try #require(await bench.claim().first), "http_400", error: "ada@example.com is odd")
        _ = try await bench.journal.forget(subject, by: "ada", now: start)
        #expect(try await bench.openIssues.map(\.error) == [""])
    }

    @Test(arguments: Store.all) func `is none for success, patience and our own shutdown`(store: Store) async throws {
        let bench = try await Bench(store)
        let endings: [(AttemptEnd.Outcome, String?, Settlement.Result)] = [
            (.succeeded, nil, .completed(nil, supersedesUpTo: nil)),
            (.slowDown, "http_429", .retry(at: start, isSpent: false)),
            (.unknown, "cut_off", .retry(at: start, isSpent: true)),
            (.notMade, "missing_field", .waiting(.field("email"), until: start + .seconds(9))),
        ]
        for (outcome, errorClass, result) in endings {
            try await bench.job(try await bench.subject(), destination: outcome.rawValue)
            let job = try #require(await bench.claim(outcome.rawValue).first)
            let end = AttemptEnd(outcome: outcome, endedAt: start, durationMilliseconds: 1, errorClass: errorClass)
            _ = try await bench.journal.exchange(
                [Settlement(job: job.id, token: job.token, result: result, attempt: end)], claims: [], node: "n",
                now: start)
        }
        #expect(try await bench.openIssues.isEmpty)
    }
}

@Suite struct `An alert in the journal` {
    private func notice(_ bench: Bench, _ alert: AlertRow, before: Int, mark: String = "m", isEnd: Bool = false)
        -> Notice
    {
        let event = bench.event(
            .alertOpened, external: "\(alert.id).\(before + 1)", source: "throughline", session: "\(alert.id)")
        return Notice(alert: alert.id, toldBefore: before, mark: mark, isEnd: isEnd, event: event)
    }

    @Test(arguments: Store.all) func `is told once for each count, however many tell it`(store: Store) async throws {
        let bench = try await Bench(store)
        try await bench.journal.openAlert(NewAlert(key: "k", title: "t", detail: "d", severity: .critical, at: start))
        let alert = try #require(await bench.journal.alerts(openOnly: true, page: PageRequest()).items.first)
        for _ in 0..<3 {
            #expect(try await bench.journal.write([.tell(notice(bench, alert, before: 0))], now: start))
        }
        #expect(try await bench.journal.figures(now: start).pending == 1)
        let told = try #require(await bench.journal.alert(alert.id))
        #expect(told.telling == Telling(count: 1, at: start, mark: "m"))
        #expect(told.alert.severity == .critical)

        // Its end is told once it has ended, and not before.
        #expect(try await bench.journal.write([.tell(notice(bench, alert, before: 1, isEnd: true))], now: start))
        #expect(try await bench.journal.figures(now: start).pending == 1)
        try await bench.journal.endAlert(key: "k", at: start + .seconds(1))
        #expect(try await bench.journal.watchFigures(.none, now: start).alerts.map(\.id) == [alert.id])
        #expect(try await bench.journal.write([.tell(notice(bench, alert, before: 1, isEnd: true))], now: start))
        #expect(try await bench.journal.figures(now: start).pending == 2)
        #expect(try await bench.journal.watchFigures(.none, now: start).alerts.isEmpty)
    }

    @Test(arguments: Store.all) func `keeps what it costs, and who has it in hand`(store: Store) async throws {
        let bench = try await Bench(store)
        let alert = NewAlert(key: "k", title: "t", detail: "d", cost: "12 leads wait", at: start)
        #expect(try await bench.journal.write([.open(alert)], now: start))
        try await bench.journal.openAlert(NewAlert(key: "k", title: "t2", detail: "d2", at: start + .seconds(1)))
        var row = try #require(await bench.journal.alerts(openOnly: true, page: PageRequest()).items.first)
        #expect((row.alert.title, row.alert.cost, row.alert.at) == ("t2", "12 leads wait", start))
        #expect(try await bench.journal.write([.price(row.id, "13 leads wait")], now: start))
        try await bench.journal.acknowledge(row.id, by: "ada", now: start + .seconds(2))
        try await bench.journal.acknowledge(row.id, by: "bob", now: start + .seconds(3))
        row = try #require(await bench.journal.alert(row.id))
        #expect(row.alert.cost == "13 leads wait")
        #expect(row.acknowledged == Acknowledgement(at: start + .seconds(2), by: "ada"))
        #expect(try await bench.journal.write([.end(key: "k")], now: start + .seconds(4)))
        #expect(await failure { try await bench.journal.acknowledge(row.id, by: "a", now: start) }?.code == .conflict)
        let nobody: AlertID = bench.id()
        #expect(await failure { try await bench.journal.acknowledge(nobody, by: "a", now: start) }?.code == .notFound)
        let actions = try await bench.journal.audit(page: PageRequest()).items.map(\.action)
        #expect(actions == ["alerts.acknowledge", "alerts.acknowledge"])
    }

    @Test(arguments: Store.all) func `is silenced by pattern for a while`(store: Store) async throws {
        let bench = try await Bench(store)
        let silence = Silence(pattern: "dead:*", reason: "migration", by: "ada", at: start, until: start + .seconds(60))
        try await bench.journal.silence(silence)
        #expect(try await bench.journal.silences(now: start) == [silence])
        #expect(try await bench.journal.silences(now: start + .seconds(60)).isEmpty)
        #expect(try await bench.journal.endSilence(of: "dead:*", by: "ada", now: start))
        #expect(try await !bench.journal.endSilence(of: "dead:*", by: "ada", now: start))
        #expect(
            try await bench.journal.audit(page: PageRequest()).items.map(\.action)
                == ["alerts.unsilence", "alerts.silence"])
    }
}

extension WatchWindows {
    static let none = WatchWindows(byKind: [:])
}

@Suite struct `What is counted by the minute` {
    @Test(arguments: Store.all) func `adds up over a window and its last part`(store: Store) async throws {
        let bench = try await Bench(store)
        for (minutes, failed) in [(-70, 9), (-50, 2), (-5, 3), (0, 1)] as [(Int64, Int)] {
            for _ in 0..<2 {
                try await bench.journal.addTallies([
                    Tally(kind: .work, name: "crm", at: start + .seconds(60 * minutes), total: 50, failed: failed),
                    Tally(kind: .arrival, name: "chat", at: start + .seconds(60 * minutes), total: 7, failed: 0),
                ])
            }
        }
        let windows = WatchWindows(byKind: [
            .work: .init(whole: .seconds(3600), recent: .seconds(600)),
            .delivery: .init(whole: .seconds(900), recent: .seconds(300)),
        ])
        let figures = try await bench.journal.watchFigures(windows, now: start)
        #expect(
            figures.sums == [
                TallySum(kind: .work, name: "crm", total: 300, failed: 12, recentTotal: 200, recentFailed: 8)
            ])
        #expect(figures.arrivals["chat"]?.values.reduce(0, +) == 56)
        let later = start + .seconds(4 * 3600)
        #expect(try await bench.journal.write([.tidy], now: later))
        let tidied = try await bench.journal.watchFigures(
            WatchWindows(byKind: [.work: .init(whole: .seconds(30 * 3600), recent: .seconds(60))]), now: later)
        #expect(tidied.sums.isEmpty)
        #expect(tidied.arrivals["chat"]?.isEmpty == false)
    }

    @Test(arguments: Store.all) func `finds stubborn jobs, dead letters and the age of secrets`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        try await bench.job(try await bench.subject())
        for _ in 0..<4 {
            #expect(try await bench.journal.watchFigures(.none, now: start).stubborn.isEmpty)
            let job = try #require(await bench.claim().first)
            try await bench.fail(job, "http_500", result: .retry(at: start, isSpent: true), outcome: .transient)
        }
        for _ in 0..<2 {
            try await bench.job(try await bench.subject(), destination: "desk")
            try await bench.fail(try #require(await bench.claim("desk").first), "http_400")
        }
        try await bench.journal.noteSecrets(
            [SecretMark(name: "env:A", mark: [1]), SecretMark(name: "env:B", mark: [1])], now: start)
        try await bench.journal.noteSecrets(
            [SecretMark(name: "env:A", mark: [1]), SecretMark(name: "env:C", mark: [1])], now: start + .seconds(9))
        try await bench.journal.noteSecrets(
            [SecretMark(name: "env:A", mark: [1]), SecretMark(name: "env:C", mark: [2])], now: start + .seconds(10))
        #expect(
            try await bench.journal.watchFigures(.none, now: start + .seconds(299)).stubborn.isEmpty,
            "an outage that has just begun is told of as one")
        let figures = try await bench.journal.watchFigures(.none, now: start + WatchWindows.stubbornLeast)
        #expect(figures.stubborn == ["crm": 1])
        #expect(figures.dead == ["desk": 2])
        #expect(
            figures.secrets == [
                SecretAge(name: "env:A", since: start), SecretAge(name: "env:C", since: start + .seconds(10)),
            ])
    }
}
