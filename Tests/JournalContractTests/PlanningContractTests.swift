import Journal
import Model
import TestKit
import Testing

@Suite struct `A plan` {
    private struct Trap: Error {}

    @Test func `takes events off pending in order, each with what it wrote`() async throws {
        let bench = try await Bench()
        let (first, second) = (bench.event(), bench.event())
        try await bench.receive(first, second)
        let subject: SubjectID = bench.id()
        let summary = try await bench.plan(limit: 1) { event, tx in
            try tx.createSubject(subject, for: event.id, at: start)
            try tx.assign(event.id, to: subject)
        }
        #expect(summary == PlanSummary(planned: 1, isMore: true, hasNewWork: false))
        #expect(try await bench.journal.event(first.id)?.row.subject == subject)
        #expect(try await bench.journal.event(second.id)?.row.isPending == true)
    }

    @Test func `sets an event aside that throws, without what it wrote, and goes on`() async throws {
        let bench = try await Bench()
        let (good, bad, last) = (bench.event(), bench.event(external: "bad"), bench.event())
        try await bench.receive(good, bad, last)
        let summary = try await bench.plan { event, tx in
            try tx.setState(SubjectState(), of: SubjectID(at: start, random: (event.id.high, event.id.low)))
            try tx.record(
                Decision(event: event.id, subject: SubjectID(at: start, random: (1, 1)), at: start, outcome: .noFlow))
            if event.externalID == "bad" { throw Trap() }
        }
        #expect(summary == PlanSummary(planned: 2, unplannable: [bad.id], isMore: false, hasNewWork: false))
        #expect(try await bench.journal.event(bad.id)?.decisions.isEmpty == true)
        #expect(try await bench.journal.event(last.id)?.decisions.count == 1)
        let kept = try await bench.journal.keptDeliveries(KeptFilter(kinds: [.unplannable]), page: PageRequest()).items
        #expect(kept.map(\.event) == [bad.id])
        #expect(kept.first?.payload == Array("bad".utf8))
        let alerts = try await bench.journal.alerts(openOnly: true, page: PageRequest()).items
        #expect(alerts.map(\.alert.key) == ["unplannable"])
    }

    @Test func `gives an unplannable event back when a person replays it`() async throws {
        let bench = try await Bench()
        let event = bench.event()
        try await bench.receive(event)
        try await bench.plan { _, _ in throw Trap() }
        _ = try await bench.journal.replay(event.id, repeating: false, mint: { bench.id() }, by: "ada", now: start)
        #expect(try await bench.plan { _, _ in }.planned == 1)
        let kept = try await bench.journal.keptDeliveries(KeptFilter(kinds: [.unplannable]), page: PageRequest()).items
        #expect(kept.map(\.replayedAs) == [event.id])
    }

    @Test func `keeps facts and reads them back by key and object`() async throws {
        let bench = try await Bench()
        let event = bench.event(.paymentSucceeded)
        let subject: SubjectID = bench.id()
        let fact = Fact(
            key: "payment_succeeded:pi_1", type: .paymentSucceeded, object: "payment:pi_1", subject: subject,
            event: event.id, occurredAt: start, data: ["amount": 5, "ratio": 0.5])
        try await bench.receive(event)
        try await bench.plan { event, tx in
            try tx.putFact(fact)
            try tx.link(event.id, to: fact.key)
            let read = try (tx.fact(fact.key), tx.facts(ofObject: "payment:pi_1"))
            guard read.0 == fact, read.1 == [fact] else { throw Trap() }
        }
        #expect(try await bench.journal.event(event.id)?.facts == [fact])
    }

    @Test func `wakes a job that waits for a field, and only that`() async throws {
        let bench = try await Bench()
        let subject = try await bench.subject()
        let job = try await bench.job(subject, waitsFor: .field("email"))
        #expect(try await bench.claim().isEmpty)
        let later = bench.event()
        try await bench.receive(later)
        let summary = try await bench.plan { _, tx in try tx.wake(job, at: start) }
        #expect(summary.hasNewWork)
        #expect(try await bench.claim().map(\.id) == [job])
        let last = bench.event()
        try await bench.receive(last)
        #expect(try await !bench.plan { _, tx in try tx.wake(job, at: start) }.hasNewWork)
    }

    @Test func `knows an effect by its key for good`() async throws {
        let bench = try await Bench()
        let subject = try await bench.subject()
        let job = try await bench.job(subject)
        let key = try #require(await bench.journal.job(job)).row.effect
        let claimed = try #require(await bench.claim().first)
        try await bench.settle(claimed, .completed(nil, supersedesUpTo: nil))
        try await bench.receive(bench.event())
        let summary = try await bench.plan { _, tx in
            guard let effect = try tx.effect(key), effect.job == job, effect.state == .completed else { throw Trap() }
        }
        #expect(summary.unplannable.isEmpty)
    }
}

@Suite struct `Subjects` {
    private struct Trap: Error {}
    private let email = SubjectIdentifier(.email, "ada@example.com", .claimed)

    @Test func `are found by what they hold, the oldest root first`() async throws {
        let bench = try await Bench()
        let user = SubjectIdentifier(.user, "u1", .proven)
        let first = try await bench.subject(email, user)
        let second = try await bench.subject(email)
        try await bench.receive(bench.event())
        let email = email
        let summary = try await bench.plan { _, tx in
            let holders = try tx.holders(of: [email, user])
            guard holders.map(\.root) == [first, first, second], holders.map(\.isAddressOnly) == [false, false, true],
                holders[0].exclusive == [user], holders[0].identifierCount == 2
            else { throw Trap() }
        }
        #expect(summary.unplannable.isEmpty)
    }

    @Test func `joined are one story with one state, at the root`() async throws {
        let bench = try await Bench()
        let root = try await bench.subject(SubjectIdentifier(.session, "s1", .proven))
        let child = try await bench.subject(email)
        let old = SubjectState.Register(at: start, rank: 1, of: "a", fields: ["status": "failed"])
        let new = SubjectState.Register(at: start + .seconds(5), rank: 0, of: "b", fields: ["status": "succeeded"])
        try await bench.receive(bench.event())
        let email = email
        let summary = try await bench.plan { event, tx in
            try tx.setState(SubjectState(registers: ["payment": new]), of: child)
            try tx.setState(SubjectState(registers: ["payment": old]), of: root)
            try tx.join(
                SubjectJoin(child: child, root: root, basis: .claimed, through: email), event: event.id, at: start)
            guard try tx.state(of: root).registers == ["payment": new], try tx.state(of: child).registers.isEmpty else {
                throw Trap()
            }
        }
        #expect(summary.unplannable.isEmpty)
        let found = try await bench.journal.subjects(matching: "ADA@example.com")
        #expect(found.map(\.root) == [root])
        #expect(found.first?.identifiers.count == 2)
        #expect(try await bench.journal.story(of: child, limit: 10).events.count == 2)
    }

    @Test func `keep a proven identifier proven and count the last one named as the newest`() async throws {
        let bench = try await Bench()
        let subject = try await bench.subject(
            SubjectIdentifier(.user, "u1", .proven), email, SubjectIdentifier(.email, "b@example.com", .claimed))
        try await bench.receive(bench.event())
        let email = email
        let summary = try await bench.plan { event, tx in
            try tx.addIdentifier(SubjectIdentifier(.user, "u1", .claimed), to: subject, event: event.id)
            try tx.addIdentifier(email, to: subject, event: event.id)
            let newest = try tx.identifiers(of: subject)
            guard Set(newest) == [SubjectIdentifier(.user, "u1", .proven), email] else { throw Trap() }
        }
        #expect(summary.unplannable.isEmpty)
    }
}
