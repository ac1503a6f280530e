import Foundation
import GRDB
import Journal
import Model
import TestKit
import Testing

@testable import JournalSQLite

@Suite struct `A journal with a damaged page` {
    /// Some hundred pages of events, all of them in the file and none in the log.
    private func filled() async throws -> SQLiteFactory {
        let factory = try SQLiteFactory()
        let bench = try await Bench(factory)
        for _ in 0..<150 {
            try await bench.receive(bench.event(data: ["message": .string(String(repeating: "x", count: 3000))]))
        }
        try await factory.close(bench.journal)
        return factory
    }

    private func damage(_ path: String, pages: some Sequence<Int>) throws {
        let file = try FileHandle(forUpdating: URL(filePath: path))
        for page in pages {
            try file.seek(toOffset: UInt64(page * 4096))
            try file.write(contentsOf: Data(repeating: 0xAB, count: 512))
        }
        try file.close()
    }

    private func pages(of path: String) throws -> Int { try Data(contentsOf: URL(filePath: path)).count / 4096 }

    @Test func `does not open, whichever page of its trees it is, and says what to do`() async throws {
        let factory = try await filled()
        let count = try pages(of: factory.path)
        var refusals = 0
        for page in stride(from: 1, to: count, by: 7) {
            let copy = try SQLiteFactory()
            try FileManager.default.copyItem(atPath: factory.path, toPath: copy.path)
            try damage(copy.path, pages: [page])
            let before = try Data(contentsOf: URL(filePath: copy.path))
            guard let refusal = await failure({ _ = try SQLiteJournal.open(path: copy.path) }) else { continue }
            refusals += 1
            #expect(refusal.code == .journal)
            #expect(
                refusal.message.contains("is damaged. Stop the server and restore a backup"),
                "page \(page): \(refusal.message)")
            #expect(try Data(contentsOf: URL(filePath: copy.path)) == before, "page \(page): it was changed")
        }
        // A page that only continues a large value has no form of its own that could be wrong.
        #expect(refusals * 4 > (count / 7) * 3, "\(refusals) of \(count / 7)")
    }

    @Test func `does not open when it is too large to be walked and the damage lies at an end of a table`() async throws
    {
        let factory = try await filled()
        let queue = try DatabaseQueue(path: factory.path)
        try await queue.read { try StartCheck.readEnds($0) }
        try queue.close()
        try damage(factory.path, pages: try pages(of: factory.path) - 40..<pages(of: factory.path))
        let damaged = try DatabaseQueue(path: factory.path)
        await #expect(throws: DatabaseError.self) { try await damaged.read { try StartCheck.readEnds($0) } }
    }

    @Test func `takes nothing more once the damage is met while it is open`() async throws {
        let factory = try await filled()
        let bench = try await Bench(factory)
        try damage(factory.path, pages: 2..<pages(of: factory.path))
        _ = await failure { _ = try await bench.journal.events(EventFilter(), page: PageRequest(limit: 500)) }
        let refused = await failure { try await bench.receive(bench.event()) }
        #expect(refused?.message.contains("damaged. Nothing is taken") == true)
        #expect(await failure { try await bench.journal.checkWritable() }?.code == .journal)
    }

    @Test func `does not open when its file is cut off`() async throws {
        let factory = try await filled()
        let file = try FileHandle(forUpdating: URL(filePath: factory.path))
        try file.truncate(atOffset: UInt64(try pages(of: factory.path) / 2 * 4096))
        try file.close()
        #expect(await failure { _ = try SQLiteJournal.open(path: factory.path) }?.message.contains("damaged") == true)
    }
}
