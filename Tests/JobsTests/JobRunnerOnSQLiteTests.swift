import ConnectorKit
import Jobs
import Journal
import JournalSQLite
import Logging
import Model
import Seams
import Settings
import Synchronization
import TestKit
import Testing

@Suite(.ownQueue, .timeLimit(.minutes(2))) struct `The runner on a journal file` {
    private static func arrival(_ number: Int) -> Arrival {
        .event(
            Event(
                id: Build.mint.make(EventTag.self), source: "chat", externalID: "lead-\(number)",
                externalType: "lead_captured", type: .leadCaptured, occurredAt: Build.start, receivedAt: Build.start,
                session: "s\(number % 7)", data: ["email": .string("ada\(number)@example.com")]),
            payload: Array("{}".utf8))
    }

    private static func plan(_ event: Event, _ tx: any PlanTransaction, lane: String?) throws {
        let subject = Build.mint.make(SubjectTag.self)
        try tx.createSubject(subject, for: event.id, at: Build.start)
        try tx.assign(event.id, to: subject)
        try tx.insert(
            NewJob(
                id: Build.mint.make(JobTag.self),
                effect: EffectKey(flow: "new-lead", call: Build.call, fact: event.id.description), flow: "new-lead",
                call: Build.call, event: event.id, fact: nil, subject: subject, lane: lane, startsAt: Build.start),
            at: Build.start)
    }

    private static func journal(in folder: TemporaryFolder, jobs: Int, lanes: Int? = nil) async throws -> SQLiteJournal
    {
        let journal = try SQLiteJournal.open(path: folder.file("test.db"))
        _ = try await journal.append((0..<jobs).map(arrival))
        _ = try await journal.planPending(limit: jobs, now: Build.start) { event, tx in
            try plan(event, tx, lane: lanes == nil ? nil : event.session)
        }
        return journal
    }

    /// Runs until so many jobs have completed, bounded in real time.
    private static func play(
        _ journal: SQLiteJournal, _ time: ManualTime, _ connector: ScriptedConnector, until jobs: Int
    )
        async throws
    {
        let runner = JobRunner(
            journal: journal, connectors: ConnectorSet(["crm": connector]), settings: LiveSettings(Build.settings()),
            world: World(time: time, chance: SeededChance(seed: 3), http: NoHTTP()), node: "n1",
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        try await withThrowingTaskGroup { group in
            group.addTask { try await runner.run() }
            let bound = SystemTime()
            let end = bound.uptime + .seconds(30)
            while bound.uptime < end {
                let page = try await journal.jobs(JobFilter(states: [.completed]), page: PageRequest(limit: 500))
                if page.items.count == jobs { break }
                await Task.yield()
            }
            runner.stop()
            try await group.waitForAll()
        }
        let page = try await journal.jobs(JobFilter(), page: PageRequest(limit: 500))
        #expect(page.items.count == jobs)
        #expect(page.items.allSatisfy { $0.state == .completed })
    }

    @Test func `works every job once through refusals, failures and lost answers`() async throws {
        let folder = try TemporaryFolder()
        let time = ManualTime(Build.start)
        let effects = Mutex<[EffectKey: Int]>([:])
        let trouble = Verdict.Trouble("http_500", "boom")
        let connector = ScriptedConnector(.findable(lag: .seconds(5)), time: time) { number, call in
            if call.approach == .lookFirst, effects.withLock({ $0[call.key] != nil }) {
                return Report(.succeeded(ExternalRecord(kind: "note", id: "found")))
            }
            if number % 7 == 1 { return Report(.transient(trouble, mayHaveHappened: false)) }
            if number % 11 == 1 { return Report(.slowDown(trouble, after: .seconds(2))) }
            if number == 15 { return Report(.credentials(trouble)) }
            effects.withLock { $0[call.key, default: 0] += 1 }
            return number % 5 == 1
                ? Report(.transient(trouble, mayHaveHappened: true))
                : Report(.succeeded(ExternalRecord(kind: "note", id: "\(number)")))
        }
        let journal = try await Self.journal(in: folder, jobs: 60)
        try await Self.play(journal, time, connector, until: 60)
        #expect(effects.withLock { $0.count == 60 && $0.values.allSatisfy { $0 == 1 } })
        #expect(try await journal.pauses().isEmpty)
        #expect(try await journal.alerts(openOnly: true, page: PageRequest()).items.isEmpty)
    }

    @Test func `keeps lanes in order, one call at a time in each`() async throws {
        let folder = try TemporaryFolder()
        let time = ManualTime(Build.start)
        let connector = ScriptedConnector(time: time) { _, _ in Report(.succeeded(nil)) }
        let journal = try await Self.journal(in: folder, jobs: 35, lanes: 7)
        try await Self.play(journal, time, connector, until: 35)
        #expect(connector.calls.count == 35)
        #expect(connector.mostUnderWay <= 4)
    }
}
