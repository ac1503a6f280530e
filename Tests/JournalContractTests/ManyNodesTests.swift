import Journal
import Model
import Seams
import Settings
import TestKit
import Testing

@testable import JournalPostgres

/// Two nodes on one database.
private struct Pair {
    let factory: PostgresFactory
    let bench: Bench
    let (a, b): (PostgresJournal, PostgresJournal)

    init() async throws {
        factory = try await PostgresFactory()
        bench = try await Bench(factory)
        a = try factory.open(as: "a")
        b = try factory.open(as: "b")
        for journal in [a, b] { _ = try await journal.beat(isWorking: true, now: start) }
    }

    func execute(_ sql: String) async throws {
        _ = try await PostgresServer.shared.execute("SET search_path = throughline; " + sql, in: factory.url)
    }

    /// As if the node had shown no sign of life for so long, and the others had never missed theirs.
    func letTimePass(since node: String, seconds: Int = 9) async throws {
        try await execute(
            """
            UPDATE nodes SET steady_since = steady_since - interval '1 hour';
            UPDATE nodes SET beat_at = clock_timestamp() - interval '\(seconds) s' WHERE name = '\(node)'
            """)
    }

    func claim(by journal: PostgresJournal, limit: Int = 10) async throws -> [ClaimedJob] {
        try await journal.exchange(
            [], claims: [ClaimRequest(destination: "crm", limit: limit)], node: journal.node, now: start
        ).claimed
    }
}

@Suite(.enabled(if: PostgresServer.isInstalled, "postgresql is not installed")) struct `Two nodes` {
    @Test func `take over from one that is dead, whose late settlement is refused`() async throws {
        let pair = try await Pair()
        let job = try await pair.bench.job(try await pair.bench.subject())
        let lost = try #require(await pair.claim(by: pair.a).first)
        try await pair.letTimePass(since: "a", seconds: 1)
        #expect(try await pair.b.beat(isWorking: true, now: start).rescued == 0)
        try await pair.letTimePass(since: "a", seconds: 9)
        let beat = try await pair.b.beat(isWorking: true, now: start)
        #expect(beat.rescued == 1)
        #expect(try await pair.b.beat(isWorking: true, now: start).workers == 1)

        let end = AttemptEnd(outcome: .succeeded, endedAt: start, durationMilliseconds: 1)
        let late = Settlement(
            job: job, token: lost.token, result: .completed(nil, supersedesUpTo: nil), attempt: end)
        #expect(try await pair.a.exchange([late], claims: [], node: "a", now: start).refused == [job])
        let again = try #require(await pair.claim(by: pair.b).first)
        #expect(again.unknownSince == start)
        #expect(try #require(again.unknownAge) < .seconds(60))
        #expect(again.token > lost.token)
    }

    @Test func `take over at once from one that leaves with jobs in hand`() async throws {
        let pair = try await Pair()
        try await pair.bench.job(try await pair.bench.subject())
        #expect(try await pair.claim(by: pair.a).count == 1)
        try await pair.execute("UPDATE nodes SET steady_since = steady_since - interval '1 hour'")
        try await pair.a.close()
        let beat = try await pair.b.beat(isWorking: true, now: start)
        #expect(beat.rescued == 1)
        #expect(beat.workers == 1)
        #expect(try await pair.claim(by: pair.b).count == 1)
    }

    @Test func `leave each other alone after the database was away from both`() async throws {
        let pair = try await Pair()
        try await pair.bench.job(try await pair.bench.subject())
        #expect(try await pair.claim(by: pair.a).count == 1)
        try await pair.execute(
            "UPDATE nodes SET steady_since = steady_since - interval '1 hour', beat_at = beat_at - interval '30 s'")
        #expect(try await pair.b.beat(isWorking: true, now: start).rescued == 0)
        #expect(try await pair.a.beat(isWorking: true, now: start) == Beat(lease: .seconds(8), workers: 2))
    }

    @Test func `never hold one job at once`() async throws {
        let pair = try await Pair()
        let subject = try await pair.bench.subject()
        for _ in 0..<40 { try await pair.bench.job(subject, lane: .some(nil)) }
        let claimed = try await withThrowingTaskGroup(of: [JobID].self) { group in
            for journal in [pair.a, pair.b, pair.a, pair.b] {
                group.addTask {
                    var mine: [JobID] = []
                    for _ in 0..<5 { mine += try await pair.claim(by: journal, limit: 3).map(\.id) }
                    return mine
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(claimed.count == 40)
        #expect(Set(claimed).count == 40)
    }

    @Test func `keep an event that both receive at once as one`() async throws {
        let pair = try await Pair()
        for round in 0..<10 {
            let twins = [pair.a, pair.b].map { ($0, pair.bench.event(external: "same-\(round)")) }
            let told = try await withThrowingTaskGroup(of: Appended?.self) { group in
                for (journal, event) in twins {
                    group.addTask { try await journal.append([.event(event, payload: [1])]).first }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let accepted = told.compactMap { if case .accepted(let id)? = $0 { id } else { nil as EventID? } }
            #expect(accepted.count == 1)
            #expect(told.contains(.duplicate(accepted[0])))
        }
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `plan at once as one would: one subject an address, each event once, one head a lane`(seed: UInt64)
        async throws
    {
        let pair = try await Pair()
        let bench = pair.bench
        var generator = SeededGenerator(seed: seed)
        let people = 5
        for _ in 0..<12 {
            let events = (0..<8).map { _ in
                bench.event(data: ["email": .string("p\(Int.random(in: 0..<people, using: &generator))@example.com")])
            }
            _ = try await pair.a.append(events.map { .event($0, payload: [1]) })
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for journal in [pair.a, pair.b] {
                group.addTask {
                    for _ in 0..<200 {
                        let summary = try await journal.planPending(limit: 7, now: start) { event, tx in
                            let email = SubjectIdentifier(.email, event.data["email"]?.string ?? "", .proven)
                            var subject = try tx.holders(of: [email]).first?.root
                            if subject == nil {
                                let fresh: SubjectID = bench.id()
                                try tx.createSubject(fresh, for: event.id, at: start)
                                try tx.addIdentifier(email, to: fresh, event: event.id)
                                subject = fresh
                            }
                            guard let subject else { return }
                            try tx.assign(event.id, to: subject)
                            try tx.insert(
                                bench.newJob(subject, of: event.id, lane: subject.description), at: start)
                        }
                        #expect(summary.unplannable.isEmpty)
                        if try await journal.figures(now: start).pending == 0 { return }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await pair.a.figures(now: start).pending == 0)
        for person in 0..<people {
            #expect(try await pair.a.subjects(matching: "p\(person)@example.com").count == 1, "seed \(seed)")
        }
        let jobs = try await pair.a.jobs(JobFilter(), page: PageRequest(limit: 500)).items
        #expect(jobs.count == 96)
        #expect(Set(jobs.map(\.event)).count == 96)
        #expect(jobs.count { $0.state == .available } == people)
        #expect(jobs.count { $0.state == .waiting } == 96 - people)
    }

    @Test func `tell the event over which nodes die from those beside it, and set it aside`() async throws {
        let pair = try await Pair()
        let (bad, good) = (pair.bench.event(), pair.bench.event())
        _ = try await pair.a.append([.event(bad, payload: [1]), .event(good, payload: [1])])
        for death in 0..<3 {
            // The node takes what it would plan, and is gone.
            let doomed = try pair.factory.open(as: "doomed-\(death)")
            let desk = try await doomed.planning.transaction(.fleeting) { db in
                try Nodes.fillDesk(of: "doomed-\(death)", limit: 10, from: PendingPosition(), db).seqs
            }
            #expect(desk.count == (death == 0 ? 2 : 1))
            #expect(try await pair.b.planPending(limit: 10, now: start) { _, _ in }.planned == (death == 0 ? 0 : 1))
            if death > 0 { try await pair.b.replayAll([good]) }
            try await pair.letTimePass(since: "doomed-\(death)")
            _ = try await pair.b.beat(isWorking: true, now: start)
        }
        var aside: [EventID] = []
        for _ in 0..<3 {
            // It is not tried once more: that would be the next node's end.
            aside += try await pair.b.planPending(limit: 10, now: start) { event, _ in #expect(event.id != bad.id) }
                .unplannable
        }
        #expect(aside == [bad.id])
    }

    @Test func `prune by turns: one leads until it is gone`() async throws {
        let pair = try await Pair()
        for _ in 0..<3 { try await pair.bench.receive(pair.bench.event()) }
        let later = start + .seconds(60)
        #expect(try await pair.a.prunePayloads(before: later, limit: 1) == 1)
        #expect(try await pair.b.prunePayloads(before: later, limit: 1) == 0)
        try await pair.a.close()
        #expect(try await pair.b.prunePayloads(before: later, limit: 1) == 1)
    }
}

extension PostgresJournal {
    fileprivate func replayAll(_ events: [Event]) async throws {
        for event in events {
            _ = try await replay(
                event.id, repeating: false, mint: { JobID(at: start, random: (1, 1)) }, by: "ada", now: start)
        }
    }
}

@Suite(.enabled(if: PostgresServer.isInstalled, "postgresql is not installed")) struct `Opening a Postgres journal` {
    @Test func `asks for a migration, and works on a newer schema that says it may`() async throws {
        let server = try await PostgresServer.shared
        let url = try await server.makeDatabase()
        func open() throws -> PostgresJournal { try PostgresJournal.open(url: url, node: "n", world: .real) }
        let refused = await failure { _ = try open() }
        #expect(refused?.code == .journal)
        #expect(refused?.message.contains("throughline migrate") == true)
        let newest = PostgresJournal.migrations.count
        #expect(PostgresJournal.migrations.map(\.version) == Array(1...newest))
        #expect(try PostgresJournal.migrate(url: url) == (0, newest))
        #expect(try PostgresJournal.migrate(url: url) == (newest, newest))
        try await open().close()
        try await server.execute("INSERT INTO throughline.migrations VALUES (99, 'later', 1)", in: url)
        try await open().close()
        try await server.execute("UPDATE throughline.migrations SET works_since = 99 WHERE version = 99", in: url)
        #expect(await failure { _ = try open() }?.message.contains("schema 99") == true)
    }

    @Test func `says what is wrong without the password`() async throws {
        for url in [
            "postgres://joe:hunter2@127.0.0.1:1/none", "postgres://joe:hunter2@@@:x:y", "mysql://joe:hunter2@db/x",
        ] {
            let refused = try #require(
                await failure { _ = try PostgresJournal.open(url: url, node: "n", world: .real) })
            #expect(!refused.debugDescription.contains("hunter2"))
        }
    }

    @Test func `goes on while a migration changes the tables under statements that the server keeps`() async throws {
        let factory = try await PostgresFactory()
        let bench = try await Bench(factory)
        let server = try await PostgresServer.shared
        let subject = try await bench.subject()
        for column in ["a", "b"] {
            for _ in 0..<6 {
                try await bench.job(subject, lane: .some(nil))
                for job in try await bench.claim() {
                    #expect(try await bench.journal.surroundings(of: job.id) != nil)
                    try await bench.settle(job, .completed(nil, supersedesUpTo: nil))
                }
            }
            try await server.execute(
                """
                ALTER TABLE throughline.jobs ADD COLUMN new_\(column) text;
                ALTER TABLE throughline.events ADD COLUMN new_\(column) text
                """, in: factory.url)
        }
        try await bench.job(subject, lane: .some(nil))
        #expect(try await bench.claim().count == 1)
        // The database goes back to other tests as it came.
        for table in ["jobs", "events"] {
            try await server.execute(
                "ALTER TABLE throughline.\(table) DROP COLUMN new_a, DROP COLUMN new_b", in: factory.url)
        }
    }

    @Test func `goes on after the server has ended its connections`() async throws {
        let factory = try await PostgresFactory()
        let bench = try await Bench(factory)
        try await bench.receive(bench.event())
        let server = try await PostgresServer.shared
        for _ in 0..<3 {
            try await server.execute(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                """, in: factory.url)
            #expect(try await bench.receive(bench.event()).count == 1)
            #expect(try await bench.plan { _, _ in }.planned > 0)
        }
    }

    @Test func `gives a hint of work to other nodes`() async throws {
        let factory = try await PostgresFactory()
        let bench = try await Bench(factory)
        let other = try factory.open(as: "other")
        let (hints, heard) = AsyncStream.makeStream(of: Hint.self)
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await other.followHints(on: SystemTime()) { heard.yield($0) } }
            group.addTask {
                // Nothing says when the other node listens; what comes before that is lost, as any hint may be.
                while !Task.isCancelled { try await bench.receive(bench.event()) }
            }
            for await hint in hints {
                #expect(hint == .events)
                break
            }
            group.cancelAll()
        }
    }
}
