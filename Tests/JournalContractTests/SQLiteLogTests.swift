import Foundation
import GRDB
import Journal
import Model
import TestKit
import Testing

@testable import JournalSQLite

@Suite struct `The log that a crash leaves` {
    /// What lies on the disk when the process ends now.
    private func crash(_ factory: SQLiteFactory) throws -> SQLiteFactory {
        let left = try SQLiteFactory()
        for suffix in ["", "-wal", ".lock"] {
            try FileManager.default.copyItem(atPath: factory.path + suffix, toPath: left.path + suffix)
        }
        return left
    }

    private func log(of factory: SQLiteFactory) -> URL { URL(filePath: factory.path + "-wal") }

    private func crashed(events: Int = 20) async throws -> SQLiteFactory {
        let factory = try SQLiteFactory()
        let bench = try await Bench(factory)
        for number in 0..<events { try await bench.receive(bench.event(external: "event-\(number)")) }
        let left = try crash(factory)
        try await factory.close(bench.journal)
        return left
    }

    private func kept(_ factory: SQLiteFactory) async throws -> Set<String> {
        let journal = try await factory.open()
        let events = try await journal.events(EventFilter(), page: PageRequest(limit: 500)).items
        try await factory.close(journal)
        return Set(events.map(\.event.externalID))
    }

    private func expectRefusal(_ factory: SQLiteFactory, saying words: String) async throws {
        let files = ["", "-wal"].map { factory.path + $0 }
        let before = files.map { FileManager.default.contents(atPath: $0) }
        for _ in 1...2 {
            let refusal = await failure { _ = try SQLiteJournal.open(path: factory.path) }
            #expect(refusal?.code == .journal)
            #expect(refusal?.message.contains(words) == true, "\(refusal?.message ?? "it opened")")
        }
        #expect(files.map { FileManager.default.contents(atPath: $0) } == before, "the refusal changed a file")
    }

    @Test func `brings back all that was acknowledged`() async throws {
        #expect(try await kept(try await crashed()).count == 20)
    }

    @Test func `is none where an erasure has emptied it, and that is no loss`() async throws {
        let factory = try SQLiteFactory()
        let bench = try await Bench(factory)
        try await bench.receive(bench.event(external: "kept"))
        let subject = try await bench.subject()
        _ = try await bench.journal.forget(subject, by: "ada", now: start)
        let left = try crash(factory)
        try await factory.close(bench.journal)
        #expect(try Data(contentsOf: log(of: left)).isEmpty)
        #expect(try await kept(left).contains("kept"))
    }

    @Test func `is missed when it is gone, and welcome when it is put back`() async throws {
        let left = try await crashed()
        let whole = try Data(contentsOf: log(of: left))
        try FileManager.default.removeItem(at: log(of: left))
        try await expectRefusal(left, saying: "is gone or unreadable")
        try whole.write(to: log(of: left))
        #expect(try await kept(left).count == 20)
    }

    @Test(arguments: [0, 20, 32, 4000, 20_000])
    func `is missed when it is cut off`(length: Int) async throws {
        let left = try await crashed()
        let whole = try Data(contentsOf: log(of: left))
        try whole.prefix(length).write(to: log(of: left))
        try await expectRefusal(left, saying: length < 32 ? "is gone or unreadable" : "is cut off or damaged")
        try whole.prefix(whole.count - 2000).write(to: log(of: left))
        try await expectRefusal(left, saying: "is cut off or damaged")
        try whole.write(to: log(of: left))
        #expect(try await kept(left).count == 20)
    }

    @Test(arguments: [8, 20, 40, 5000, 30_000])
    func `is missed when a byte in it is wrong`(place: Int) async throws {
        let left = try await crashed()
        var bytes = try Data(contentsOf: log(of: left))
        bytes[place] ^= 0x40
        try bytes.write(to: log(of: left))
        try await expectRefusal(left, saying: "start again")
    }

    @Test func `may end in what no one was told of`() async throws {
        let left = try await crashed()
        var bytes = try Data(contentsOf: log(of: left))
        bytes += bytes.suffix(3000)
        try bytes.write(to: log(of: left))
        #expect(try await kept(left).count == 20)
    }

    @Test func `of another journal is not written over this one`() async throws {
        let (left, other) = (try await crashed(), try await crashed(events: 30))
        try Data(contentsOf: log(of: other)).write(to: log(of: left))
        try await expectRefusal(left, saying: "does not belong to the journal beside it")

        let closed = try SQLiteFactory()
        // A reader that is still closing leaves the log where it is.
        repeat {
            try await closed.close(try await closed.open())
        } while FileManager.default.fileExists(
            atPath: log(of: closed).path)
        try Data(contentsOf: log(of: other)).write(to: log(of: closed))
        try await expectRefusal(closed, saying: "does not belong to the journal beside it")
    }

    @Test func `is not written over a backup that takes the journal's place`() async throws {
        let factory = try SQLiteFactory()
        let bench = try await Bench(factory)
        for number in 0..<5 { try await bench.receive(bench.event(external: "event-\(number)")) }
        let copy = factory.folder.file("backup.db")
        try await bench.journal.backup(to: copy)
        try await bench.receive(bench.event(external: "later"))
        let left = try crash(factory)
        try await factory.close(bench.journal)
        // Over the file, as `cp` does it, so that the file stays the same one.
        try Data(contentsOf: URL(filePath: copy)).write(to: URL(filePath: left.path), options: [])
        try await expectRefusal(left, saying: "is a backup that lies beside the log of the one that it replaces")
        try FileManager.default.removeItem(at: log(of: left))
        #expect(try await kept(left).count == 5)
    }

    @Test func `is given up for good by whoever removes the lock file`() async throws {
        let left = try await crashed()
        try FileManager.default.removeItem(at: log(of: left))
        try FileManager.default.removeItem(atPath: left.path + ".lock")
        #expect(try await kept(left).isEmpty)
    }

    @Test func `stays whole over as many crashes and orderly ends as there may be`() async throws {
        var last = try await crashed()
        for round in 0..<6 {
            let bench = try await Bench(last, seed: UInt64(round) + 2)
            for number in 0..<3 { try await bench.receive(bench.event(external: "round-\(round)-\(number)")) }
            let next = try crash(last)
            try await last.close(bench.journal)
            if round.isMultiple(of: 2) { last = next }
        }
        #expect(try await kept(last).count == 20 + 6 * 3)
    }

    @Test func `that was begun anew after a checkpoint is the same journal's`() async throws {
        let factory = try SQLiteFactory()
        let journal = try SQLiteJournal.open(path: factory.path)
        let bench = try await Bench()
        for number in 0..<4 {
            _ = try await journal.append([.event(bench.event(external: "event-\(number)"), payload: [])])
            let before = try LogReading.extent(ofLog: factory.path + "-wal")
            try await journal.writer.write { _ = try $0.checkpoint(.restart) }
            // The note in the lock file is still of the log before: what a crash in this moment would leave.
            let note = try Data(contentsOf: URL(filePath: factory.path + ".lock"))
            _ = try await journal.append([.event(bench.event(external: "again-\(number)"), payload: [])])
            let after = try LogReading.extent(ofLog: factory.path + "-wal")
            #expect(try #require(after).isLater(than: try #require(before)))
            let left = try crash(factory)
            try note.write(to: URL(filePath: left.path + ".lock"))
            #expect(try await kept(left).count == 2 * number + 2)
        }
        try await journal.close()
    }

    @Test func `takes nothing more once it was removed under a running server, and an orderly end keeps what it holds`()
        async throws
    {
        let factory = try SQLiteFactory()
        let bench = try await Bench(factory)
        try await bench.receive(bench.event(external: "before"))
        try FileManager.default.removeItem(at: log(of: factory))
        let refused = await failure { try await bench.receive(bench.event(external: "after")) }
        #expect(refused?.message.contains("was removed or replaced while the server runs") == true)
        try await factory.close(bench.journal)
        #expect(try await kept(factory) == ["before"])
    }
}

@Suite struct `How far a log goes` {
    private let noted = LogExtent(salts: 7 << 32 | 99, frames: 10)

    @Test func `is compared with what the last owner left on record`() {
        func verdict(_ note: LogNote, _ salts: UInt64, _ frames: Int64) -> LogCheck.Verdict {
            LogCheck.verdict(noted: note, found: LogExtent(salts: salts, frames: frames))
        }
        #expect(LogCheck.verdict(noted: .unknown, found: nil) == .whole)
        #expect(verdict(.unknown, 1, 5) == .whole)
        #expect(LogCheck.verdict(noted: .closed, found: nil) == .whole)
        #expect(verdict(.closed, 1, 5) == .foreign)
        #expect(LogCheck.verdict(noted: .upTo(noted), found: nil) == .missing)
        #expect(verdict(.upTo(noted), noted.salts, 10) == .whole)
        #expect(verdict(.upTo(noted), noted.salts, 12) == .whole)
        #expect(verdict(.upTo(noted), noted.salts, 7) == .cut(3))
        #expect(verdict(.upTo(noted), 8 << 32 | 1, 0) == .whole, "begun anew")
        #expect(verdict(.upTo(noted), 6 << 32 | 1, 50) == .foreign, "an older one")
        #expect(verdict(.upTo(noted), 900_000_000 << 32 | 1, 50) == .foreign)
    }

    @Test func `counts the first salt round its end`() {
        #expect(LogExtent(salts: 3 << 32, frames: 1).isLater(than: LogExtent(salts: 0xFFFF_FFFF << 32, frames: 1)))
    }
}
