import Journal
import Model
import TestKit
import Testing

@Suite struct `A plan` {
    private struct Trap: Error {}

    @Test(arguments: Store.all) func `takes events off pending in order, each with what it wrote`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
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

    @Test(arguments: Store.all) func `sets an event aside that throws, without what it wrote, and goes on`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
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

    @Test(arguments: Store.all) func `gives an unplannable event back when a person replays it`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        let event = bench.event()
        try await bench.receive(event)
        try await bench.plan { _, _ in throw Trap() }
        _ = try await bench.journal.replay(event.id, repeating: false, mint: { bench.id() }, by: "ada", now: start)
        #expect(try await bench.plan { _, _ in }.planned == 1)
        let kept = try await bench.journal.keptDeliveries(KeptFilter(kinds: [.unplannable]), page: PageRequest()).items
        #expect(kept.map(\.replayedAs) == [event.id])
        #expect(try await bench.journal.alerts(openOnly: true, page: PageRequest()).items.isEmpty)
    }

    @Test(arguments: Store.all) func `keeps facts and reads them back by key and object`(store: Store) async throws {
        let bench = try await Bench(store)
        let event = bench.event(.paymentSucceeded)
        let subject: SubjectID = bench.id()
        let fact = Fact(
            key: "payment_succeeded:pi_1", type: .paymentSucceeded, object: "payment:pi_1", subject: subject,
            event: event.id, occurredAt: start, data: ["amount": 5, "ratio": 0.5],
            origins: ["ratio": [1_795_000_000_000, "evt"]])
        try await bench.receive(event)
        try await bench.plan { event, tx in
            try tx.putFact(fact)
            try tx.link(event.id, to: fact.key)
            let read = try (tx.fact(fact.key), tx.facts(ofObject: "payment:pi_1"))
            guard read.0 == fact, read.1 == [fact] else { throw Trap() }
        }
        #expect(try await bench.journal.event(event.id)?.facts == [fact])
    }

    @Test(arguments: Store.all) func `replaces who told what of a fact together with what was told`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        let event = bench.event(.paymentSucceeded)
        let before = Fact(
            key: "payment:pi_1", type: nil, object: "payment:pi_1", subject: bench.id(), event: event.id,
            occurredAt: start, data: ["name": "A. L."], origins: ["name": [2, "b"]])
        var after = before
        (after.data, after.origins) = (["name": "Ada"], ["name": [1, "a"]])
        let put = after
        try await bench.receive(event)
        let summary = try await bench.plan { _, tx in
            try tx.putFact(before)
            try tx.putFact(put)
            guard try tx.fact(put.key) == put else { throw Trap() }
        }
        #expect(summary.unplannable.isEmpty)
    }

    @Test(arguments: Store.all) func `wakes a job that waits for a field, and only that`(store: Store) async throws {
        let bench = try await Bench(store)
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

    @Test(arguments: Store.all) func `knows an effect by its key for good`(store: Store) async throws {
        let bench = try await Bench(store)
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

    @Test(arguments: Store.all) func `are found by what they hold, the oldest root first`(store: Store) async throws {
        let bench = try await Bench(store)
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

    @Test(arguments: Store.all) func `joined are one story with one state, at the root`(store: Store) async throws {
        let bench = try await Bench(store)
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

    @Test(arguments: Store.all) func `keep a proven identifier proven and count the last one named as the newest`(
        store: Store
    ) async throws {
        let bench = try await Bench(store)
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

    /// What the whole of a holder has, and what of it is proven to be the holder's.
    private struct Exclusive: Sendable, Hashable {
        var whole: Set<SubjectIdentifier>
        var byProof: Set<SubjectIdentifier>?
    }

    private func expect(
        _ expected: [SubjectIdentifier: Exclusive], after joins: [SubjectJoin], in bench: Bench,
        _ location: SourceLocation = #_sourceLocation
    ) async throws {
        try await bench.receive(bench.event())
        let found = try await bench.told { event, tx in
            for join in joins { try tx.join(join, event: event.id, at: start) }
            return try expected.keys.map { identifier in
                let holders = try tx.holders(of: [identifier])
                return (identifier, holders.map { Exclusive(whole: $0.exclusive, byProof: $0.exclusiveByProof) })
            }
        }
        for (identifier, exclusive) in found {
            #expect(exclusive == [expected[identifier]], "\(identifier)", sourceLocation: location)
        }
    }

    @Test(arguments: Store.all, [true, false])
    func `tell which users and customers are proven to be the holder's`(store: Store, isRootProven: Bool) async throws {
        let bench = try await Bench(store)
        let (ada, session) = (SubjectIdentifier(.user, "u_ada", .proven), SubjectIdentifier(.session, "s1", .proven))
        let (eve, typed) = (SubjectIdentifier(.user, "u_eve", .proven), SubjectIdentifier(.user, "u_typed", .claimed))
        let user = try await bench.subject(ada, typed)
        let visitor = try await bench.subject(session)
        let (child, root) = isRootProven ? (visitor, user) : (user, visitor)
        let byAddress = SubjectJoin(child: child, root: root, basis: .claimed, through: email)
        try await expect(
            [ada: Exclusive(whole: [ada], byProof: [ada]), session: Exclusive(whole: [ada], byProof: [])],
            after: [byAddress], in: bench)

        let other = try await bench.subject(eve)
        let signIn = SubjectJoin(
            child: other, root: root, basis: .proven, through: session, childHolder: other, rootHolder: visitor)
        try await expect(
            [
                ada: Exclusive(whole: [ada, eve], byProof: [ada]), eve: Exclusive(whole: [ada, eve], byProof: [eve]),
                session: Exclusive(whole: [ada, eve], byProof: [eve]),
            ], after: [signIn], in: bench)
    }

    @Test(arguments: Store.all) func `are proven to be one by the part of the child of whom the event spoke`(
        store: Store
    ) async throws {
        let bench = try await Bench(store)
        let (ada, session) = (SubjectIdentifier(.user, "u_ada", .proven), SubjectIdentifier(.session, "s1", .proven))
        let customer = SubjectIdentifier(.customer, "cus_1", .proven)
        let older = try await bench.subject(customer)
        let user = try await bench.subject(ada)
        let visitor = try await bench.subject(session)
        // The identifier through which they are joined hangs at neither: the holders alone decide.
        let joins = [
            SubjectJoin(child: visitor, root: user, basis: .claimed, through: email),
            SubjectJoin(child: user, root: older, basis: .proven, through: email, childHolder: visitor),
        ]
        try await expect(
            [
                ada: Exclusive(whole: [ada, customer], byProof: [ada]),
                session: Exclusive(whole: [ada, customer], byProof: [customer]),
                customer: Exclusive(whole: [ada, customer], byProof: [customer]),
            ], after: joins, in: bench)
    }

    @Test(arguments: Store.all) func `are proven to be one at their roots where a join names no holders`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        let (ada, eve) = (SubjectIdentifier(.user, "u_ada", .proven), SubjectIdentifier(.user, "u_eve", .proven))
        let (root, child) = (try await bench.subject(ada), try await bench.subject(eve))
        let both = Exclusive(whole: [ada, eve], byProof: [ada, eve])
        try await expect(
            [ada: both, eve: both],
            after: [SubjectJoin(child: child, root: root, basis: .proven, through: eve)], in: bench)
    }
}
