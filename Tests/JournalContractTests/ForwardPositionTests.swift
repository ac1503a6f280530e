import Journal
import Model
import Synchronization
import TestKit
import Testing

@testable import JournalPostgres

/// A queue as many transactions fill it: places are given out in order, and seen in the order of the commits.
private struct Queue {
    struct Writer {
        var number: Int64
        var places: [Int64] = []
    }

    var nextNumber: Int64 = 1
    var nextPlace: Int64 = 1
    var writers: [Writer] = []
    var rows: Set<Int64> = []

    var sight: (oldest: Int64, next: Int64) { (writers.map(\.number).min() ?? nextNumber, nextNumber) }

    mutating func begin() {
        writers.append(Writer(number: nextNumber))
        nextNumber += 1
    }

    mutating func write(by writer: Int) {
        writers[writer].places.append(nextPlace)
        nextPlace += 1
    }

    mutating func end(_ writer: Int, commits: Bool) {
        let ended = writers.remove(at: writer)
        if commits { rows.formUnion(ended.places) }
    }
}

struct `A position in a queue` {
    @Test(arguments: 1...200 as ClosedRange<UInt64>)
    func `passes no row that stands before it or will, and goes on when the writers are gone`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var queue = Queue()
        var position = ForwardPosition()
        for _ in 0..<400 {
            switch Int.random(in: 0..<10, using: &generator) {
            case 0...1: queue.begin()
            case 2...4 where !queue.writers.isEmpty:
                queue.write(by: Int.random(in: 0..<queue.writers.count, using: &generator))
            case 5...6 where !queue.writers.isEmpty:
                let writer = Int.random(in: 0..<queue.writers.count, using: &generator)
                queue.end(writer, commits: Int.random(in: 0..<5, using: &generator) > 0)
            default:
                // A claim takes some from the position on; others may have taken any.
                let found = queue.rows.filter { $0 >= position.floor }.sorted()
                let taken = found.prefix(Int.random(in: 0...3, using: &generator))
                queue.rows.subtract(taken)
                if let other = queue.rows.sorted().randomElement(using: &generator), Bool.random(using: &generator) {
                    queue.rows.remove(other)
                }
                let first = queue.rows.filter { $0 >= position.floor }.min() ?? taken.last.map { $0 + 1 }
                let sight = queue.sight
                position.note(.init(first: first, oldestRunning: sight.oldest, nextToBegin: sight.next))
            }
            let coming = queue.rows.union(queue.writers.flatMap(\.places)).min()
            if let coming { #expect(position.floor <= coming) }
        }
        // Nobody writes any more: what has been done lies behind.
        while !queue.writers.isEmpty { queue.end(0, commits: true) }
        queue.begin()
        queue.write(by: 0)
        queue.end(0, commits: true)
        let last = queue.nextPlace - 1
        queue.rows = [last]
        for _ in 0..<3 {
            position.note(.init(first: last, oldestRunning: queue.nextNumber, nextToBegin: queue.nextNumber))
        }
        #expect(position.floor == last)
    }

    @Test func `goes back to what a sweep finds behind it`() {
        var position = ForwardPosition()
        for _ in 0..<2 { position.note(.init(first: 50, oldestRunning: 9, nextToBegin: 9)) }
        #expect(position.floor == 50)
        position.note(.init(first: 7, oldestRunning: 9, nextToBegin: 9))
        #expect(position.floor == 7)
    }

    @Test func `counts for nothing once an event has been put back into its place`() {
        var position = PendingPosition()
        for _ in 0..<2 {
            position.note(.init(place: .init(first: 50, oldestRunning: 9, nextToBegin: 9), replans: 0))
        }
        #expect(position.floor == 50)
        position.note(.init(place: .init(first: 3, oldestRunning: 9, nextToBegin: 9), replans: 1))
        #expect(position.floor == 0)
        #expect(position.replans == 1)
    }
}

struct `Claims' positions` {
    @Test func `leave no priority out between those that are known`() {
        var positions = ClaimPositions()
        let nothing = ForwardPosition.Sight(first: nil, oldestRunning: 0, nextToBegin: 0)
        positions.note(
            [5, -3, 100].map { ClaimPositions.Sight(priority: $0, planned: nothing, returned: nothing) }, of: "crm")
        let reading = positions.reading(of: "crm", at: .zero)
        #expect(reading.priorities == [100, 5, -3])
        #expect(reading.gaps.low == [100, 5, -3, .min])
        #expect(reading.gaps.high == [.max, 100, 5, -3])
    }

    @Test func `begin anew each minute`() {
        var positions = ClaimPositions()
        let sight = ForwardPosition.Sight(first: 50, oldestRunning: 9, nextToBegin: 9)
        for _ in 0..<2 {
            positions.note([ClaimPositions.Sight(priority: 0, planned: sight, returned: sight)], of: "crm")
        }
        let readings = [0, 1, 59, 60, 61].map { positions.reading(of: "crm", at: .seconds($0)).planned }
        #expect(readings == [[0], [50], [50], [0], [50]])
    }

    @Test func `look five minutes back for what has fallen due, and to the beginning where more of it waits`() {
        var positions = ClaimPositions()
        let (now, beginning) = (Instant(seconds: 10_000), Instant(milliseconds: 0))
        #expect(positions.dueFloor(at: .seconds(0)) == beginning)
        positions.notePromotion(until: now)
        #expect(positions.dueFloor(at: .seconds(1)) == now - .seconds(300))
        positions.notePromotion(until: nil)
        #expect(positions.dueFloor(at: .seconds(2)) == beginning)
    }
}

@Suite(.enabled(if: PostgresServer.isInstalled, "postgresql is not installed"))
struct `While an old snapshot is held` {
    /// How many entries of the index have been read in this database, by all sessions.
    private func entriesRead(_ index: String, _ connection: Connection) throws -> Int64 {
        try connection.query("SELECT pg_stat_clear_snapshot()", []).rows.forEach { _ in }
        return try connection.query(
            "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = $1", [index]
        ).rows.map { $0.int(0) }.first ?? 0
    }

    @Test func `neither claims nor plans walk over what has been done`() async throws {
        let factory = try await PostgresFactory()
        let holder = try Connection(ServerAddress(url: factory.url))
        try holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        _ = try holder.query("SELECT count(*) FROM throughline.jobs", [])
        let counter = try Connection(ServerAddress(url: factory.url))
        let bench = try await Bench(factory)
        let subject = try await bench.subject()
        let (clock, beginning) = (ContinuousClock(), ContinuousClock.now)
        for _ in 0..<40 {
            // What others write in this server at the time keeps the position back for a moment; it is not theirs.
            try await factory.calm()
            for _ in 0..<10 { try await bench.job(subject, lane: .some(nil)) }
            for job in try await bench.claim(limit: 10) {
                try await bench.settle(job, .completed(nil, supersedesUpTo: nil))
            }
        }
        try await factory.close(bench.journal)
        // The server counts a session's readings when the session ends, at the latest: all but the holder's and this.
        func sessions() throws -> Int64 {
            try counter.query(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'",
                []
            ).rows.map { $0.int(0) }.first ?? 0
        }
        while try sessions() > 2 { await Task.yield() }
        let (jobs, pending) = (try entriesRead("jobs_queue", counter), try entriesRead("pending_pkey", counter))
        // 400 jobs and as many events were taken, on a slow machine with a look at the whole queue each minute. From the
        // beginning each time it would be ten times as much, and more.
        let looks = beginning.duration(to: clock.now) / .seconds(60)
        #expect(Double(jobs) < 2_000 + 1_000 * looks)
        #expect(pending < 12_000)
        try holder.execute("COMMIT")
    }

    @Test func `what comes back is claimed at once, from wherever it stands`() async throws {
        let factory = try await PostgresFactory()
        let bench = try await Bench(factory)
        let subject = try await bench.subject()
        let first = try await bench.job(subject, lane: .some(nil))
        let held = try #require(await bench.claim(limit: 1).first)
        #expect(held.id == first)
        // The position goes on, past the first.
        for _ in 0..<5 {
            try await factory.calm()
            try await bench.job(subject, lane: .some(nil))
            for job in try await bench.claim() { try await bench.settle(job, .completed(nil, supersedesUpTo: nil)) }
        }
        try await bench.settle(
            held, .retry(at: start + .seconds(1), isSpent: true), outcome: .transient)
        #expect(try await bench.claim(at: start).isEmpty)
        #expect(try await bench.claim(at: start + .seconds(2)).map(\.id) == [first])
        // An event that is planned once more takes its old place, far behind.
        let again = Mutex<[EventID]>([])
        _ = try await bench.journal.replay(
            held.event, repeating: false, mint: { bench.id() }, by: "ada", now: start)
        try await bench.plan { event, _ in again.withLock { $0.append(event.id) } }
        #expect(again.withLock { $0 } == [held.event])
    }
}
