import Journal
import Model
import Seams
import Settings
import TestKit
import Testing
import Watch

@Suite(.serialized) struct `The watch` {
    /// An hour at the CRM in which every fiftieth call fails, and half an hour in which none does.
    private func badHour(_ post: Post) async throws {
        var calls = 0
        for minute in 0..<90 {
            let node = minute % post.nodes.count
            try await post.leads(25, on: node)
            try await post.work(on: node) { _ in
                calls += 1
                return minute < 60 && calls % 50 == 0
            }
            try await post.watch()
            post.time.advance(by: .seconds(60))
        }
    }

    private func expectOneAlert(_ post: Post) async throws {
        let alerts = try await post.alerts
        #expect(alerts.map(\.alert.key) == ["failed_work:crm"])
        let alert = try #require(alerts.first)
        let endedAt = try #require(alert.endedAt)
        #expect(endedAt > start + .seconds(3600) && endedAt < start + .seconds(4800))
        let told = try await post.told
        #expect(told.map(\.type) == [.alertOpened, .alertEnded])
        let cost = try #require(told.first?.data["cost"]?.string)
        #expect(cost.contains("for crm; nothing is lost") || cost == "nobody waits for it now", "\(cost)")
        #expect(told.first?.data["title"]?.string?.contains("% of the calls to crm fail") == true)
        // Each notice is one job with an effect key of its own.
        let jobs = try await post.journal.jobs(JobFilter(destination: "team"), page: PageRequest()).items
        #expect(jobs.count == 2)
        #expect(Set(jobs.map(\.effect)).count == 2)
        #expect(jobs.allSatisfy { $0.flow == AlertSettings.flowID })
    }

    @Test(arguments: Store.all) func `tells once that two calls in a hundred fail, with the cost, and once of the end`(
        store: Store
    ) async throws {
        let post = try await Post(store)
        try await badHour(post)
        try await expectOneAlert(post)
        // Its failures are one issue, which ends when nobody hangs on it and it has been quiet.
        let issues = try await post.journal.issues(IssueFilter(), page: PageRequest()).items
        #expect(issues.map(\.cause) == [IssueCause(destination: "crm", errorClass: "http_500")])
        #expect(issues.first?.endedAt != nil)
        #expect(issues.first?.count == 30)
        try await post.close()
    }

    @Test(.enabled(if: PostgresServer.isInstalled, "postgresql is not installed"))
    func `tells the same once on two nodes`() async throws {
        let post = try await Post(.postgres, nodes: 2)
        try await badHour(post)
        try await expectOneAlert(post)
        try await post.close()
    }

    @Test(.enabled(if: PostgresServer.isInstalled, "postgresql is not installed"))
    func `goes on at another node when the first one leaves`() async throws {
        let post = try await Post(.postgres, nodes: 2)
        try await post.leads(1)
        try await post.work(result: .dead) { _ in true }
        try await post.nodes[0].watcher.round()
        try await post.nodes[1].watcher.round()
        #expect(try await post.told.map(\.type) == [.alertOpened])
        try await post.nodes[0].journal.close()
        _ = try await post.nodes[1].journal.bulk(
            .cancel, JobFilter(), limit: 10, by: "ada", now: post.time.now)
        let dead = try await post.nodes[1].journal.jobs(JobFilter(states: [.dead]), page: PageRequest()).items
        for job in dead {
            try await post.nodes[1].journal.change(job.id, .cancel, by: "ada", now: post.time.now)
        }
        try await post.nodes[1].watcher.round()
        let alerts = try await post.nodes[1].journal.alerts(openOnly: false, page: PageRequest()).items
        #expect(alerts.count == 1 && alerts.allSatisfy { !$0.isOpen && $0.telling.isEndTold })
        try await post.nodes[1].journal.close()
    }

    @Test(arguments: Store.all) func `makes one issue of 10,000 failures of one cause`(store: Store) async throws {
        let post = try await Post(store, nodes: 2)
        try await post.leads(100)
        for round in 0..<100 {
            post.time.advance(by: .seconds(3))
            let node = round % post.nodes.count
            let failed = try await post.work(on: node) { _ in true }
            #expect(failed == 100)
        }
        try await post.watch()
        let issues = try await post.journal.issues(IssueFilter(), page: PageRequest()).items
        #expect(issues.map(\.count) == [10_000])
        #expect(issues.first?.cost == Cost(groups: [.init(type: .leadCaptured, jobs: 100, subjects: 100)]))
        #expect(issues.first?.isOpen == true)
        let alerts = try await post.alerts.filter(\.isOpen)
        #expect(alerts.map(\.alert.key) == ["failed_work:crm"])
        #expect(alerts.first?.alert.cost == "100 leads wait for crm; nothing is lost")
        try await post.close()
    }

    @Test(arguments: Store.all) func `tells of dead letters what they cost, again when they grow, and not in a silence`(
        store: Store
    ) async throws {
        var alerts = Post.alerts
        alerts.failedWork = nil
        let post = try await Post(store, alerts: alerts)
        func die(_ count: Int) async throws {
            try await post.leads(count)
            try await post.work(result: .dead) { _ in true }
            try await post.watch()
            post.time.advance(by: .seconds(700))
        }
        try await die(1)
        try await die(3)
        #expect(try await post.told.map(\.type) == [.alertOpened])
        try await die(12)
        #expect(try await post.told.map(\.type) == [.alertOpened, .alertChanged])
        let said = try await post.told.map { $0.data["cost"]?.string }
        #expect(said == ["1 lead not in the CRM (crm)", "16 leads not in the CRM (crm)"])
        let silence = Silence(
            pattern: "dead_letters:*", reason: "", by: "ada", at: post.time.now, until: post.time.now + .seconds(3600))
        try await post.journal.silence(silence)
        for _ in 0..<2 { try await die(60) }
        #expect(try await post.told.count == 2)
        post.time.advance(by: .seconds(3600))
        try await post.watch()
        #expect(try await post.told.count == 3)
        try await post.close()
    }

    @Test func `reminds once a day of what nobody has in hand`() async throws {
        let post = try await Post(.sqlite)
        try await post.leads(1)
        try await post.work(result: .dead) { _ in true }
        try await post.watch()
        post.time.advance(by: .seconds(86_400))
        try await post.watch()
        #expect(try await post.told.map(\.type) == [.alertOpened, .alertChanged])
        let alert = try #require(await post.alerts.first)
        try await post.journal.acknowledge(alert.id, by: "ada", now: post.time.now)
        for _ in 0..<3 {
            post.time.advance(by: .seconds(86_400))
            try await post.watch()
        }
        #expect(try await post.told.count == 2)
        try await post.close()
    }

    @Test func `writes nothing for people where nobody is to be told`() async throws {
        let post = try await Post(.sqlite, alerts: AlertSettings())
        try await post.leads(1)
        try await post.work(result: .dead) { _ in true }
        try await post.watch()
        #expect(try await post.alerts.map(\.alert.key) == ["dead_letters:crm"])
        #expect(try await post.told.isEmpty)
        try await post.close()
    }

    @Test(arguments: Store.all) func `misses a source by its own rhythm, once, until it speaks again`(store: Store)
        async throws
    {
        let post = try await Post(store)
        func hours(_ count: Int, deliveries: Int) async throws {
            for _ in 0..<count {
                post.arrive(deliveries)
                try await post.watch()
                post.time.advance(by: .seconds(3600))
            }
        }
        try await hours(72, deliveries: 6)
        #expect(try await post.alerts.isEmpty)
        try await hours(5, deliveries: 0)
        let alert = try #require(await post.alerts.first)
        #expect(alert.alert.key == "silent_source:chat" && alert.isOpen)
        #expect(alert.alert.title == "chat has fallen silent")
        #expect(try await post.told.map(\.type) == [.alertOpened])
        try await hours(2, deliveries: 1)
        #expect(try await post.alerts.map(\.isOpen) == [false])
        #expect(try await post.told.map(\.type) == [.alertOpened, .alertEnded])
        try await post.close()
    }

    @Test(arguments: Store.all) func `asks for a new secret when it has grown old, until there is one`(store: Store)
        async throws
    {
        let post = try await Post(store)
        func note(_ mark: UInt8) async throws {
            try await post.journal.noteSecrets([SecretMark(name: "env:T", mark: [mark])], now: post.time.now)
        }
        try await note(1)
        post.time.advance(by: .seconds(179 * 86_400))
        // A restart with the same secret does not make it younger.
        try await note(1)
        try await post.watch()
        #expect(try await post.alerts.isEmpty)
        post.time.advance(by: .seconds(2 * 86_400))
        try await post.watch()
        #expect(try await post.alerts.map(\.alert.key) == ["secret_age:env:T"])
        try await note(2)
        for _ in 0..<2 { try await post.watch() }
        #expect(try await post.told.map(\.type) == [.alertOpened, .alertEnded])
        try await post.close()
    }

    @Test func `keeps its counts while the journal is away`() {
        let book = TallyBook(settings: LiveSettings(Settings(product: "A")), time: ManualTime(start))
        for _ in 0..<3 { book.countWork(destination: "crm", outcome: .unknown) }
        book.putBack(book.take())
        book.countWork(destination: "crm", outcome: .succeeded)
        #expect(book.take() == [Tally(kind: .work, name: "crm", at: start, total: 4, failed: 3)])
        #expect(book.take().isEmpty)
        for number in 0..<20_000 { book.countWork(destination: "d\(number)", outcome: .unknown) }
        #expect(book.take().count == 10_000)
    }
}
