import Journal
import Model
import Settings
import Synchronization
import TestKit
import Testing

@testable import JournalPostgres

/// Events that share people and objects at random, and a plan whose every write hangs on what stood there before.
private struct Crowd {
    let events: [Event]

    init(seed: UInt64, count: Int, people: Int, objects: Int) {
        var generator = SeededGenerator(seed: seed)
        events = (0..<count).map { number in
            let kinds = ["user", "email", "session"].shuffled(using: &generator).prefix(
                Int.random(in: 1...2, using: &generator))
            let names = kinds.map { "\($0):\(Int.random(in: 0..<people, using: &generator))" }
            return Event(
                id: EventID(at: start, random: (seed, UInt64(number))), source: "chat", externalID: "x-\(number)",
                externalType: "lead", type: .leadCaptured, occurredAt: start, receivedAt: start,
                data: [
                    "number": .int(Int64(number)), "ids": .array(names.map { .string($0) }),
                    "object": .string("object:\(Int.random(in: 0..<objects, using: &generator))"),
                    "waits": .bool(Int.random(in: 0..<6, using: &generator) == 0),
                ])
        }
    }

    static func plan(_ event: Event, _ tx: any PlanTransaction, joins: Bool = true) throws {
        let number = event.data["number"]?.int ?? 0
        let names = (event.data["ids"]?.array ?? []).compactMap(\.string)
        let identifiers = names.map { name in
            let parts = name.split(separator: ":")
            return SubjectIdentifier(
                .init(String(parts[0])), String(parts[1]), parts[0] == "email" ? .claimed : .proven)
        }
        // By their ids: which of two strangers is the older one hangs on the order in which they were planned.
        let found = try tx.holders(of: identifiers).sorted { ($0.root.high, $0.root.low) < ($1.root.high, $1.root.low) }
        let home = found.first?.holder ?? SubjectID(at: start, random: (event.id.high, event.id.low))
        let root = found.first?.root ?? home
        if found.isEmpty { try tx.createSubject(home, for: event.id, at: start) }
        for identifier in identifiers where !found.contains(where: { $0.holder == home && $0.identifier == identifier })
        {
            try tx.addIdentifier(identifier, to: home, event: event.id)
        }
        if joins, let other = found.first(where: { $0.root != root }) {
            let join = SubjectJoin(child: other.root, root: root, basis: .proven, through: other.identifier)
            try tx.join(join, event: event.id, at: start)
        }
        try tx.assign(event.id, to: home)

        let object = event.data["object"]?.string ?? ""
        let beside = try tx.facts(ofObject: object).map(\.key)
        let key = "fact:\(object):\(number % 3)"
        let known = try tx.fact(key)
        var told = known?.data["told"]?.array ?? []
        told.append(.int(number))
        let fact = Fact(
            key: key, type: .leadCaptured, object: object, subject: home, event: event.id, occurredAt: start,
            data: ["told": .array(told)])
        try tx.putFact(fact)
        try tx.link(event.id, to: key)

        var state = try tx.state(of: root)
        let rank = (state.registers["lead"]?.rank ?? 0) + 1
        state.record(.init(at: start, rank: rank, of: "\(number)", fields: [:]), for: "lead")
        try tx.setState(state, of: root)

        for (action, lane) in [("a", root.description), ("b", root.description), ("c", object)] {
            let call = Flow.Call(destination: "crm", action: action)
            let effect = EffectKey(flow: "f", call: call, fact: "\(key)/\(number % 4)")
            let planned = try tx.effect(effect)
            if planned == nil {
                let waits = event.data["waits"] == true && action == "b"
                try tx.insert(
                    NewJob(
                        id: JobID(at: start, random: (event.id.low, UInt64(action.utf8.first ?? 0))), effect: effect,
                        flow: "f", call: call, event: event.id, fact: key, subject: home, lane: lane, startsAt: start,
                        waitsFor: waits ? .field("phone") : nil, waitsUntil: waits ? start + .seconds(60) : nil),
                    at: start)
            }
            let seen = try tx.identifiers(of: root).map(\.description)
            try tx.record(
                Decision(
                    event: event.id, subject: home, at: start, flow: "f", call: call.name,
                    outcome: planned == nil ? .planned : .known, job: planned?.job,
                    detail: "\(seen) \(beside) \(planned.map { "\($0.state)" } ?? "")"))
        }
    }

    /// All that the journal holds of it.
    static let all = """
        SELECT concat_ws('|', 'fact', key, object, subject, event, data) AS line FROM facts
        UNION ALL SELECT concat_ws('|', 'told', event, fact) FROM fact_events
        UNION ALL SELECT concat_ws('|', 'identifier', kind, value, subject, basis, seq) FROM identifiers
        UNION ALL SELECT concat_ws('|', 'subject', id, root, proven_root) FROM subjects
        UNION ALL SELECT concat_ws('|', 'state', subject, body) FROM states
        UNION ALL SELECT concat_ws('|', 'event', id, subject) FROM events
        UNION ALL SELECT concat_ws('|', 'effect', key, job) FROM effects
        UNION ALL SELECT concat_ws('|', 'decision', event, call, outcome, job, detail) FROM decisions
        UNION ALL SELECT concat_ws('|', 'job', id, effect, event, subject, lane, state, wait_kind, wait_value,
            row_number() OVER (PARTITION BY lane ORDER BY seq)) FROM jobs
        UNION ALL SELECT concat_ws('|', 'pending', seq) FROM pending
        """

    /// What does not hang on which of two strangers came first, who are found to be one person later.
    static let lasting = """
        SELECT concat_ws('|', 'fact', key, object, data) AS line FROM facts
        UNION ALL SELECT concat_ws('|', 'told', event, fact) FROM fact_events
        UNION ALL SELECT concat_ws('|', 'effect', key, job) FROM effects
        UNION ALL SELECT concat_ws('|', 'decision', event, call, outcome, job) FROM decisions
        UNION ALL SELECT concat_ws('|', 'person', array_agg(DISTINCT kind || ':' || value ORDER BY kind || ':' || value))
            FROM identifiers JOIN subjects ON subjects.id = subject GROUP BY root
        UNION ALL SELECT concat_ws('|', 'on their way', lane, count(*)) FROM jobs
            WHERE state = 'available' GROUP BY lane HAVING count(*) > 1
        UNION ALL SELECT concat_ws('|', 'pending', seq) FROM pending
        """
}

@Suite(.enabled(if: PostgresServer.isInstalled, "postgresql is not installed")) struct `A batch that is planned at once`
{
    private struct Desk {
        let factory: PostgresFactory
        let journal: PostgresJournal

        init(_ events: [Event]) async throws {
            factory = try await PostgresFactory()
            journal = try factory.open(as: "n")
            _ = try await journal.append(events.map { .event($0, payload: [1]) })
        }

        /// Plans all of it, and tells what the journal holds then.
        ///
        /// `oneByOne`: each event does what cannot be done for many, which here comes to nothing.
        func planAll(oneByOne: Bool, joins: Bool) async throws -> Set<String> {
            while true {
                let summary = try await journal.planPending(limit: 64, now: start) { event, tx in
                    if oneByOne { try tx.wake(JobID(at: start, random: (9, 9)), at: start) }
                    try Crowd.plan(event, tx, joins: joins)
                }
                #expect(summary.unplannable == [])
                if !summary.isMore { break }
            }
            let held = try await journal.reading { try $0.rows(joins ? Crowd.lasting : Crowd.all) { $0.text(0) } }
            try await journal.close()
            return Set(held)
        }
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>, [false, true])
    func `leaves what its events leave that are planned one after the other`(seed: UInt64, joins: Bool) async throws {
        // From a crowd of strangers to a few who have to do with everything.
        let people = [200, 40, 8][Int(seed % 3)]
        let crowd = Crowd(seed: seed, count: 64, people: people, objects: people / 2)
        let together = try await Desk(crowd.events).planAll(oneByOne: false, joins: joins)
        let alone = try await Desk(crowd.events).planAll(oneByOne: true, joins: joins)
        #expect(together.count > 64 * 4)
        #expect(together.symmetricDifference(alone).sorted().prefix(4) == [], "seed \(seed)")
    }

    @Test func `is asked for as a whole: all events say what they need before the first is answered`() async throws {
        let events = Crowd(seed: 1, count: 20, people: 10_000, objects: 10_000).events
        let desk = try await Desk(events)
        let asked = Mutex<[EventID]>([])
        let summary = try await desk.journal.planPending(limit: 64, now: start) { event, tx in
            asked.withLock { $0.append(event.id) }
            try Crowd.plan(event, tx)
        }
        #expect(summary.planned == events.count)
        #expect(asked.withLock { Array($0.prefix(events.count)) } == events.map(\.id))
        try await desk.journal.close()
    }

    @Test func `takes apart what the server cannot tell apart, and plans all of it`() async throws {
        // U+0000 is no part of a text there: both events tell of one fact.
        let events = ["f", "f\u{0}"].enumerated().map { number, key in
            Event(
                id: EventID(at: start, random: (3, UInt64(number))), source: "chat", externalID: "x-\(number)",
                externalType: "lead", type: .leadCaptured, occurredAt: start, receivedAt: start,
                data: ["key": .string(key)])
        }
        let desk = try await Desk(events)
        let summary = try await desk.journal.planPending(limit: 64, now: start) { event, tx in
            let subject = SubjectID(at: start, random: (event.id.high, event.id.low))
            let key = try #require(event.data["key"]?.string)
            try tx.createSubject(subject, for: event.id, at: start)
            try tx.putFact(
                Fact(key: key, type: nil, object: nil, subject: subject, event: event.id, occurredAt: start, data: [:]))
        }
        #expect(summary.planned == 2 && summary.unplannable == [])
        try await desk.journal.close()
    }

    @Test func `leaves out what another node has in its hands, and plans the rest`() async throws {
        let events = Crowd(seed: 2, count: 6, people: 10_000, objects: 10_000).events
        let desk = try await Desk(events)
        let name = try #require(events[2].data["ids"]?.array?.first?.string)
        let other = try Connection(ServerAddress(url: desk.factory.url))
        try other.execute("BEGIN")
        _ = try other.query(
            "SELECT pg_advisory_xact_lock(hashtextextended($1, \(Locks.seed)))", ["1:" + name])
        let summary = try await desk.journal.planPending(limit: 64, now: start) { try Crowd.plan($0, $1) }
        #expect(summary.planned == 5 && summary.unplannable == [])
        #expect(try await desk.journal.event(events[2].id)?.row.isPending == true)
        try other.execute("COMMIT")
        #expect(try await desk.journal.planPending(limit: 64, now: start) { try Crowd.plan($0, $1) }.planned == 1)
        try await desk.journal.close()
    }

    @Test func `keeps one person's order behind what another node has in its hands`() async throws {
        func event(_ number: Int, _ names: String...) -> Event {
            Event(
                id: EventID(at: start, random: (4, UInt64(number))), source: "chat", externalID: "x-\(number)",
                externalType: "lead", type: .leadCaptured, occurredAt: start, receivedAt: start,
                data: [
                    "number": .int(Int64(number)), "ids": .array(names.map { .string($0) }),
                    "object": .string("object:\(number)"),
                ])
        }
        // The third shares nothing with the first but the person that the second tells of.
        let events = [
            event(0, "user:a", "session:b"), event(1, "session:b", "email:c"), event(2, "email:c"), event(3, "user:z"),
        ]
        let desk = try await Desk(events)
        let other = try Connection(ServerAddress(url: desk.factory.url))
        try other.execute("BEGIN")
        _ = try other.query(
            "SELECT pg_advisory_xact_lock(hashtextextended($1, \(Locks.seed)))",
            [Locks.identifier("user", "a")])
        #expect(try await desk.journal.planPending(limit: 64, now: start) { try Crowd.plan($0, $1) }.planned == 1)
        #expect(try await desk.journal.event(events[3].id)?.row.isPending == false)
        try other.execute("COMMIT")
        var isMore = true
        while isMore {
            isMore = try await desk.journal.planPending(limit: 64, now: start) { try Crowd.plan($0, $1) }.isMore
        }
        let order = try await desk.journal.reading { db in
            try db.rows("SELECT event FROM jobs WHERE action = 'a' AND lane NOT LIKE 'object%' ORDER BY seq") {
                try $0.id(0, EventTag.self)
            }
        }
        #expect(order.filter { $0 != events[3].id } == events.prefix(3).map(\.id))
        try await desk.journal.close()
    }
}
