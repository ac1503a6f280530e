internal import GRDB

/// Looks for damage before anything is built on it, and changes nothing.
///
/// A journal of up to `wholeSizeMax` is walked whole. Of a larger one both ends of each table are read, which costs the
/// same however large it is; damage between them is found by whatever reads it next, a backup at the latest.
enum StartCheck {
    /// Walked in a fraction of a second from the disk.
    static let wholeSizeMax = 128 << 20

    static func run(_ path: String) throws {
        do {
            try look(path)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CANTOPEN {
            // There is no journal yet, or opening it to write says why it cannot be.
        }
    }

    private static func look(_ path: String) throws {
        let queue = try DatabaseQueue(path: path, configuration: JournalFile.configuration(.readOnly))
        defer { try? queue.close() }  // Nothing was written: a connection that fails to close has lost nothing.
        try queue.read { db in
            let size = try db.count("PRAGMA page_count") * db.count("PRAGMA page_size")
            if size <= wholeSizeMax { try walk(db) } else { try readEnds(db) }
        }
    }

    private static func walk(_ db: Database) throws {
        let problems = try db.rows("PRAGMA quick_check(3)") { $0.text(0) }
        guard problems == ["ok"] else {
            // It tells of a page that the disk does not give as of a damaged one.
            let isUnread = problems.contains {
                $0.contains("unable to get the page") || $0.contains("failed to get page")
            }
            let code: ResultCode = isUnread ? .SQLITE_IOERR : .SQLITE_CORRUPT
            throw DatabaseError(resultCode: code, message: problems.joined(separator: "; "))
        }
    }

    static func readEnds(_ db: Database) throws {
        let tables = try db.rows("SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql IS NOT NULL") {
            (name: $0.text(0), hasRowID: !$0.text(1).contains("WITHOUT ROWID"))
        }
        for table in tables {
            try touch("SELECT * FROM \"\(table.name)\" LIMIT 1", db)
            if table.hasRowID { try touch("SELECT * FROM \"\(table.name)\" ORDER BY rowid DESC LIMIT 1", db) }
        }
    }

    private static func touch(_ sql: String, _ db: Database) throws { _ = try Row.fetchOne(db, sql: sql) }
}
