internal import GRDB
internal import GRDBSQLite
internal import Model

/// What a parameter of a statement may be.
///
/// Ids are 16-byte blobs, times whole milliseconds, JSON its text.
protocol SQLValue {
    /// Binds itself at `index` (from 1) and gives SQLite's result code.
    func bind(to statement: OpaquePointer, at index: CInt) -> CInt
}

/// SQLite copies what is bound, so that nothing dangles.
private let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

extension Int64: SQLValue {
    func bind(to statement: OpaquePointer, at index: CInt) -> CInt { sqlite3_bind_int64(statement, index, self) }
}

extension Int: SQLValue {
    func bind(to statement: OpaquePointer, at index: CInt) -> CInt { Int64(self).bind(to: statement, at: index) }
}

extension Bool: SQLValue {
    func bind(to statement: OpaquePointer, at index: CInt) -> CInt {
        Int64(self ? 1 : 0).bind(to: statement, at: index)
    }
}

extension String: SQLValue {
    func bind(to statement: OpaquePointer, at index: CInt) -> CInt {
        var text = self
        return text.withUTF8 { bytes in
            // A null pointer would bind NULL instead of empty text.
            guard let base = bytes.baseAddress else { return sqlite3_bind_text(statement, index, "", 0, copied) }
            return base.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
                sqlite3_bind_text(statement, index, $0, CInt(bytes.count), copied)
            }
        }
    }
}

/// Text whose UTF-8 is at hand.
struct SQLText: SQLValue {
    let utf8: [UInt8]

    func bind(to statement: OpaquePointer, at index: CInt) -> CInt {
        utf8.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return sqlite3_bind_text(statement, index, "", 0, copied) }
            return sqlite3_bind_text(
                statement, index, base.assumingMemoryBound(to: CChar.self), CInt(bytes.count), copied)
        }
    }
}

extension [UInt8]: SQLValue {
    func bind(to statement: OpaquePointer, at index: CInt) -> CInt {
        withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return sqlite3_bind_zeroblob(statement, index, 0) }
            return sqlite3_bind_blob(statement, index, base, CInt(bytes.count), copied)
        }
    }
}

extension Instant: SQLValue {
    func bind(to statement: OpaquePointer, at index: CInt) -> CInt { milliseconds.bind(to: statement, at: index) }
}

extension Identifier: SQLValue {
    func bind(to statement: OpaquePointer, at index: CInt) -> CInt {
        withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) {
            sqlite3_bind_blob(statement, index, $0.baseAddress, 16, copied)
        }
    }
}

extension Optional: SQLValue where Wrapped: SQLValue {
    func bind(to statement: OpaquePointer, at index: CInt) -> CInt {
        self?.bind(to: statement, at: index) ?? sqlite3_bind_null(statement, index)
    }
}
