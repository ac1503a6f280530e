internal import GRDB
internal import GRDBSQLite

/// SQL as it is written, prepared once for each connection. SQLite is spoken to directly, because going through
/// record types costs a fifth of the acknowledged events.
extension Database {
    /// Runs a statement that gives no rows; returns how many rows it changed.
    @discardableResult
    func run(_ sql: String, _ values: (any SQLValue)?...) throws -> Int {
        try stepping(sql, values) { statement in
            while true {
                switch sqlite3_step(statement) {
                case SQLITE_ROW: continue
                case SQLITE_DONE: return Int(sqlite3_changes(sqliteConnection))
                case let code: throw failure(code, sql)
                }
            }
        }
    }

    /// All rows, or the first `limit` of them.
    ///
    /// The statement has ended when this returns, so that reading one list may ask for others. Where rows are sorted,
    /// `limit` is cheaper than LIMIT, for which SQLite makes and drops a table.
    func rows<Value>(
        _ sql: String, _ values: (any SQLValue)?..., limit: Int = .max, read: (SQLRow) throws -> Value
    ) throws -> [Value] {
        try rows(sql, values: values, limit: limit, read: read)
    }

    func rows<Value>(
        _ sql: String, values: [(any SQLValue)?], limit: Int = .max, read: (SQLRow) throws -> Value
    ) throws -> [Value] {
        try stepping(sql, values) { statement in
            var found: [Value] = []
            while found.count < limit {
                switch sqlite3_step(statement) {
                case SQLITE_ROW: found.append(try read(SQLRow(statement: statement)))
                case SQLITE_DONE: return found
                case let code: throw failure(code, sql)
                }
            }
            return found
        }
    }

    /// Each row as it comes, until `body` has enough.
    func each(_ sql: String, _ values: [(any SQLValue)?], _ body: (SQLRow) throws -> Bool) throws {
        try stepping(sql, values) { statement in
            while true {
                switch sqlite3_step(statement) {
                case SQLITE_ROW: if try !body(SQLRow(statement: statement)) { return }
                case SQLITE_DONE: return
                case let code: throw failure(code, sql)
                }
            }
        }
    }

    /// The first row, or nil.
    func first<Value>(_ sql: String, _ values: (any SQLValue)?..., read: (SQLRow) throws -> Value) throws -> Value? {
        try stepping(sql, values) { statement in
            switch sqlite3_step(statement) {
            case SQLITE_ROW: try read(SQLRow(statement: statement))
            case SQLITE_DONE: nil
            case let code: throw failure(code, sql)
            }
        }
    }

    /// The first column of the only row of a counting statement.
    func count(_ sql: String, _ values: (any SQLValue)?...) throws -> Int {
        try rows(sql, values: values) { Int($0.int(0)) }.first ?? 0
    }

    func exists(_ sql: String, _ values: (any SQLValue)?...) throws -> Bool {
        try !rows(sql, values: values) { _ in true }.isEmpty
    }

    private func stepping<Value>(
        _ sql: String, _ values: [(any SQLValue)?], _ body: (OpaquePointer) throws -> Value
    ) throws -> Value {
        let statement = try cachedStatement(sql: sql).sqliteStatement
        defer { sqlite3_reset(statement) }
        for (index, value) in values.enumerated() {
            let code = value?.bind(to: statement, at: CInt(index + 1)) ?? sqlite3_bind_null(statement, CInt(index + 1))
            if code != SQLITE_OK { throw failure(code, sql) }
        }
        return try body(statement)
    }

    private func failure(_ code: CInt, _ sql: String) -> DatabaseError {
        let extended = sqlite3_extended_errcode(sqliteConnection)
        return DatabaseError(
            resultCode: ResultCode(rawValue: extended & 0xFF == code & 0xFF ? extended : code),
            message: sqlite3_errmsg(sqliteConnection).map { String(cString: $0) }, sql: sql)
    }
}
