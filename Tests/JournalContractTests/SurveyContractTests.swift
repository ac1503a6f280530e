import Journal
import Model
import Settings
import Testing

@Suite struct `A survey` {
    private let minute: Duration = .seconds(60)

    @Test(arguments: Store.all) func `tells what passed in each span and nothing of the others`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        for offset in [0, 59, 60, 125] { try await bench.receive(bench.event(at: start + .seconds(Int64(offset)))) }
        let subject = try await bench.subject()
        _ = try await bench.job(subject, lane: .some(nil))
        _ = try await bench.job(subject, lane: .some(nil))
        let claimed = try await bench.claim()
        try await bench.settle(claimed[0], .completed(nil, supersedesUpTo: nil), at: start + .seconds(61))
        try await bench.settle(claimed[1], .dead, outcome: .permanent, at: start + .seconds(121))
        let pulse = try await bench.journal.pulse(until: start + .seconds(180), span: minute, count: 3)
        #expect(pulse.beats.map(\.start) == [start, start + minute, start + minute + minute])
        #expect(pulse.beats.map(\.completed) == [0, 1, 0])
        #expect(pulse.beats.map(\.dead) == [0, 0, 1])
        let later = try await bench.journal.pulse(until: start + .seconds(7200), span: minute, count: 3)
        #expect(later.beats.map(\.events) == [0, 0, 0])
    }

    @Test(arguments: Store.all) func `counts events by when they were received`(store: Store) async throws {
        let bench = try await Bench(store)
        for offset in [0, 30, 60, 125] { try await bench.receive(bench.event(at: start + .seconds(Int64(offset)))) }
        let pulse = try await bench.journal.pulse(until: start + .seconds(180), span: minute, count: 3)
        #expect(pulse.beats.map(\.events) == [2, 1, 1])
    }

    @Test(arguments: Store.all) func `lists decisions by flow and outcome, and counts the newest`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        let subject = try await bench.subject()
        let event = bench.event()
        try await bench.receive(event)
        try await bench.plan { event, tx in
            for (flow, outcome) in [
                ("new-lead", Decision.Outcome.planned), ("new-lead", .shadow), ("complaint", .shadow), (nil, .joined),
            ] as [(String?, Decision.Outcome)] {
                try tx.record(
                    Decision(
                        event: event.id, subject: subject, at: start, flow: flow, outcome: outcome,
                        detail: "would call crm.upsert"))
            }
        }
        func flows(_ filter: DecisionFilter) async throws -> [String?] {
            try await bench.journal.decisions(filter, page: PageRequest()).items.map(\.flow)
        }
        #expect(try await flows(DecisionFilter(outcomes: [.shadow])) == ["complaint", "new-lead"])
        #expect(try await flows(DecisionFilter(flow: "new-lead")) == ["new-lead", "new-lead"])
        #expect(try await flows(DecisionFilter(flow: "new-lead", outcomes: [.off])).isEmpty)
        let figures = try await bench.journal.flowFigures()
        #expect(figures.since == start)
        #expect(
            figures.figures == [
                .init(flow: "complaint", outcome: .shadow, count: 1, last: start),
                .init(flow: "new-lead", outcome: .planned, count: 1, last: start),
                .init(flow: "new-lead", outcome: .shadow, count: 1, last: start),
            ])
        let first = try await bench.journal.decisions(DecisionFilter(), page: PageRequest(limit: 1))
        let second = try await bench.journal.decisions(
            DecisionFilter(), page: PageRequest(limit: 5, cursor: first.next))
        #expect(first.items.count == 1 && second.items.count == 3 && second.next == nil)
    }

    @Test(arguments: Store.all) func `groups what is kept by cause, without what was replayed`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        var kept = [bench.kept("a"), bench.kept("b"), bench.kept("c"), bench.kept("i", kind: .ignored)]
        kept[1].reason = "newest words"
        kept[2].code = "invalid_json"
        _ = try await bench.journal.append(kept.map { .kept($0) })
        let replayed = bench.event(external: "c")
        _ = try await bench.journal.append([.event(replayed, payload: [], replayed: kept[2].id)])
        let groups = try await bench.journal.keptGroups(KeptFilter(kinds: [.quarantined]))
        #expect(
            groups == [
                KeptGroup(
                    kind: .quarantined, source: "chat", externalType: nil, code: "invalid_field",
                    reason: "newest words", count: 2, first: start, last: start)
            ])
        #expect(try await bench.journal.keptGroups(KeptFilter()).map(\.kind) == [.quarantined, .ignored])
        #expect(try await bench.journal.keptGroups(KeptFilter(source: "stripe")).isEmpty)

        var typed = bench.kept("t")
        typed.externalType = "trial_started"
        _ = try await bench.journal.append([.kept(typed)])
        let filter = KeptFilter(kinds: [.quarantined], externalType: "trial_started")
        #expect(try await bench.journal.keptGroups(filter).map(\.count) == [1], "a group is all that it shows")
        let listed = try await bench.journal.keptDeliveries(filter, page: PageRequest()).items
        #expect(listed.map(\.id) == [typed.id])
    }

    @Test(arguments: Store.all) func `counts each completed job once, by day, and not those without a call`(
        store: Store
    )
        async throws
    {
        let bench = try await Bench(store)
        let subject = try await bench.subject()
        for _ in 0..<3 { _ = try await bench.job(subject, lane: .some(nil)) }
        _ = try await bench.job(subject, action: "set")
        let last = try await bench.job(subject, action: "set")
        let claimed = try await bench.claim()
        let day: Duration = .seconds(86_400)
        for (index, job) in claimed.filter({ $0.call.action == "upsert" }).enumerated() {
            try await bench.settle(job, .completed(nil, supersedesUpTo: nil), at: start + day * index)
        }
        let setting = try #require(claimed.first { $0.call.action == "set" })
        try await bench.settle(setting, .completed(nil, supersedesUpTo: Sight(job: .max, join: .max)), at: start)
        #expect(try await bench.journal.job(last)?.row.note?.hasPrefix("superseded") == true)

        let end = start + day * 4
        while try await bench.journal.tallyWork(until: end) {}
        #expect(try await !bench.journal.tallyWork(until: end))
        let today = WorkDay(start)
        let done = try await bench.journal.workDone(since: today)
        #expect(
            done == [
                WorkTally(day: today, destination: "crm", action: "set", completed: 1),
                WorkTally(day: today, destination: "crm", action: "upsert", completed: 1),
                WorkTally(day: today.adding(1), destination: "crm", action: "upsert", completed: 1),
                WorkTally(day: today.adding(2), destination: "crm", action: "upsert", completed: 1),
            ])
        #expect(try await bench.journal.workDone(since: today.adding(2)).count == 1)
    }

    @Test(arguments: Store.all) func `lets a rehearsal read as a plan does, and refuses its writes`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        let email = SubjectIdentifier(.email, "ada@example.com", .proven)
        let subject = try await bench.subject(email)
        let seen = try await bench.journal.rehearse { tx in try tx.holders(of: [email]).map(\.root) }
        #expect(seen == [subject])
        let event = bench.event()
        try await bench.receive(event)
        await #expect(throws: (any Error).self) {
            try await bench.journal.rehearse { tx in try tx.assign(event.id, to: subject) }
        }
        #expect(try await bench.journal.event(event.id)?.row.subject == nil)
    }

    @Test(arguments: Store.all) func `a list of completed jobs finds all of a flow, page by page`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        let subject = try await bench.subject()
        for _ in 0..<3 { _ = try await bench.job(subject, lane: .some(nil)) }
        for job in try await bench.claim() { try await bench.settle(job, .completed(nil, supersedesUpTo: nil)) }
        let filter = JobFilter(states: [.completed], flow: "f")
        let first = try await bench.journal.jobs(filter, page: PageRequest(limit: 2))
        let second = try await bench.journal.jobs(filter, page: PageRequest(limit: 2, cursor: first.next))
        #expect(first.items.count == 2 && second.items.count == 1 && second.next == nil)
    }
}
