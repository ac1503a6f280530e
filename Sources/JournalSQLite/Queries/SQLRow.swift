internal import GRDB
internal import GRDBSQLite
internal import Model

/// One row while its statement stands on it; columns count from 0.
struct SQLRow {
    let statement: OpaquePointer

    func isNull(_ column: CInt) -> Bool { sqlite3_column_type(statement, column) == SQLITE_NULL }
    func int(_ column: CInt) -> Int64 { sqlite3_column_int64(statement, column) }
    func intOrNil(_ column: CInt) -> Int64? { isNull(column) ? nil : int(column) }
    func flag(_ column: CInt) -> Bool { int(column) != 0 }
    func instant(_ column: CInt) -> Instant { Instant(milliseconds: int(column)) }
    func instantOrNil(_ column: CInt) -> Instant? { intOrNil(column).map { Instant(milliseconds: $0) } }

    func text(_ column: CInt) -> String {
        guard let base = sqlite3_column_text(statement, column) else { return "" }
        let count = Int(sqlite3_column_bytes(statement, column))
        return String(decoding: UnsafeBufferPointer(start: base, count: count), as: UTF8.self)
    }

    func textOrNil(_ column: CInt) -> String? { isNull(column) ? nil : text(column) }

    func blob(_ column: CInt) -> [UInt8] {
        guard let base = sqlite3_column_blob(statement, column) else { return [] }
        return [UInt8](UnsafeRawBufferPointer(start: base, count: Int(sqlite3_column_bytes(statement, column))))
    }

    func id<Tag>(_ column: CInt, _ tag: Tag.Type = Tag.self) throws -> Identifier<Tag> {
        guard let id = try idOrNil(column, tag) else { throw damage("an id is missing") }
        return id
    }

    func idOrNil<Tag>(_ column: CInt, _ tag: Tag.Type = Tag.self) throws -> Identifier<Tag>? {
        guard !isNull(column) else { return nil }
        guard let id = Identifier<Tag>(bytes: blob(column)) else { throw damage("an id has another length than 16") }
        return id
    }

    /// A word of a closed set.
    func word<Word: RawRepresentable<String>>(_ column: CInt, _ type: Word.Type = Word.self) throws -> Word {
        guard let word = Word(rawValue: text(column)) else { throw damage("a word is unknown to this version") }
        return word
    }

    func object(_ column: CInt) throws -> JSONObject {
        do {
            return try JSONObject(parsing: blob(column))
        } catch {
            throw damage("an object is \(error.description)")
        }
    }

    private func damage(_ what: String) -> Failure {
        Failure(
            .journal,
            "The journal holds a row that cannot be read: \(what). Run `PRAGMA integrity_check` on a copy, "
                + "or restore a backup.")
    }
}
