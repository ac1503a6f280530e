internal import GRDB
internal import GRDBSQLite
internal import Journal

/// One row while its statement stands on it; columns count from 0.
struct SQLRow: StoredRow {
    let statement: OpaquePointer

    func isNull(_ column: CInt) -> Bool { sqlite3_column_type(statement, column) == SQLITE_NULL }
    func int(_ column: CInt) -> Int64 { sqlite3_column_int64(statement, column) }

    func text(_ column: CInt) -> String {
        guard let base = sqlite3_column_text(statement, column) else { return "" }
        let count = Int(sqlite3_column_bytes(statement, column))
        return String(decoding: UnsafeBufferPointer(start: base, count: count), as: UTF8.self)
    }

    func blob(_ column: CInt) -> [UInt8] {
        guard let base = sqlite3_column_blob(statement, column) else { return [] }
        return [UInt8](UnsafeRawBufferPointer(start: base, count: Int(sqlite3_column_bytes(statement, column))))
    }

    var remedy: String { "Run `PRAGMA integrity_check` on a copy, or restore a backup." }
}
