internal import CPostgres
internal import Model

/// What a statement gave; columns and rows count from 0.
final class SQLResult {
    fileprivate let result: OpaquePointer

    init(_ result: OpaquePointer) { self.result = result }
    deinit { PQclear(result) }

    var count: Int { Int(PQntuples(result)) }
    var rows: some Sequence<SQLRow> { (0..<PQntuples(result)).lazy.map { SQLRow(result: self, number: $0) } }

    /// How many rows a change touched.
    var changes: Int {
        guard let text = PQcmdTuples(result) else { return 0 }
        return Int(String(cString: text)) ?? 0
    }

    /// The word that the server answered (`COMMIT`).
    var tag: String { PQcmdStatus(result).map { String(cString: $0) } ?? "" }
}

/// One row of a result, in the server's binary form.
struct SQLRow {
    fileprivate let result: SQLResult
    fileprivate let number: CInt

    private func bytes(_ column: CInt) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
            start: PQgetvalue(result.result, number, column), count: Int(PQgetlength(result.result, number, column)))
    }

    func isNull(_ column: CInt) -> Bool { PQgetisnull(result.result, number, column) != 0 }

    /// A whole number of any width, or a truth as 0 or 1.
    func int(_ column: CInt) -> Int64 {
        let bytes = bytes(column)
        guard let first = bytes.first else { return 0 }
        let start: Int64 = bytes.count > 1 && first >= 0x80 ? -1 : 0
        return bytes.reduce(start) { $0 << 8 | Int64($1) }
    }

    func intOrNil(_ column: CInt) -> Int64? { isNull(column) ? nil : int(column) }
    func flag(_ column: CInt) -> Bool { int(column) != 0 }
    func instant(_ column: CInt) -> Instant { Instant(milliseconds: int(column)) }
    func instantOrNil(_ column: CInt) -> Instant? { intOrNil(column).map { Instant(milliseconds: $0) } }
    func text(_ column: CInt) -> String { String(decoding: bytes(column), as: UTF8.self) }
    func textOrNil(_ column: CInt) -> String? { isNull(column) ? nil : text(column) }
    func blob(_ column: CInt) -> [UInt8] { [UInt8](bytes(column)) }

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
        Failure(.journal, "The journal holds a row that cannot be read: \(what). Restore a backup of the database.")
    }
}
