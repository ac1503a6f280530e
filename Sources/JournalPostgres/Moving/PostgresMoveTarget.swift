package import Journal
internal import Model
package import Seams

/// A journal in Postgres to which another moves.
package final class PostgresMoveTarget: MoveTarget {
    package let name: String
    private let connection: JournalConnection

    /// Makes the journal's tables where there are none, and brings them to this version; blocks meanwhile.
    package init(url: String, time: any TimeSource) throws {
        let address = try ServerAddress(url: url)
        name = address.name
        _ = try PostgresJournal.migrate(url: url)
        connection = try JournalConnection(address, time: time)
    }

    package func close() async { await connection.close() }

    package func beginMove(stamp: Int64, from source: String, isRestarting: Bool) async throws -> MoveStanding {
        let name = name
        return try await connection.transaction { db in
            try Moves.begin(stamp, from: source, isRestarting: isRestarting, name, db)
        }
    }

    package func checkPlaces(for tables: [MovedTable]) async throws {
        try await connection.transaction(.reading) { db in
            for table in tables { _ = try MovedColumns(of: table, db) }
        }
    }

    package func lastKey(in table: MovedTable) async throws -> [MovedValue]? {
        try await connection.transaction(.reading) { db in
            _ = try db.count("SELECT 1 FROM set_config('statement_timeout', '0', true)")
            return try MovedColumns(of: table, db).lastKey(db)
        }
    }

    package func count(_ table: MovedTable) async throws -> Int {
        try await connection.transaction(.reading) { db in
            _ = try db.count("SELECT 1 FROM set_config('statement_timeout', '0', true)")
            return try db.count("SELECT count(*) FROM \"\(table.name)\"")
        }
    }

    package func write(_ rows: [[MovedValue]], to table: MovedTable) async throws {
        try await connection.transaction { db in try MovedColumns(of: table, db).insert(rows, db) }
    }

    package func digest(of table: MovedTable, _ progress: @escaping @Sendable (Int) -> Void) async throws
        -> MoveDigest
    {
        try await connection.transaction(.reading) { db in
            var digest = MoveDigest()
            try MovedColumns(of: table, db).each(db) { row in
                digest.add(row)
                if digest.rows % 1000 == 0 { progress(digest.rows) }
            }
            return digest
        }
    }

    package func endMove(stamp: Int64, lastNumbers: [String: Int64]) async throws {
        try await connection.transaction { db in try Moves.end(stamp, lastNumbers: lastNumbers, db) }
        // So that the first questions find their indexes.
        try await connection.transaction { db in
            _ = try db.count("SELECT 1 FROM set_config('statement_timeout', '0', true)")
            for table in try Moves.tables(db) { try db.run("ANALYZE \"\(table)\"") }
        }
    }
}

/// How far the moves are that a database has seen.
enum Moves {
    /// What is not the journal's contents but the nodes' and the schema's own.
    private static let ownTables = "'migrations', 'moves', 'nodes', 'leaders', 'marks'"

    /// Refuses a journal that has come over only in part.
    static func refuseUnfinished(_ connection: Connection, name: String) throws {
        let unfinished = try connection.query("SELECT source FROM throughline.moves WHERE finished_at IS NULL", [])
        for row in unfinished.rows {
            throw Failure(
                .journal,
                "The journal in \(name) has come over from \(row.text(0)) only in part. Finish it: throughline migrate "
                    + "--from sqlite:\(row.text(0)) --to this database. Until then the old one can be served.")
        }
    }

    static func begin(_ stamp: Int64, from source: String, isRestarting: Bool, _ name: String, _ db: Transaction)
        throws -> MoveStanding
    {
        _ = try db.rows("SELECT pg_advisory_xact_lock(\(Locks.seed + 3))") { _ in }
        let known = try db.first("SELECT finished_at IS NOT NULL FROM moves WHERE stamp = $1", stamp) { $0.flag(0) }
        if known == true { return .finished }
        if known == false, !isRestarting { return .resumed }
        if let other = try db.first("SELECT source FROM moves WHERE finished_at IS NULL", read: { $0.text(0) }) {
            guard isRestarting else {
                throw Failure(
                    .conflict,
                    "The database \(name) holds part of a move from \(other) that cannot go on: that journal was served "
                        + "since, or it is another one. Begin anew with --restart, which empties it first.")
            }
            let tables = try self.tables(db).map { "\"\($0)\"" }.joined(separator: ", ")
            try db.run("TRUNCATE \(tables), moves RESTART IDENTITY")
        }
        try refuseTaken(name, db)
        try db.run("DELETE FROM marks")
        try db.run("INSERT INTO moves (stamp, source) VALUES ($1, $2)", stamp, source)
        return .begun
    }

    private static func refuseTaken(_ name: String, _ db: Transaction) throws {
        if try Nodes.isAnyAlive(db) {
            throw Failure(.conflict, "A server of Throughline runs on the database \(name). Stop it first.")
        }
        for table in try tables(db) where try db.exists("SELECT 1 FROM \"\(table)\" LIMIT 1") {
            throw Failure(
                .conflict,
                "The database \(name) holds a journal already (\(table) is not empty). Two histories cannot be put "
                    + "together: name an empty database, or drop the schema throughline if nobody needs it.")
        }
    }

    /// The tables with the journal's contents.
    static func tables(_ db: Transaction) throws -> [String] {
        try db.rows(
            """
            SELECT relname::text FROM pg_class WHERE relnamespace = 'throughline'::regnamespace
                AND relkind IN ('r', 'p') AND NOT relispartition AND relname NOT IN (\(ownTables)) ORDER BY relname
            """
        ) { $0.text(0) }
    }

    static func end(_ stamp: Int64, lastNumbers: [String: Int64], _ db: Transaction) throws {
        _ = try db.count("SELECT 1 FROM set_config('statement_timeout', '0', true)")
        let counted = try db.rows(
            """
            SELECT table_name::text, column_name::text FROM information_schema.columns
            WHERE table_schema = 'throughline' AND is_identity = 'YES'
            """
        ) { (table: $0.text(0), column: $0.text(1)) }
        for (table, column) in counted {
            // Jobs that ended keep their numbers in another table.
            let ended = table == "jobs" ? "(SELECT max(seq) FROM history)" : "0"
            _ = try db.rows(
                """
                SELECT setval(pg_get_serial_sequence('throughline.' || $1::text, $2::text), greatest(
                    (SELECT max("\(column)") FROM "\(table)"), \(ended), $3::bigint, 1))
                """, table, column, lastNumbers[table]
            ) { _ in }
        }
        // How long ago an attempt got lost is counted from now: its search waits the longer for it.
        for table in ["jobs", "history"] {
            try db.run(
                """
                UPDATE \(table) SET unknown_noted_at = clock_timestamp()
                WHERE unknown_since IS NOT NULL AND unknown_noted_at IS NULL
                """)
        }
        try db.run("UPDATE moves SET finished_at = clock_timestamp() WHERE stamp = $1", stamp)
    }
}
