internal import Journal
internal import Model

/// A table's columns in the database, in the order in which they move.
struct MovedColumns {
    private enum Kind: String { case bigint, boolean, text, bytea, uuid }

    private let table: MovedTable
    private let kinds: [Kind]

    init(of table: MovedTable, _ db: Transaction) throws {
        self.table = table
        let types = try db.rows(
            """
            SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute
            WHERE attrelid = to_regclass('throughline.' || quote_ident($1)) AND attnum > 0 AND NOT attisdropped
            """, table.name
        ) { ($0.text(0), $0.text(1)) }
        let byName = Dictionary(types) { first, _ in first }
        kinds = try table.columns.map { column in
            guard let kind = byName[column].flatMap(Kind.init) else {
                throw Failure(
                    .journal,
                    "\(table.name).\(column) of the old journal has no place in the new one. Bring the old one to this "
                        + "version first: throughline migrate, with `journal` naming it.")
            }
            return kind
        }
    }

    private var list: String { table.columns.map { "\"\($0)\"" }.joined(separator: ", ") }

    /// By the bytes of the key, whatever the database's own order of texts is.
    func lastKey(_ db: Transaction) throws -> [MovedValue]? {
        let places = table.keyPlaces
        let order = places.map { place in
            "\"\(table.columns[place])\"\(kinds[place] == .text ? " COLLATE \"C\"" : "") DESC"
        }
        let key = places.map { "\"\(table.columns[$0])\"" }.joined(separator: ", ")
        return try db.first("SELECT \(key) FROM \"\(table.name)\" ORDER BY \(order.joined(separator: ", ")) LIMIT 1") {
            row in
            try places.enumerated().map { try value(row, CInt($0.offset), kinds[$0.element]) }
        }
    }

    func insert(_ rows: [[MovedValue]], _ db: Transaction) throws {
        let arrays = try kinds.enumerated().map { place, kind in try array(of: kind, rows.map { $0[place] }) }
        let marks = arrays.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
        _ = try db.rows(
            "INSERT INTO \"\(table.name)\" (\(list)) SELECT * FROM unnest(\(marks))", values: arrays
        ) { _ in }
    }

    /// Each row, in whatever order.
    func each(_ db: Transaction, _ body: ([MovedValue]) throws -> Void) throws {
        // A body may be as large as a delivery.
        let limit = kinds.contains(.bytea) ? 32 : 1000
        try db.run("DECLARE moved NO SCROLL CURSOR FOR SELECT \(list) FROM \"\(table.name)\"")
        while true {
            let rows = try db.rows("FETCH \(limit) FROM moved") { row in
                try kinds.enumerated().map { try value(row, CInt($0.offset), $0.element) }
            }
            if rows.isEmpty { break }
            for row in rows { try body(row) }
        }
        try db.run("CLOSE moved")
    }

    private func value(_ row: SQLRow, _ column: CInt, _ kind: Kind) throws -> MovedValue {
        if row.isNull(column) { return .null }
        return switch kind {
        case .bigint, .boolean: .int(row.int(column))
        case .text: .text(row.text(column))
        case .bytea, .uuid: .bytes(row.blob(column))
        }
    }

    private func array(of kind: Kind, _ values: [MovedValue]) throws -> any SQLValue {
        switch kind {
        case .bigint: SQLArray(try values.map(int))
        case .boolean: SQLArray(try values.map { try int($0).map { $0 != 0 } })
        case .text: SQLArray(try values.map(text))
        case .bytea: SQLArray(try values.map(bytes))
        case .uuid: SQLArray(try values.map { try bytes($0).map(SQLUUID.init) })
        }
    }

    private func int(_ value: MovedValue) throws -> Int64? {
        switch value {
        case .null: nil
        case .int(let number): number
        case .text, .bytes: throw stranger
        }
    }

    private func text(_ value: MovedValue) throws -> String? {
        switch value {
        case .null: nil
        case .text(let text): text
        case .int, .bytes: throw stranger
        }
    }

    private func bytes(_ value: MovedValue) throws -> [UInt8]? {
        switch value {
        case .null: nil
        case .bytes(let bytes): bytes
        case .int, .text: throw stranger
        }
    }

    private var stranger: Failure {
        Failure(.journal, "A row of \(table.name) in the old journal holds a value of another kind than its column.")
    }
}

/// An id of any kind as its 16 bytes.
private struct SQLUUID: SQLValue {
    var bytes: [UInt8]

    static var type: UInt32 { 2950 }
    static var arrayType: UInt32 { 2951 }
    func encode(into bytes: inout [UInt8]) { bytes += self.bytes }
}
