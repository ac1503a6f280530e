internal import Model

/// The journal while one transaction is open on it.
///
/// Never leaves the closure that it is handed to.
final class Transaction {
    /// What to do where somebody else holds what is asked for.
    enum Patience {
        /// Waits for the end of their transaction.
        case wait
        /// Throws `Busy` at once.
        case none
    }

    /// Somebody else holds it right now.
    struct Busy: Error {}

    private let connection: Connection
    private var held: Set<String> = []
    var patience = Patience.wait

    init(_ connection: Connection) { self.connection = connection }

    /// Runs a statement that gives no rows; returns how many rows it changed.
    @discardableResult
    func run(_ sql: String, _ values: (any SQLValue)?...) throws -> Int { try connection.query(sql, values).changes }

    func rows<Value>(_ sql: String, _ values: (any SQLValue)?..., read: (SQLRow) throws -> Value) throws -> [Value] {
        try rows(sql, values: values, read: read)
    }

    func rows<Value>(_ sql: String, values: [(any SQLValue)?], read: (SQLRow) throws -> Value) throws -> [Value] {
        try connection.query(sql, values).rows.map(read)
    }

    /// The first row, or nil.
    func first<Value>(_ sql: String, _ values: (any SQLValue)?..., read: (SQLRow) throws -> Value) throws -> Value? {
        for row in try connection.query(sql, values).rows { return try read(row) }
        return nil
    }

    /// The first column of the only row of a counting statement.
    func count(_ sql: String, _ values: (any SQLValue)?...) throws -> Int {
        try rows(sql, values: values) { Int($0.int(0)) }.first ?? 0
    }

    func exists(_ sql: String, _ values: (any SQLValue)?...) throws -> Bool {
        try connection.query(sql, values).count > 0
    }

    /// Does `body` wholly or not at all, within the transaction; locks that it took stay until its end.
    func inSavepoint<Value>(_ body: () throws -> Value) throws -> Value {
        try connection.execute("SAVEPOINT one")
        let heldBefore = held
        do {
            let value = try body()
            try connection.execute("RELEASE SAVEPOINT one")
            return value
        } catch {
            // Advisory locks that were taken inside go with it.
            held = heldBefore
            if !connection.isBroken { try connection.execute("ROLLBACK TO SAVEPOINT one; RELEASE SAVEPOINT one") }
            throw error
        }
    }

    // MARK: Locks

    /// Holds these names until the end of the transaction; what several transactions work on has a name (`Locks`).
    ///
    /// Taken in the order of the names, so that two who want the same do not wait for each other for ever.
    func hold(_ names: some Sequence<String>) throws {
        let wanted = Set(names).subtracting(held).sorted()
        guard !wanted.isEmpty else { return }
        switch patience {
        case .wait:
            _ = try connection.query(
                "SELECT pg_advisory_xact_lock(hashtextextended(name, \(Locks.seed))) FROM unnest($1) AS name",
                [SQLArray(wanted)])
        case .none:
            let isFree = try rows(
                """
                SELECT bool_and(pg_try_advisory_xact_lock(hashtextextended(name, \(Locks.seed))))
                FROM unnest($1) AS name
                """, SQLArray(wanted)
            ) { $0.flag(0) }
            guard isFree == [true] else { throw Busy() }
        }
        held.formUnion(wanted)
    }
}

/// What several transactions may work on at once, by name.
///
/// Whoever changes a subject's joins, state, facts or waits holds the subject; whoever changes who is on its way in a
/// lane holds the lane. The names sort in the order in which they are to be taken.
enum Locks {
    /// Keeps our locks apart from those of other programs in the same database.
    static let seed = 7_465_309

    static func identifier(_ kind: String, _ value: String) -> String { "1:\(kind):\(value)" }
    static func subject(_ root: SubjectID) -> String { "2:\(root)" }
    static func lane(_ destination: String, _ lane: String) -> String { "3:\(destination):\(lane)" }
}
