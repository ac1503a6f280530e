internal import GRDB
internal import GRDBSQLite
package import Journal
internal import Model

/// The embedded journal as one that moves to another store.
extension SQLiteJournal: MoveSource {
    /// Opens it for a move: as its owner, so that no server has it meanwhile, and as a start would leave it.
    package static func openToMove(path: String) throws -> SQLiteJournal {
        try open(path: path, mode: .own, isMigrating: false, isMoving: true)
    }

    package var name: String { path }

    package func tables() async throws -> [MovedTable] { try await reader.read(Moving.tables) }

    package func count(_ table: MovedTable) async throws -> Int {
        try await reader.read { try $0.count("SELECT count(*) FROM \(Moving.from(table))") }
    }

    package func rows(of table: MovedTable, after key: [MovedValue]?, limit: Int, sizeMax: Int) async throws
        -> [[MovedValue]]
    {
        try await reader.read { db in
            var (rows, size): ([[MovedValue]], Int) = ([], 0)
            try Moving.each(of: table, after: key, db) { row in
                rows.append(row)
                size += row.reduce(0) { $0 + $1.size }
                return rows.count < limit && size < sizeMax
            }
            return rows
        }
    }

    package func digest(of table: MovedTable, _ progress: @escaping @Sendable (Int) -> Void) async throws
        -> MoveDigest
    {
        try await reader.read { db in
            var digest = MoveDigest()
            try Moving.each(of: table, after: nil, db) { row in
                digest.add(row)
                if digest.rows % 1000 == 0 { progress(digest.rows) }
                return true
            }
            return digest
        }
    }

    package func lastNumbers() async throws -> [String: Int64] {
        try await reader.read { db in
            let numbers = try db.rows("SELECT name, seq FROM sqlite_sequence") { ($0.text(0), $0.int(1)) }
            return Dictionary(numbers) { max($0, $1) }
        }
    }

    package func beginMove(stamp: Int64) async throws -> Int64 {
        try await writer.transaction { db in
            // One that was retired already keeps its mark: the last step of its move may have failed.
            let known = try db.first("SELECT at FROM marks WHERE name IN ('moving', 'moved')") { $0.int(0) }
            if let known { return known }
            try db.run("INSERT INTO marks (name, at) VALUES ('moving', ?)", stamp)
            return stamp
        }
    }

    package func endMove(stamp: Int64) async throws {
        try await writer.transaction { db in
            try db.run("DELETE FROM marks WHERE name = 'moving'")
            try db.run("INSERT INTO marks (name, at) VALUES ('moved', ?) ON CONFLICT DO NOTHING", stamp)
        }
    }

    /// Makes a journal that was moved away fit to be served again, as one out of a backup: its open jobs are held, for
    /// they may have been done since.
    ///
    /// False where it was not moved.
    package func takeBack() async throws -> Bool {
        try await writer.transaction { db in
            guard try db.run("DELETE FROM marks WHERE name = 'moved'") > 0 else { return false }
            try Recovery.holdRestored(db)
            return true
        }
    }
}

enum Moving {
    /// What the stores call by different names, keep in different forms, or keep for themselves alone.
    private static let renamed = ["events.user": "user_id"]
    private static let packed: Set = ["payloads.body", "requests.body"]
    private static let ownColumns: Set = ["tick"]
    private static let ownTables: Set = ["migrations", "clock"]
    private static let ownMarks = "name NOT IN ('moving', 'moved')"

    static func tables(_ db: Database) throws -> [MovedTable] {
        let names = try db.rows(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY rowid"
        ) { $0.text(0) }
        return try names.filter { !ownTables.contains($0) }.map { name in
            let columns = try db.rows("SELECT name, pk FROM pragma_table_info(?) ORDER BY cid", name) {
                (name: $0.text(0), key: $0.int(1))
            }.filter { !ownColumns.contains($0.name) }
            func moved(_ column: String) -> String { renamed["\(name).\(column)"] ?? column }
            return MovedTable(
                name: name, columns: columns.map { moved($0.name) },
                key: columns.filter { $0.key > 0 }.sorted { $0.key < $1.key }.map { moved($0.name) })
        }
    }

    static func from(_ table: MovedTable) -> String {
        table.name == "marks" ? "(SELECT * FROM marks WHERE \(ownMarks))" : "\"\(table.name)\""
    }

    /// Each row in the order of the key, until `body` has enough.
    static func each(
        of table: MovedTable, after key: [MovedValue]?, _ db: Database, _ body: ([MovedValue]) throws -> Bool
    ) throws {
        func own(_ column: String) -> String {
            let name = renamed.first { $0.value == column && $0.key.hasPrefix(table.name + ".") }?.key
            return "\"\(name.map { String($0.dropFirst(table.name.count + 1)) } ?? column)\""
        }
        let order = table.key.map(own).joined(separator: ", ")
        let marks = table.key.map { _ in "?" }.joined(separator: ", ")
        let isPacked = table.columns.map { packed.contains("\(table.name).\($0)") }
        try db.each(
            """
            SELECT \(table.columns.map(own).joined(separator: ", ")) FROM \(from(table))
            \(key == nil ? "" : "WHERE (\(order)) > (\(marks))") ORDER BY \(order)
            """, (key ?? []).map(bound)
        ) { row in
            try body(isPacked.enumerated().map { try value(row, CInt($0.offset), isPacked: $0.element) })
        }
    }

    private static func bound(_ value: MovedValue) -> (any SQLValue)? {
        switch value {
        case .null: nil
        case .int(let number): number
        case .text(let text): text
        case .bytes(let bytes): bytes
        }
    }

    private static func value(_ row: SQLRow, _ column: CInt, isPacked: Bool) throws -> MovedValue {
        switch sqlite3_column_type(row.statement, column) {
        case SQLITE_NULL: .null
        case SQLITE_INTEGER: .int(row.int(column))
        case SQLITE_TEXT: .text(row.text(column))
        case SQLITE_BLOB: .bytes(isPacked ? try PackedBody.unpack(row.blob(column)) : row.blob(column))
        case let type:
            throw Failure(.journal, "The journal holds a value of a kind (\(type)) that it never writes. See what did.")
        }
    }
}
