import GRDB
import Journal
import Model
import TestKit
import Testing

@testable import JournalSQLite

/// A journal that an older version wrote.
@Suite struct `A journal of the first version` {
    @Test func `goes on with its alerts and jobs`() async throws {
        let factory = try SQLiteFactory()
        let queue = try DatabaseQueue(path: factory.path)
        try await queue.writeWithoutTransaction { db in
            try Schema.migrate(db, to: 1)
            try db.execute(
                sql: """
                    INSERT INTO alerts (id, key, title, detail, at) VALUES (x'0190', 'k', 't', 'd', 5);
                    UPDATE alerts SET id = x'01900000000070008000000000000001';
                    """)
        }
        try queue.close()
        let bench = try await Bench(factory)
        let alert = try #require(await bench.journal.alerts(openOnly: true, page: PageRequest()).items.first)
        #expect(alert.alert == NewAlert(key: "k", title: "t", detail: "d", at: Instant(milliseconds: 5)))
        #expect(alert.telling == Telling())
        try await bench.job(try await bench.subject())
        try await bench.fail(try #require(await bench.claim().first), "http_500")
        #expect(try await bench.journal.bulk(.retry, JobFilter(), limit: 1, by: "ada", now: start) == 1)
        #expect(try await bench.claim().count == 1)
    }
}
