import Foundation
import GRDB
import Journal
import Model
import Seams
import TestKit
import Testing

@testable import JournalSQLite

@Suite struct `Opening an SQLite journal` {
    @Test func `refuses a second owner with the first one's process`() async throws {
        let factory = try SQLiteFactory()
        let first = try await factory.open()
        let refused = await failure { _ = try await factory.open() }
        #expect(refused?.code == .journalLocked)
        #expect(refused?.message.contains("process \(ProcessInfo.processInfo.processIdentifier)") == true)
        try await factory.close(first)
        try await factory.close(try await factory.open())
    }

    @Test func `refuses a journal newer than this version`() async throws {
        let factory = try SQLiteFactory()
        try await factory.close(try await factory.open())
        let queue = try DatabaseQueue(path: factory.path)
        try await queue.write { try $0.execute(sql: "INSERT INTO migrations VALUES (999, 'later')") }
        try queue.close()
        let refused = await failure { _ = try await factory.open() }
        #expect(refused?.code == .journal)
        #expect(refused?.message.contains("schema 999") == true)
    }

    @Test func `refuses what is no journal, and leaves it as it is`() async throws {
        let factory = try SQLiteFactory()
        let text = Data("This is a letter, long enough to be taken for a file with a header of its own.".utf8)
        try text.write(to: URL(filePath: factory.path))
        let refused = await failure { _ = try await factory.open() }
        #expect(refused?.code == .journal)
        #expect(refused?.message.contains("no journal") == true)
        #expect(try Data(contentsOf: URL(filePath: factory.path)) == text)

        let other = try SQLiteFactory()
        let queue = try DatabaseQueue(path: other.path)
        try await queue.write { try $0.execute(sql: "CREATE TABLE letters (body TEXT)") }
        try queue.close()
        #expect(await failure { _ = try await other.open() }?.message.contains("no journal") == true)
    }

    @Test func `needs a folder that exists, and a file where none may be made`() async throws {
        let factory = try SQLiteFactory()
        let folder = await failure { _ = try SQLiteJournal.open(path: factory.folder.file("none/journal.db")) }
        #expect(folder?.code == .journal)
        #expect(folder?.message.contains("cannot be opened") == true)
        let file = await failure { _ = try SQLiteJournal.open(path: factory.path, mode: .own) }
        #expect(file?.code == .notFound)
        #expect(!FileManager.default.fileExists(atPath: factory.path))
    }

    @Test func `makes each commit durable`() async throws {
        let factory = try SQLiteFactory()
        let journal = try SQLiteJournal.open(path: factory.path)
        let set = try await journal.writer.write { db in
            (try db.count("PRAGMA synchronous"), try db.first("PRAGMA journal_mode") { $0.text(0) })
        }
        #expect(set == (2, "wal"))
        _ = try await journal.append([.event(try await Bench().event(), payload: [])])
        _ = try await journal.planPending(limit: 1, now: start) { _, _ in }
        #expect(try await journal.writer.write { try $0.count("PRAGMA synchronous") } == 2)
        try await journal.checkWritable()
        try await journal.close()
        #expect(await failure { try await journal.checkWritable() }?.code == .unavailable)
    }

    @Test func `acknowledges nothing when the disk is full, and goes on when there is space again`() async throws {
        let factory = try SQLiteFactory()
        let journal = try SQLiteJournal.open(path: factory.path)
        let bench = try await Bench()
        let (kept, lost) = (bench.event(external: "kept"), bench.event(external: "lost"))
        _ = try await journal.append([.event(kept, payload: [])])
        try await journal.writer.write { try $0.execute(sql: "PRAGMA max_page_count = 1") }
        let full = await failure {
            _ = try await journal.append([.event(lost, payload: SeededChance(seed: 1).bytes(100_000))])
        }
        #expect(full?.code == .unavailable)
        #expect(full?.message.contains("Make free space") == true)
        // The connection is made anew, and with it the bound of this test is gone.
        #expect(try await journal.append([.event(lost, payload: [])]) == [.accepted(lost.id)])
        #expect(try await journal.append([.event(kept, payload: [])]) == [.duplicate(kept.id)])
        #expect(try await journal.writer.write { try $0.count("PRAGMA synchronous") } == 2)
    }

    @Test func `tells the schema that it finds and the one that it knows`() async throws {
        let factory = try SQLiteFactory()
        try await factory.close(try await factory.open())
        let versions = try SQLiteJournal.schemaVersions(path: factory.path)
        let known = SQLiteJournal.migrations.map(\.version)
        #expect(known == Array(1...known.count))
        #expect(versions == (known.count, known.count))
    }

    @Test func `sets aside the event in whose planning the process ended twice, and only that`() async throws {
        let factory = try SQLiteFactory()
        let bench = try await Bench(factory)
        let (first, bad, last) = (bench.event(), bench.event(external: "bad"), bench.event())
        try await bench.receive(first, bad, last)
        // What lies on the disk while the event is being planned is what a crash of the process leaves behind.
        let (once, twice) = (try SQLiteFactory(), try SQLiteFactory())
        @Sendable func crash(_ from: String, _ to: String) -> @Sendable (Event, any PlanTransaction) throws -> Void {
            { event, _ in
                guard event.externalID == "bad" else { return }
                for suffix in ["", "-wal", ".lock"] {
                    try FileManager.default.copyItem(atPath: from + suffix, toPath: to + suffix)
                }
            }
        }
        try await bench.plan(crash(factory.path, once.path))
        try await Bench(once).plan(crash(once.path, twice.path))
        let third = try await Bench(twice)
        let summary = try await third.plan { _, _ in }
        #expect(summary.unplannable == [bad.id])
        #expect(summary.planned == 2)
        let kept = try await third.journal.keptDeliveries(KeptFilter(kinds: [.unplannable]), page: PageRequest()).items
        #expect(kept.map(\.code) == ["crashed"])
    }

    @Test func `takes nothing once its file was removed or another has its place`() async throws {
        let factory = try SQLiteFactory()
        let bench = try await Bench(factory)
        try await bench.receive(bench.event())
        try FileManager.default.moveItem(atPath: factory.path, toPath: factory.path + ".aside")
        let removed = await failure { try await bench.receive(bench.event()) }
        #expect(removed?.message.contains("removed or replaced") == true)
        try FileManager.default.copyItem(atPath: factory.path + ".aside", toPath: factory.path)
        #expect(await failure { try await bench.journal.checkWritable() }?.code == .journal)
    }

    @Test func `has one owner under all its names`() async throws {
        let factory = try SQLiteFactory()
        let journal = try await factory.open()
        let link = factory.folder.file("link.db")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: factory.path)
        #expect(await failure { _ = try SQLiteJournal.open(path: link) }?.code == .journalLocked)
        try await factory.close(journal)
    }

    @Test func `is no folder, and has no second hard name under which another could own it`() async throws {
        let factory = try SQLiteFactory()
        try await factory.close(try await factory.open())
        let name = factory.folder.file("other.db")
        try FileManager.default.linkItem(atPath: factory.path, toPath: name)
        for path in [factory.path, name] {
            let refused = await failure { _ = try SQLiteJournal.open(path: path) }
            #expect(refused?.code == .journal && refused?.message.contains("2 names") == true)
        }
        try FileManager.default.removeItem(atPath: name)
        try await factory.close(try await factory.open())
        #expect(
            await failure { _ = try SQLiteJournal.open(path: factory.folder.path) }?.message.contains("is a folder")
                == true)
    }

    @Test func `is readable for its owner alone`() async throws {
        let factory = try SQLiteFactory()
        let journal = try await factory.open()
        for suffix in ["", "-wal", ".lock"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: factory.path + suffix)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600, "\(suffix)")
        }
        try await factory.close(journal)
    }

    @Test func `blames no event for a process that ended outside of its planning`() async throws {
        let factory = try SQLiteFactory()
        let bench = try await Bench(factory)
        try await bench.receive(bench.event())
        var (last, path) = (bench, factory.path)
        for _ in 1...3 {
            let copy = try SQLiteFactory()
            for suffix in ["", "-wal", ".lock"] {
                try FileManager.default.copyItem(atPath: path + suffix, toPath: copy.path + suffix)
            }
            (last, path) = (try await Bench(copy), copy.path)
        }
        #expect(try await last.plan { _, _ in } == PlanSummary(planned: 1, isMore: false, hasNewWork: false))
    }
}

@Suite struct `A backup` {
    @Test func `is the whole journal, whose jobs are held until a person lets them go`() async throws {
        let factory = try SQLiteFactory()
        let bench = try await Bench(factory)
        let subject = try await bench.subject()
        let jobs = [try await bench.job(subject), try await bench.job(subject)]
        let waiting = try await bench.job(subject, waitsFor: .field("email"))
        _ = try await bench.claim()
        let copy = try SQLiteFactory()
        try await bench.journal.backup(to: copy.path)
        #expect(await failure { try await bench.journal.backup(to: copy.path) }?.code == .conflict)
        #expect(try await bench.state(jobs[0]) == .running)

        var restored = try await Bench(copy, seed: 2)
        #expect(try await restored.journal.rescueRunning(now: start) == 0)
        #expect(try await restored.claim().isEmpty)
        let row = try #require(await restored.journal.job(jobs[0])).row
        #expect(row.state == .held)
        #expect(row.note == "restored from a backup")
        #expect(row.isUnknown)
        try await restored.receive(restored.event())
        try await restored.plan { _, tx in try tx.wake(waiting, at: start) }
        // The mark is gone: opening it again holds nothing anew.
        restored = try await restored.reopened()
        #expect(try await restored.journal.bulk(.retry, JobFilter(), limit: 10, by: "ada", now: start) == 1)
        for job in jobs + [waiting] {
            let claimed = try #require(await restored.claim().first)
            #expect(claimed.id == job)
            #expect(claimed.unknownSince != nil)
            try await restored.settle(claimed, .completed(nil, supersedesUpTo: nil))
        }
    }

    @Test func `can be made beside an owner in another process`() async throws {
        let factory = try SQLiteFactory()
        let bench = try await Bench(factory)
        let event = bench.event()
        try await bench.receive(event)
        let beside = try SQLiteJournal.open(path: factory.path, mode: .readOnly)
        let copy = try SQLiteFactory()
        try await beside.backup(to: copy.path)
        try await beside.close()
        #expect(try await Bench(copy).journal.event(event.id)?.row.event == event)
    }
}

@Suite struct `The cost of a claim` {
    @Test func `does not grow with what waits, what is done or what is dead`() async throws {
        let factory = try SQLiteFactory()
        let journal = try SQLiteJournal.open(path: factory.path)
        let hot = [
            Claiming.selection,
            "SELECT seq FROM jobs WHERE state IN ('scheduled', 'retryable') AND run_at <= ? ORDER BY run_at LIMIT ?",
            "SELECT run_at FROM jobs WHERE state IN ('scheduled', 'retryable') ORDER BY run_at LIMIT 1",
            """
            SELECT seq FROM jobs WHERE destination = ? AND lane = ? AND state = 'waiting' AND wait_kind = 'lane'
            ORDER BY seq LIMIT 1
            """,
            "SELECT 1 FROM jobs WHERE destination = ? AND moves_to = ? AND seq <> ? LIMIT 1",
            "SELECT 1 FROM history WHERE destination = ? AND lane = ? AND state = 'dead' AND stops_lane = 1 LIMIT 1",
        ]
        for sql in hot {
            let plan = try await journal.reader.read { db in
                try db.rows("EXPLAIN QUERY PLAN " + sql) { $0.text(3) }
            }
            let text = plan.joined(separator: "; ")
            #expect(!text.contains("TEMP B-TREE"), "\(sql): \(text)")
            #expect(text.contains("USING INDEX") || text.contains("USING COVERING INDEX"), "\(sql): \(text)")
            #expect(plan.count == 1, "\(sql): \(text)")
        }
        let claim = try await journal.reader.read { db in
            try db.rows("EXPLAIN QUERY PLAN " + Claiming.selection) { $0.text(3) }
        }
        #expect(claim == ["SEARCH jobs USING INDEX jobs_queue (destination=? AND state=?)"])
    }
}
