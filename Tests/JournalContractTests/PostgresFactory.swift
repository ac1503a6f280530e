import Foundation
import Journal
import Model
import Seams
import Synchronization
import TestKit

@testable import JournalPostgres

/// An empty journal in a database of the server that all tests share.
final class PostgresFactory: JournalFactory {
    let database: Database

    init() async throws { database = try await Database.borrow() }

    var url: String { database.url }

    func open() async throws -> any JournalStore { try open(as: "n") }

    func open(as node: String) throws -> PostgresJournal {
        try PostgresJournal.open(url: url, node: node, world: .real)
    }

    /// Returns when no transaction of this moment is open any more in any database of the server: what is followed is
    /// told only then.
    func calm() async throws {
        let connection = try Connection(ServerAddress(url: url))
        func number(_ sql: String) throws -> Int64 {
            try connection.query(sql, []).rows.map { $0.int(0) }.first ?? 0
        }
        let mark = try number("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        while try number("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint") < mark { usleep(500) }
    }

    func close(_ journal: any JournalStore) async throws { try await (journal as? PostgresJournal)?.close() }
}

extension World {
    /// The machine's own clock and chance; no test of a journal calls out.
    static var real: World { World(time: SystemTime(), chance: SystemChance(), http: NoTransport()) }
}

struct NoTransport: HTTPTransport {
    func send(_ request: OutboundRequest) async throws(TransportError) -> InboundResponse {
        throw TransportError(.connect, mayHaveArrived: false, "nothing is called here")
    }
}

/// A migrated database without any row, on loan: made once, emptied for each test.
final class Database: Sendable {
    private struct Stock {
        var free: [String] = []
        var lent = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private static let lentMax = 8
    private static let stock = Mutex(Stock())
    let url: String

    private init(url: String) { self.url = url }

    static func borrow() async throws -> Database {
        await withCheckedContinuation { continuation in
            let isFree = stock.withLock { stock in
                if stock.lent < lentMax {
                    stock.lent += 1
                    return true
                }
                stock.waiting.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
        let server = try await PostgresServer.shared
        guard let url = stock.withLock({ $0.free.popLast() }) else {
            let url = try await server.makeDatabase()
            _ = try PostgresJournal.migrate(url: url)
            return Database(url: url)
        }
        try await server.execute(
            """
            DO $$ BEGIN
                EXECUTE (SELECT 'TRUNCATE ' || string_agg(format('throughline.%I', tablename), ', ')
                    || ' RESTART IDENTITY' FROM pg_tables WHERE schemaname = 'throughline' AND tablename <> 'migrations');
            END $$
            """, in: url)
        return Database(url: url)
    }

    deinit {
        let next = Self.stock.withLock { stock in
            stock.free.append(url)
            if stock.waiting.isEmpty {
                stock.lent -= 1
                return nil as CheckedContinuation<Void, Never>?
            }
            return stock.waiting.removeFirst()
        }
        next?.resume()
    }
}
