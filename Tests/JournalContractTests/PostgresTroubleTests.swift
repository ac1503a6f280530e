import Foundation
import Journal
import Model
import Seams
import TestKit
import Testing

@testable import JournalPostgres

private func open(_ url: String, as node: String = "n") throws -> PostgresJournal {
    try PostgresJournal.open(url: url, node: node, world: .real)
}

@Suite(.enabled(if: PostgresServer.isInstalled, "postgresql is not installed")) struct `A Postgres journal over TLS` {
    @Test func `is opened by the right authority's certificate, and one of another is refused in so many words`()
        async throws
    {
        let certificate = try await Certificate()
        let server = try await PostgresServer(isDurable: false, tls: certificate)
        let url = try await server.makeDatabase()
        func through(_ authority: String) -> String { url + "?sslmode=verify-full&sslrootcert=\(authority)" }
        _ = try PostgresJournal.migrate(url: through(certificate.file))
        let journal = try open(through(certificate.file))
        try await journal.checkWritable()
        try await journal.close()
        for authority in [try await Certificate(), try await Certificate(for: "elsewhere.example")] {
            let refused = await failure { _ = try open(through(authority.file)) }
            #expect(refused?.code == .unavailable)
            #expect(refused?.message.contains("was refused: no authority") == true, "\(refused?.message ?? "")")
        }
        let missing = await failure { _ = try open(through("/nowhere/ca.pem")) }
        #expect(missing?.message.contains("certificate") == true, "\(missing?.message ?? "")")
        await server.stop()
    }

    @Test func `refuses a certificate for another host, and a server without TLS`() async throws {
        let certificate = try await Certificate(for: "db.example.com")
        let server = try await PostgresServer(isDurable: false, tls: certificate)
        let url = try await server.makeDatabase() + "?sslmode=verify-full&sslrootcert=\(certificate.file)"
        #expect(await failure { _ = try open(url) }?.message.contains("it is for another host") == true)
        await server.stop()
        let plain = try await PostgresServer.shared
        let refused = await failure { _ = try open(plain.url() + "?sslmode=require") }
        #expect(refused?.message.contains("does not speak TLS") == true, "\(refused?.message ?? "")")
    }
}

@Suite(.enabled(if: TransactionPooler.isInstalled, "pgbouncer is not installed"))
struct `A Postgres journal behind a pooler of transactions` {
    @Test func `is made, filled, planned, worked and read by two nodes over three server processes`() async throws {
        let server = try await PostgresServer.shared
        let pooler = try await TransactionPooler(to: server, connections: 3)
        let url = pooler.url(try await server.makeDatabase(), of: server)
        _ = try PostgresJournal.migrate(url: url)
        let (a, b) = (try open(url, as: "a"), try open(url, as: "b"))
        let bench = try await Bench(PoolerFactory(journal: a))
        for journal in [a, b] { _ = try await journal.beat(isWorking: true, now: start) }
        let subject = try await bench.subject()
        let count = 40
        let received = (0..<count).map { bench.event(external: "e\($0)") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, event) in received.enumerated() {
                let journal = index % 2 == 0 ? a : b
                group.addTask { _ = try await journal.append([.event(event, payload: [1])]) }
            }
            try await group.waitForAll()
        }
        let jobs = Dictionary(
            uniqueKeysWithValues: received.map { ($0.id, bench.newJob(subject, of: $0.id, lane: nil)) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            for journal in [a, b] {
                group.addTask {
                    while try await journal.planPending(
                        limit: 8, now: start,
                        plan: { event, tx in
                            try tx.assign(event.id, to: subject)
                            if let job = jobs[event.id] { try tx.insert(job, at: start) }
                        }
                    ).isMore {}
                }
            }
            try await group.waitForAll()
        }
        var claimed: [JobID] = []
        while claimed.count < count {
            for journal in [a, b] {
                let taken = try await journal.exchange(
                    [], claims: [ClaimRequest(destination: "crm", limit: 7)], node: journal.node, now: start
                ).claimed
                claimed += taken.map(\.id)
                for job in taken {
                    let end = AttemptEnd(outcome: .succeeded, endedAt: start, durationMilliseconds: 1)
                    let done = Settlement(
                        job: job.id, token: job.token, result: .completed(nil, supersedesUpTo: nil), attempt: end)
                    #expect(
                        try await journal.exchange([done], claims: [], node: journal.node, now: start).refused == [])
                }
            }
        }
        #expect(Set(claimed) == Set(jobs.values.map(\.id)) && claimed.count == count)
        #expect(try await b.jobs(JobFilter(states: [.completed]), page: PageRequest(limit: 99)).items.count == count)
        let backends = try await server.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '\(url.split(separator: "/").last ?? "")'")
        #expect(Int(backends.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0 <= 3)
        for journal in [a, b] { try await journal.close() }
    }
}

private struct PoolerFactory: JournalFactory {
    let journal: PostgresJournal

    func open() async throws -> any JournalStore { journal }
    func close(_ journal: any JournalStore) async throws {}
    func calm() async throws {}
}

@Suite(.enabled(if: PostgresServer.isInstalled, "postgresql is not installed")) struct `A Postgres journal in need` {
    @Test func `says that no connection is left, loses nothing, and goes on when there is one`() async throws {
        let server = try await PostgresServer(isDurable: false, settings: ["max_connections=10"])
        let url = try await server.makeDatabase()
        _ = try PostgresJournal.migrate(url: url)
        let journal = try open(url)
        let bench = try await Bench(PoolerFactory(journal: journal))
        var others: [Connection] = []
        let address = try ServerAddress(url: url)
        let full = await failure { while true { others.append(try Connection(address)) } }
        #expect(full == nil, "the server's own error is no failure of ours")
        let refused = await failure { try await bench.receive(bench.event(external: "one")) }
        #expect(refused?.code == .unavailable)
        #expect(refused?.message.contains("has no connection left") == true, "\(refused?.message ?? "")")
        others = []
        // A new try is made after a while that the journal itself sets.
        while await failure({ try await bench.receive(bench.event(external: "one")) }) != nil {}
        guard case .duplicate = try await bench.receive(bench.event(external: "one")).first else {
            Issue.record("what was acknowledged was not kept")
            return
        }
        try await journal.close()
        await server.stop()
    }

    @Test func `goes on after the system has killed one of the server's processes`() async throws {
        let server = try await PostgresServer(isDurable: true)
        let url = try await server.makeDatabase()
        _ = try PostgresJournal.migrate(url: url)
        let bench = try await Bench(PoolerFactory(journal: open(url)))
        let acknowledged = bench.event(external: "before")
        try await bench.receive(acknowledged)
        let pids = try await server.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'throughline' AND datname = current_database()",
            in: url)
        // The whole server begins anew when one of its processes dies by a signal.
        for pid in pids.split(separator: "\n").compactMap({ pid_t($0) }).prefix(1) { kill(pid, SIGKILL) }
        while await failure({ try await bench.receive(bench.event(external: "after")) }) != nil {}
        #expect(
            try await bench.receive(bench.event(external: "before")) == [.duplicate(acknowledged.id)],
            "what was acknowledged is there")
        try await bench.plan { _, _ in }
        try await (bench.journal as? PostgresJournal)?.close()
        await server.stop()
    }

    @Test func `works on beside a session that sits in a transaction with rows of it locked`() async throws {
        // A server of its own: other tests wait for the end of all transactions of theirs.
        let server = try await PostgresServer(isDurable: false)
        let url = try await server.makeDatabase()
        _ = try PostgresJournal.migrate(url: url)
        let bench = try await Bench(PoolerFactory(journal: open(url)))
        let subject = try await bench.subject()
        let held = try await bench.job(subject, lane: .some(nil))
        let waiting = bench.event()
        try await bench.receive(waiting)
        let idle = try Connection(ServerAddress(url: url))
        try idle.execute("BEGIN; SELECT FROM throughline.jobs FOR UPDATE; SELECT FROM throughline.pending FOR UPDATE")
        let free = try await bench.job(subject, lane: .some(nil))
        #expect(try await bench.claim().map(\.id) == [free])
        #expect(try await bench.journal.events(EventFilter(), page: PageRequest(limit: 99)).items.count == 4)
        #expect(try await bench.journal.event(waiting.id)?.row.isPending == true)
        try idle.execute("ROLLBACK")
        #expect(try await bench.plan { _, _ in }.planned == 1)
        #expect(try await bench.claim().map(\.id) == [held])
        try await (bench.journal as? PostgresJournal)?.close()
        await server.stop()
    }
}

@Suite(.enabled(if: PostgresServer.isInstalled, "postgresql is not installed"))
struct `A Postgres journal out of a backup` {
    /// The statements that `docs/postgres.md` tells a person to run.
    private static var documented: String {
        get throws {
            let root = URL(filePath: #filePath).appending(path: "../../..").standardized
            let text = try String(contentsOf: root.appending(path: "docs/postgres.md"), encoding: .utf8)
            let section = text.components(separatedBy: "## Backup and restore").last ?? ""
            return section.components(separatedBy: "```sql\n").dropFirst().first?.components(separatedBy: "```").first
                ?? ""
        }
    }

    @Test func `has all of it, and does nothing that may have happened since before a person lets it`() async throws {
        let factory = try await PostgresFactory()
        let bench = try await Bench(factory)
        let subject = try await bench.subject(SubjectIdentifier(.email, "ada@example.com", .claimed))
        let jobs = [
            try await bench.job(subject, action: "a", lane: .some(nil)), try await bench.job(subject, action: "b"),
            try await bench.job(subject, action: "c"),
        ]
        let running = try #require(try await bench.claim(limit: 1).first)
        let server = try await PostgresServer.shared
        let copy = try await server.makeDatabase()
        try await server.restore(server.dump(factory.url), to: copy)
        try await server.execute(try Self.documented, in: copy)

        let restored = try await Bench(PoolerFactory(journal: open(copy)), seed: 9)
        #expect(try await restored.claim().isEmpty)
        _ = try await restored.journal.rescueRunning(now: start)
        #expect(try await restored.claim().isEmpty)
        #expect(try await restored.state(running.id) == .held)
        for job in jobs.prefix(2) {
            try await restored.journal.change(job, .retry, by: "ada", now: start)
        }
        let claimed = try await restored.claim()
        #expect(Set(claimed.map(\.id)) == Set(jobs.prefix(2)))
        #expect(claimed.allSatisfy { $0.unknownSince != nil }, "what may have happened is looked up first")
        for job in claimed { try await restored.settle(job, .completed(nil, supersedesUpTo: nil)) }
        #expect(try await restored.claim().map(\.id) == [jobs[2]], "with one let go its whole lane is free")
        try await (restored.journal as? PostgresJournal)?.close()
    }
}
