internal import CPostgres
internal import Journal

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
struct SQLRow: StoredRow {
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

    func text(_ column: CInt) -> String { String(decoding: bytes(column), as: UTF8.self) }
    func blob(_ column: CInt) -> [UInt8] { [UInt8](bytes(column)) }

    var remedy: String { "Restore a backup of the database." }
}
