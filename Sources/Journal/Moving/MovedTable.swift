/// A table of a journal as it moves to another store, with the names of the shared journal.
package struct MovedTable: Sendable, Hashable {
    package var name: String
    package var columns: [String]
    /// The columns by which its rows are told apart, in the order in which they are moved.
    package var key: [String]

    package init(name: String, columns: [String], key: [String]) {
        self.name = name
        self.columns = columns
        self.key = key
    }

    /// The places of the key among the columns.
    package var keyPlaces: [Int] { key.compactMap { columns.firstIndex(of: $0) } }
}

/// A value on its way between two stores: an id is its bytes, a truth 0 or 1, a packed body what was packed.
package enum MovedValue: Sendable, Hashable {
    case null
    case int(Int64)
    case text(String)
    case bytes([UInt8])

    package var size: Int {
        switch self {
        case .null, .int: 8
        case .text(let text): text.utf8.count
        case .bytes(let bytes): bytes.count
        }
    }
}

/// The journal that is moved.
package protocol MoveSource: Sendable {
    /// What it is called, for people.
    var name: String { get }
    func tables() async throws -> [MovedTable]
    func count(_ table: MovedTable) async throws -> Int
    /// The rows behind that key, in its order: so many, or as many as fill `sizeMax` bytes, and at least one where there
    /// is one.
    func rows(of table: MovedTable, after key: [MovedValue]?, limit: Int, sizeMax: Int) async throws -> [[MovedValue]]
    func digest(of table: MovedTable, _ progress: @escaping @Sendable (Int) -> Void) async throws -> MoveDigest
    /// The last numbers that were given out, by table: new rows go on behind them.
    func lastNumbers() async throws -> [String: Int64]
    /// Marks the journal as being moved, and says by which mark; a server that opens it meanwhile takes the mark off.
    func beginMove(stamp: Int64) async throws -> Int64
    /// From now on the journal is not served any more.
    func endMove(stamp: Int64) async throws
}

/// The empty journal to which another moves.
package protocol MoveTarget: Sendable {
    var name: String { get }
    /// How far a move with that mark has come; begins it where nothing is there yet.
    ///
    /// Throws `conflict` where the journal holds anything else or is being served; `isRestarting` empties one that holds
    /// another unfinished move.
    func beginMove(stamp: Int64, from source: String, isRestarting: Bool) async throws -> MoveStanding
    /// Throws `journal` where a table or a column has no place here.
    func checkPlaces(for tables: [MovedTable]) async throws
    /// The key of the last row that has come; nil where none has.
    func lastKey(in table: MovedTable) async throws -> [MovedValue]?
    func count(_ table: MovedTable) async throws -> Int
    func write(_ rows: [[MovedValue]], to table: MovedTable) async throws
    func digest(of table: MovedTable, _ progress: @escaping @Sendable (Int) -> Void) async throws -> MoveDigest
    /// From now on the journal can be served.
    func endMove(stamp: Int64, lastNumbers: [String: Int64]) async throws
}

package enum MoveStanding: Sendable, Hashable { case begun, resumed, finished }
