import Journal
import JournalSQLite
import Model
import Seams
import Settings
import TestKit
import Testing

@testable import JournalPostgres

/// An embedded journal with something in each corner, and an empty one in Postgres.
private struct Removal {
    let file: SQLiteFactory
    let factory: PostgresFactory
    /// Acknowledged and not planned yet.
    let pending: Event
    let completed: JobID
    let subject: SubjectID

    init() async throws {
        file = try SQLiteFactory()
        factory = try await PostgresFactory()
        let bench = try await Bench(file)
        let email = SubjectIdentifier(.email, "ada@example.com", .claimed)
        let session = SubjectIdentifier(.session, "s1", .proven)
        let (root, child) = (try await bench.subject(email), try await bench.subject(session))
        let joining = bench.event()
        try await bench.receive(joining)
        try await bench.plan { event, tx in
            try tx.join(
                SubjectJoin(child: child, root: root, basis: .proven, through: session), event: event.id, at: start)
            var state = SubjectState()
            state.record(.init(at: start, rank: 1, of: "x", fields: ["status": "new"]), for: "lead")
            try tx.setState(state, of: root)
            try tx.putFact(
                Fact(
                    key: "lead:1", type: .leadCaptured, object: nil, subject: root, event: event.id, occurredAt: start,
                    data: ["email": "ada@example.com"], origins: [:]))
            try tx.link(event.id, to: "lead:1")
            try tx.openAlert(NewAlert(key: "k", title: "t", detail: "d", at: start))
        }
        for action in ["done", "dead", "again", "unknown", "open"] {
            try await bench.job(root, action: action, lane: .some(nil))
        }
        let jobs = try await bench.claim()
        func job(_ action: String) throws -> ClaimedJob { try #require(jobs.first { $0.call.action == action }) }
        _ = try await bench.journal.keepRequest(
            StoredRequest(
                method: "POST", path: "/x", body: Array(String(repeating: "body ", count: 100).utf8), renderedAt: start),
            of: try job("again").id, token: try job("again").token)
        try await bench.settle(
            try job("done"), .completed(ExternalRecord(kind: "contact", id: "51"), supersedesUpTo: nil))
        try await bench.settle(try job("dead"), .dead, outcome: .permanent)
        try await bench.settle(try job("again"), .retry(at: start + .seconds(60), isSpent: true), outcome: .transient)
        try await bench.settle(try job("unknown"), .held, outcome: .unknown)
        try await bench.job(root, lane: "l", stops: true)
        try await bench.job(root, lane: "l", waitsFor: .field("email"))
        _ = try await bench.journal.append([.kept(bench.kept("q1"))])
        try await bench.journal.insertKey(
            KeyRow(shown: "tl_abcdefgh", scope: .read, source: nil, createdAt: start), hash: [1, 2, 3], by: "test")
        try await bench.journal.putUser(
            UserRow(email: "op@example.com", role: .admin, createdAt: start), passwordHash: "h", by: "test")
        pending = bench.event(external: "late")
        try await bench.receive(pending)
        (completed, subject) = (try job("done").id, root)
        try await file.close(bench.journal)
    }

    func move(
        through wrap: (any MoveTarget) -> any MoveTarget = { $0 }, isRestarting: Bool = false
    ) async throws -> Mover.Report {
        let source = try SQLiteJournal.openToMove(path: file.path)
        let target = try PostgresMoveTarget(url: factory.url, time: SystemTime())
        let result: Result<Mover.Report, any Error>
        do {
            result = .success(
                try await Mover(from: source, to: wrap(target)).run(stamp: 7, isRestarting: isRestarting) { _ in })
        } catch {
            result = .failure(error)
        }
        try await source.close()
        await target.close()
        return try result.get()
    }

    func execute(_ sql: String) async throws {
        _ = try await PostgresServer.shared.execute("SET search_path = throughline; " + sql, in: factory.url)
    }
}

/// A way to the database that is cut after so many slices.
private final class CutTarget: MoveTarget {
    struct Cut: Error {}

    let target: any MoveTarget
    let table: String

    init(_ target: any MoveTarget, at table: String) {
        self.target = target
        self.table = table
    }

    var name: String { target.name }
    func beginMove(stamp: Int64, from source: String, isRestarting: Bool) async throws -> MoveStanding {
        try await target.beginMove(stamp: stamp, from: source, isRestarting: isRestarting)
    }
    func checkPlaces(for tables: [MovedTable]) async throws { try await target.checkPlaces(for: tables) }
    func lastKey(in table: MovedTable) async throws -> [MovedValue]? { try await target.lastKey(in: table) }
    func count(_ table: MovedTable) async throws -> Int { try await target.count(table) }
    func write(_ rows: [[MovedValue]], to table: MovedTable) async throws {
        guard table.name == self.table else { return try await target.write(rows, to: table) }
        try await target.write(Array(rows.prefix(2)), to: table)
        throw Cut()
    }
    func digest(of table: MovedTable, _ progress: @escaping @Sendable (Int) -> Void) async throws -> MoveDigest {
        try await target.digest(of: table, progress)
    }
    func endMove(stamp: Int64, lastNumbers: [String: Int64]) async throws {
        try await target.endMove(stamp: stamp, lastNumbers: lastNumbers)
    }
}

@Suite(.enabled(if: PostgresServer.isInstalled, "postgresql is not installed")) struct `A journal that moves` {
    @Test func `has a place for each of its tables and columns, and leaves none empty that must be filled`()
        async throws
    {
        let (file, factory) = (try SQLiteFactory(), try await PostgresFactory())
        try await file.close(file.open())
        let source = try SQLiteJournal.openToMove(path: file.path)
        let tables = try await source.tables()
        try await source.close()
        #expect(tables.count > 20)
        let target = try PostgresMoveTarget(url: factory.url, time: SystemTime())
        try await target.checkPlaces(for: tables)
        await target.close()
        let moved = Set(tables.flatMap { table in table.columns.map { "\(table.name).\($0)" } })
        let needed = try await PostgresServer.shared.execute(
            """
            SELECT table_name || '.' || column_name FROM information_schema.columns
            WHERE table_schema = 'throughline' AND is_nullable = 'NO' AND column_default IS NULL
                AND table_name NOT IN ('migrations', 'moves', 'nodes', 'leaders')
            """, in: factory.url
        ).split(separator: "\n").map(String.init)
        #expect(needed.filter { !moved.contains($0) } == [])
    }

    @Test func `takes all that it holds along and goes on with it`() async throws {
        let removal = try await Removal()
        let old = try SQLiteJournal.open(path: removal.file.path, mode: .readOnly)
        let page = PageRequest(limit: 100)
        let events = try await old.events(EventFilter(), page: page).items
        let jobs = try await old.jobs(JobFilter(), page: page).items
        let story = try await old.story(of: removal.subject, limit: 100)
        let payload = try await old.event(removal.pending.id)?.payload
        try await old.close()

        let report = try await removal.move()
        #expect(report.standing == .begun)
        let counts = Dictionary(uniqueKeysWithValues: report.tables.map { ($0.name, $0.rows) })
        for table in [
            "events", "event_keys", "payloads", "pending", "kept_deliveries", "subjects", "identifiers", "joins",
            "states", "facts", "fact_events", "effects", "jobs", "history", "requests", "attempts", "records", "alerts",
            "keys", "users", "audit",
        ] { #expect(counts[table] ?? 0 > 0, "\(table)") }

        let bench = try await Bench(removal.factory, seed: 77)
        #expect(try await bench.journal.events(EventFilter(), page: page).items == events)
        #expect(try await bench.journal.jobs(JobFilter(), page: page).items == jobs)
        let moved = try await bench.journal.story(of: removal.subject, limit: 100)
        #expect(moved.events == story.events && moved.decisions == story.decisions && moved.jobs == story.jobs)
        #expect(moved.attempts == story.attempts && moved.records == story.records)
        #expect(try await bench.journal.event(removal.pending.id)?.payload == payload)
        #expect(try await bench.journal.key(shown: "tl_abcdefgh")?.hash == [1, 2, 3])

        let next = bench.event()
        let again = bench.event(external: "late")
        let answers = try await bench.receive(again, next)
        #expect(answers == [.duplicate(removal.pending.id), .accepted(next.id)])
        let newest = try await bench.journal.events(EventFilter(), page: PageRequest(limit: 1)).items.first
        #expect(newest?.event.id == next.id, "new ones come behind those that moved")
    }

    @Test func `is not served from the file any more, until a person takes it back with its open jobs held`()
        async throws
    {
        let removal = try await Removal()
        _ = try await removal.move()
        let refused = await failure { _ = try SQLiteJournal.open(path: removal.file.path) }
        #expect(refused?.message.contains("was moved to Postgres") == true)
        #expect(try await removal.move().standing == .finished)
        let retired = try SQLiteJournal.openToMove(path: removal.file.path)
        #expect(try await retired.takeBack())
        #expect(try await !retired.takeBack())
        try await retired.close()
        let bench = try await Bench(removal.file)
        #expect(try await bench.claim().isEmpty)
        let open = try await bench.journal.jobs(
            JobFilter(states: [.available, .retryable]), page: PageRequest(limit: 9))
        #expect(open.items.isEmpty)
    }

    @Test func `goes on where it was cut off, and is not served from there before its end`() async throws {
        let removal = try await Removal()
        for table in ["events", "identifiers", "history"] {
            await #expect(throws: CutTarget.Cut.self) {
                _ = try await removal.move(through: { CutTarget($0, at: table) })
            }
            let refused = await failure { _ = try removal.factory.open(as: "n") }
            #expect(refused?.code == .journal && refused?.message.contains("only in part") == true)
        }
        #expect(try await removal.move().standing == .resumed)
        _ = try await Bench(removal.factory)
    }

    @Test func `begins anew when the file was served in between`() async throws {
        let removal = try await Removal()
        await #expect(throws: CutTarget.Cut.self) {
            _ = try await removal.move(through: { CutTarget($0, at: "jobs") })
        }
        let bench = try await Bench(removal.file, seed: 77)
        try await bench.receive(bench.event(external: "meanwhile"))
        try await removal.file.close(bench.journal)
        // The same moment gives the same mark; another move has another.
        try await removal.execute("UPDATE moves SET stamp = 6")
        #expect(await failure { _ = try await removal.move() }?.code == .conflict)
        #expect(try await removal.move(isRestarting: true).standing == .begun)
        let moved = try await Bench(removal.factory, seed: 78)
        guard case .duplicate = try await moved.receive(moved.event(external: "meanwhile")).first else {
            Issue.record("what came meanwhile did not move")
            return
        }
    }

    @Test func `refuses a database that holds a journal or is being served`() async throws {
        let removal = try await Removal()
        let bench = try await Bench(removal.factory)
        _ = try await bench.journal.beat(isWorking: true, now: start)
        #expect(
            await failure { _ = try await removal.move() }?.message.contains("A server of Throughline runs") == true)
        try await bench.receive(bench.event())
        try await removal.factory.close(bench.journal)
        let refused = await failure { _ = try await removal.move(isRestarting: true) }
        #expect(refused?.code == .conflict && refused?.message.contains("holds a journal already") == true)
        // And the file is served as before.
        _ = try await Bench(removal.file)
    }

    @Test(arguments: [
        "UPDATE events SET received_at = received_at + 1 WHERE seq = 2",
        "DELETE FROM event_keys WHERE external_id = (SELECT min(external_id) FROM event_keys)",
        "UPDATE payloads SET body = 'x' WHERE seq = 1",
    ])
    func `tells what does not add up, and retires nothing`(damage: String) async throws {
        let removal = try await Removal()
        await #expect(throws: CutTarget.Cut.self) {
            _ = try await removal.move(through: { CutTarget($0, at: "history") })
        }
        try await removal.execute(damage)
        let told = await failure { _ = try await removal.move() }
        #expect(told?.message.contains("do not add up") == true, "\(told?.message ?? "")")
        _ = try await Bench(removal.file)
    }
}
