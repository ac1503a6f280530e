import Journal
import Model
import Testing

@Suite struct `A lane` {
    @Test(arguments: Store.all) func `gives its jobs one at a time, in journal order`(store: Store) async throws {
        let bench = try await Bench(store)
        let subject = try await bench.subject()
        let jobs = [try await bench.job(subject), try await bench.job(subject), try await bench.job(subject)]
        for job in jobs {
            let claimed = try await bench.claim()
            #expect(claimed.map(\.id) == [job])
            try await bench.settle(try #require(claimed.first), .completed(nil, supersedesUpTo: nil))
        }
    }

    @Test(arguments: Store.all) func `stays shut while its head waits for its backoff`(store: Store) async throws {
        let bench = try await Bench(store)
        let subject = try await bench.subject()
        let (first, second) = (try await bench.job(subject), try await bench.job(subject))
        let claimed = try #require(await bench.claim().first)
        let due = start + .seconds(30)
        let exchange = try await bench.settle(claimed, .retry(at: due, isSpent: true), outcome: .transient)
        #expect(exchange.nextDue == due)
        #expect(try await bench.claim().isEmpty)
        let again = try #require(await bench.claim(at: due).first)
        #expect(again.id == first)
        #expect(again.attempts == 1)
        #expect(again.firstAttemptAt == start)
        try await bench.settle(again, .dead, outcome: .permanent)
        #expect(try await bench.claim().map(\.id) == [second])
    }

    @Test(arguments: Store.all)
    func `lets others pass a head that waits for a record, which wakes when the record is there`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        let subject = try await bench.subject()
        let comment = try await bench.job(subject, action: "comment")
        let ticket = try await bench.job(subject, action: "open_ticket")
        let claimed = try #require(await bench.claim().first)
        try await bench.settle(claimed, .waiting(.record("ticket"), until: start + .seconds(60)), outcome: .notMade)
        #expect(try await bench.journal.job(comment)?.row.waitsFor == .record("ticket"))
        let other = try #require(await bench.claim().first)
        #expect(other.id == ticket)
        let record = ExternalRecord(kind: "ticket", id: "77", url: "https://desk.example/77")
        try await bench.settle(other, .completed(record, supersedesUpTo: nil))
        #expect(try await bench.claim().map(\.id) == [comment])
        #expect(try await bench.journal.surroundings(of: comment)?.records == [record])
        #expect(try await bench.journal.job(ticket)?.row.record == record)
    }

    @Test(arguments: Store.all) func `that a dead job stops goes on when a person retries or cancels it`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        let subject = try await bench.subject()
        let (first, second) = (try await bench.job(subject, stops: true), try await bench.job(subject))
        try await bench.settle(try #require(await bench.claim().first), .dead, outcome: .permanent)
        #expect(try await bench.claim().isEmpty)
        let third = try await bench.job(subject)
        #expect(try await bench.state(third) == .waiting)
        try await bench.journal.change(first, .retry, by: "ada", now: start)
        let again = try #require(await bench.claim().first)
        #expect(again.id == first)
        try await bench.settle(again, .dead, outcome: .permanent)
        try await bench.journal.change(first, .cancel, by: "ada", now: start)
        #expect(try await bench.state(first) == .cancelled)
        #expect(try await bench.claim().map(\.id) == [second])
    }

    @Test(arguments: Store.all) func `ends a burst in one call where a newer state covers the older ones`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        let subject = try await bench.subject()
        let first = try await bench.job(subject)
        let (second, other) = (try await bench.job(subject), try await bench.job(subject, action: "add_note"))
        let claimed = try #require(await bench.claim().first)
        let asOf = try #require(await bench.journal.surroundings(of: first)).asOf
        let late = try await bench.job(subject)
        try await bench.settle(claimed, .completed(nil, supersedesUpTo: asOf))
        let superseded = try #require(await bench.journal.job(second)).row
        #expect(superseded.state == .completed)
        #expect(superseded.note == "superseded by \(first)")
        #expect(try await bench.claim().map(\.id) == [other])
        #expect(try await bench.state(late) == .waiting)
    }

    @Test(arguments: Store.all)
    func `ends no job of a subject that was joined after the effect's state was read`(store: Store) async throws {
        let bench = try await Bench(store)
        let through = SubjectIdentifier(.email, "a@b.c", .claimed)
        let (root, child) = (try await bench.subject(), try await bench.subject(through))
        let (first, childJob) = (try await bench.job(root), try await bench.job(child))
        let behind = try await bench.job(root)
        let claimed = try #require(await bench.claim().first { $0.id == first })
        let asOf = try #require(await bench.journal.surroundings(of: first)).asOf
        try await bench.receive(bench.event())
        try await bench.plan { event, tx in
            try tx.assign(event.id, to: root)
            try tx.join(
                SubjectJoin(child: child, root: root, basis: .claimed, through: through), event: event.id, at: start)
        }
        try await bench.settle(claimed, .completed(nil, supersedesUpTo: asOf))
        #expect(try await bench.state(childJob) != .completed)
        #expect(try await bench.state(behind) != .completed, "whoever goes next reads the state of both")
    }

    @Test(arguments: Store.all) func `of two joined subjects has one head, the one that runs`(store: Store) async throws
    {
        let bench = try await Bench(store)
        let through = SubjectIdentifier(.email, "a@b.c", .claimed)
        let (root, child) = (try await bench.subject(), try await bench.subject(through))
        let (rootJob, childJob) = (try await bench.job(root), try await bench.job(child))
        let running = try await bench.claim(limit: 1)
        #expect(running.map(\.id) == [rootJob])
        try await bench.receive(bench.event())
        try await bench.plan { event, tx in
            try tx.join(
                SubjectJoin(child: child, root: root, basis: .claimed, through: through), event: event.id, at: start)
        }
        #expect(try await bench.state(childJob) == .waiting)
        try await bench.settle(running[0], .completed(nil, supersedesUpTo: nil))
        #expect(try await bench.claim().map(\.id) == [childJob])
    }

    @Test(arguments: Store.all)
    func `of two subjects whose jobs both run at the join lets none follow before both are gone`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        let through = SubjectIdentifier(.email, "a@b.c", .claimed)
        let (root, child) = (try await bench.subject(), try await bench.subject(through))
        _ = (try await bench.job(root), try await bench.job(child))
        let next = try await bench.job(child)
        let running = try await bench.claim()
        #expect(running.count == 2)
        try await bench.receive(bench.event())
        try await bench.plan { event, tx in
            try tx.join(
                SubjectJoin(child: child, root: root, basis: .claimed, through: through), event: event.id, at: start)
        }
        try await bench.settle(running[0], .completed(nil, supersedesUpTo: nil))
        #expect(try await bench.claim().isEmpty)
        // The other one comes back into the common lane before it goes on.
        try await bench.settle(running[1], .retry(at: start, isSpent: true), outcome: .transient)
        let again = try await bench.claim()
        #expect(again.map(\.id) == [running[1].id])
        try await bench.settle(again[0], .completed(nil, supersedesUpTo: nil))
        #expect(try await bench.claim().map(\.id) == [next])
    }
}
