import Journal
import Model
import Settings
import TestKit
import Testing

@Suite struct `What is reconciled` {
    private let hour: Duration = .seconds(3600)

    private func window(_ types: Set<EventType> = [.leadCaptured]) -> WorkWindow {
        WorkWindow(types: types, destination: "crm", since: start - hour, until: start + hour)
    }

    private func run(_ bench: Bench, at moment: Instant = start) -> Reconciliation {
        Reconciliation(
            id: bench.id(at: moment), place: "crm", side: .destination, since: moment - hour, until: moment,
            startedAt: moment, startedBy: "ada")
    }

    private func difference(_ number: Int, _ cause: Difference.Cause = .changed, event: EventID? = nil) -> Difference {
        Difference(
            number: number, cause: cause, sample: "new-lead", key: "k\(number)", event: event,
            records: ["51", "52"], at: start, detail: "it is gone")
    }

    @Test(arguments: Store.all) func `is told with its decisions, its jobs and the records of its person`(
        store: Store
    ) async throws {
        let bench = try await Bench(store)
        let subject = try await bench.subject(SubjectIdentifier(.email, "ada@example.com", .claimed))
        let job = try await bench.job(subject)
        let record = ExternalRecord(kind: "contact", id: "51")
        try await bench.settle(try #require(await bench.claim().first), .completed(record, supersedesUpTo: nil))
        let page = try await bench.journal.work(in: window(), before: nil, limit: 100)
        let work = try #require(page.items.first { !$0.jobs.isEmpty })
        #expect(work.jobs.map(\.id) == [job] && work.records.map(\.record) == [record])
        #expect(work.identifiers.map(\.value) == ["ada@example.com"])
        #expect(!work.isPending && !work.isUnplannable && page.next == nil)
        let other = try await bench.journal.work(in: window([.paymentSucceeded]), before: nil, limit: 100)
        #expect(other.items.isEmpty)
    }

    @Test(arguments: Store.all) func `is walked through in stretches, each event once, until all are too old`(
        store: Store
    ) async throws {
        let bench = try await Bench(store)
        var expected: Set<EventID> = []
        for index in 0..<23 {
            let event = bench.event(at: index < 8 ? start - hour * 30 : start)
            try await bench.receive(event)
            if index >= 8 { expected.insert(event.id) }
        }
        var (seen, before, pages): ([EventID], Int64?, Int) = ([], nil, 0)
        repeat {
            let page = try await bench.journal.work(in: window(), before: before, limit: 5)
            seen += page.items.map(\.event.id)
            (before, pages) = (page.next, pages + 1)
        } while before != nil
        #expect(Set(seen) == expected && seen.count == expected.count)
        // 15 young ones make three stretches, and one more shows that the rest is old.
        #expect(pages == 4)
    }

    @Test(arguments: Store.all) func `is known by the sender's id, whatever became of it`(store: Store) async throws {
        let bench = try await Bench(store)
        let subject = try await bench.subject()
        let (pending, dead) = (bench.event(external: "pending"), bench.event(external: "dead"))
        try await bench.receive(dead)
        let job = bench.newJob(subject, of: dead.id, lane: nil)
        try await bench.plan { event, tx in
            try tx.assign(event.id, to: subject)
            try tx.insert(job, at: start)
        }
        try await bench.settle(try #require(await bench.claim().first), .dead, outcome: .permanent)
        try await bench.receive(pending)
        let quarantined = bench.kept("quarantined")
        _ = try await bench.journal.append([.kept(quarantined), .kept(bench.kept("ignored", kind: .ignored))])
        let standings = try await bench.journal.arrivals(
            at: "chat", externalIDs: ["pending", "dead", "quarantined", "ignored", "missing"])
        #expect(
            standings == [
                "pending": .event(pending.id, isPending: true, isUnplannable: false, dead: []),
                "dead": .event(
                    dead.id, isPending: false, isUnplannable: false,
                    dead: [DeadWork(job: job.id, destination: "crm")]),
                "quarantined": .quarantined(quarantined.id, code: "invalid_field"), "ignored": .ignored,
            ])
        #expect(try await bench.journal.arrivals(at: "stripe", externalIDs: ["dead"]).isEmpty)
    }

    @Test(arguments: Store.all) func `finds facts by their keys and what was last said of an object`(
        store: Store
    ) async throws {
        let bench = try await Bench(store)
        let event = bench.event(.subscriptionStarted)
        try await bench.receive(event)
        let subject: SubjectID = bench.id()
        try await bench.plan { event, tx in
            try tx.createSubject(subject, for: event.id, at: start)
            for (seconds, status) in [(2, "canceled"), (1, "active")] {
                try tx.putFact(
                    Fact(
                        key: "s:\(status)", type: .subscriptionChanged, object: "subscription:sub_1", subject: subject,
                        event: event.id, occurredAt: start + .seconds(Int64(seconds)),
                        data: ["status": .string(status)]))
            }
            try tx.assign(event.id, to: subject)
        }
        #expect(try await bench.journal.factEvents(["s:active", "s:none"]) == ["s:active": event.id])
        let objects = ["subscription:sub_1", "subscription:sub_2"]
        #expect(try await bench.journal.statuses(ofObjects: objects) == ["subscription:sub_1": "canceled"])
    }

    @Test(arguments: Store.all) func `is kept as a run with its differences and their repair`(
        store: Store
    ) async throws {
        let bench = try await Bench(store)
        var run = run(bench)
        try await bench.journal.beginReconciliation(run)
        #expect(try await bench.journal.reconciliation(run.id) == run)
        let event = bench.event()
        try await bench.journal.keepDifferences(
            [difference(1), difference(2, .neverArrived, event: event.id), difference(3)], of: run.id)
        run.samples = [.init(name: "new-lead", judged: 40, matched: 37)]
        (run.state, run.endedAt, run.isCut) = (.completed, start + hour, true)
        try await bench.journal.endReconciliation(run)
        let repair = Difference.Repair(outcome: .done, at: start + hour, by: "ada", note: "as tjb")
        try await bench.journal.noteRepair(repair, of: 3, in: run.id)
        (run.differences, run.repaired) = (3, 1)
        #expect(try await bench.journal.reconciliations(page: PageRequest()).items == [run])
        #expect(run.rate == 37.0 / 40)
        var third = difference(3)
        third.repair = repair
        func told(_ filter: DifferenceFilter) async throws -> [Difference] {
            try await bench.journal.differences(of: run.id, filter, page: PageRequest()).items
        }
        let second = difference(2, .neverArrived, event: event.id)
        #expect(try await told(DifferenceFilter()) == [difference(1), second, third])
        #expect(try await told(DifferenceFilter(causes: [.changed], isOpen: true)) == [difference(1)])
        let page = try await bench.journal.differences(of: run.id, DifferenceFilter(), page: PageRequest(limit: 2))
        #expect(page.items.count == 2 && page.next == "2")
        let counts = try await bench.journal.differenceCounts(of: run.id)
        #expect(counts[.changed]?.all == 2 && counts[.changed]?.open == 1 && counts[.neverArrived]?.open == 1)
        var again = run
        again.state = .failed
        try await bench.journal.endReconciliation(again)
        #expect(try await bench.journal.reconciliation(run.id)?.state == .completed)
        #expect(await failure { try await bench.journal.keepDifferences([], of: bench.id()) }?.code == .notFound)
    }

    @Test(arguments: Store.all) func `is done once in each interval, and what was left unended is told as failed`(
        store: Store
    ) async throws {
        let bench = try await Bench(store)
        let lost = run(bench, at: start - hour * 24)
        try await bench.journal.beginReconciliation(lost)
        #expect(try await bench.journal.takeReconciliation(every: hour, now: start))
        #expect(try await bench.journal.takeReconciliation(every: hour, now: start) == false)
        #expect(try await bench.journal.reconciliation(lost.id)?.state == .failed)
    }

    @Test(arguments: Store.all) func `does an ended effect once more, and only once for each time it ended`(
        store: Store
    ) async throws {
        let bench = try await Bench(store)
        let job = try await bench.job(try await bench.subject())
        let mint: @Sendable () -> JobID = { bench.id() }
        let open = await failure { _ = try await bench.journal.repeatEffect(of: job, mint: mint, by: "a", now: start) }
        #expect(open?.code == .conflict)
        try await bench.settle(try #require(await bench.claim().first), .completed(nil, supersedesUpTo: nil))
        let next = try await bench.journal.repeatEffect(of: job, mint: mint, by: "ada", now: start)
        #expect(try await bench.claim().map(\.id) == [next])
        let again = await failure { _ = try await bench.journal.repeatEffect(of: job, mint: mint, by: "a", now: start) }
        #expect(again?.code == .conflict)
        #expect(try await bench.journal.audit(page: PageRequest()).items.first?.action == "jobs.repeat")
    }

    @Test(arguments: Store.all) func `goes with the events of its time and with its person`(
        store: Store
    ) async throws {
        let bench = try await Bench(store)
        var run = run(bench)
        try await bench.journal.beginReconciliation(run)
        let subject = try await bench.subject(SubjectIdentifier(.email, "ada@example.com", .claimed))
        let event = try #require(await bench.journal.events(EventFilter(), page: PageRequest()).items.first).event.id
        try await bench.journal.keepDifferences([difference(1), difference(2, event: event)], of: run.id)
        _ = try await bench.journal.forget(subject, by: "ada", now: start)
        let left = try await bench.journal.differences(of: run.id, DifferenceFilter(), page: PageRequest()).items
        #expect(left.map(\.number) == [1])
        run.state = .completed
        try await bench.journal.endReconciliation(run)
        _ = try await bench.journal.pruneEvents(before: start + hour, after: 0, limit: 10)
        #expect(try await bench.journal.reconciliations(page: PageRequest()).items.isEmpty)
    }

    @Test(arguments: Store.all) func `comes in marked as recovered`(store: Store) async throws {
        let bench = try await Bench(store)
        var event = bench.event()
        event.isRecovered = true
        try await bench.receive(event, bench.event())
        let told = try await bench.journal.events(EventFilter(), page: PageRequest()).items
        #expect(told.map(\.event.isRecovered) == [false, true])
        let planned = Box<[Bool]>([])
        try await bench.plan { event, _ in planned.append(event.isRecovered) }
        #expect(planned.value == [true, false])
    }
}
