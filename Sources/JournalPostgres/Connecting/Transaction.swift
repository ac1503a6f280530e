internal import Journal
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

    /// Runs a statement whose answer nobody waits for, with the next one whose answer is wanted.
    ///
    /// What goes wrong with it is thrown there, or at the end of the savepoint or the transaction.
    func post(_ sql: String, _ values: (any SQLValue)?...) throws { try connection.post(sql, values) }
    func post(_ sql: String, values: [(any SQLValue)?]) throws { try connection.post(sql, values) }

    /// A question whose answer is read later: those that are asked one after the other go out together.
    struct Asked<Value> {
        fileprivate let connection: Connection
        fileprivate let reply: Connection.Reply
        fileprivate let read: (SQLRow) throws -> Value

        func rows() throws -> [Value] {
            if reply.result == nil { try connection.flush() }
            guard let result = reply.result else {
                throw PostgresError(state: "", message: "no answer", isConnectionLost: true)
            }
            return try result.rows.map(read)
        }
    }

    func ask<Value>(_ sql: String, _ values: (any SQLValue)?..., read: @escaping (SQLRow) throws -> Value) throws
        -> Asked<Value>
    {
        Asked(connection: connection, reply: try connection.post(sql, values), read: read)
    }

    /// What is asked for many at once, in one statement; the first column of each row is the place of whom it is for, from 1.
    struct AskedForMany<Value> {
        fileprivate let asked: Asked<(place: Int, value: Result<Value, any Error>)>
        fileprivate let count: Int

        /// By place; a row that cannot be read is the trouble of whom it is for.
        func rows() throws -> [Result<[Value], any Error>] {
            var (values, failures) = ([[Value]](repeating: [], count: count), [Int: any Error]())
            for row in try asked.rows() {
                switch row.value {
                case .success(let value): values[row.place].append(value)
                case .failure(let error): failures[row.place] = error
                }
            }
            return values.enumerated().map { place, values in failures[place].map { .failure($0) } ?? .success(values) }
        }

        /// The rows of the first, where it is asked for one.
        func only() throws -> [Value] { try rows().first?.get() ?? [] }
    }

    /// The rows are those that `lateral` finds for each of `wanted`, whose columns have the names of `columns`; `read` finds
    /// their first column at 1.
    func askForMany<Value>(
        _ columns: String, _ wanted: [any SQLValue], count: Int, _ lateral: String, _ values: (any SQLValue)?...,
        read: @escaping (SQLRow) throws -> Value
    ) throws -> AskedForMany<Value> {
        let lists = wanted.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
        // Looked up for one after the other, as OFFSET has it: so each keeps its order, and no table is walked over.
        let sql = """
            SELECT wanted.place, found.* FROM unnest(\(lists)) WITH ORDINALITY AS wanted (\(columns), place)
            CROSS JOIN LATERAL (\(lateral) OFFSET 0) AS found
            """
        let reply = try connection.post(sql, wanted + values)
        let asked = Asked(connection: connection, reply: reply) { row in
            (place: Int(row.int(0)) - 1, value: Result { try read(row) })
        }
        return AskedForMany(asked: asked, count: count)
    }

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
        // What went before is not this one's fault.
        try connection.flush()
        try connection.post("SAVEPOINT one")
        let heldBefore = held
        do {
            let value = try body()
            try connection.post("RELEASE SAVEPOINT one")
            try connection.flush()
            return value
        } catch {
            // Advisory locks that were taken inside go with it.
            held = heldBefore
            let isOpen = connection.forget().first != "SAVEPOINT one"
            if isOpen, !connection.isBroken {
                try connection.execute("ROLLBACK TO SAVEPOINT one; RELEASE SAVEPOINT one")
            }
            throw error
        }
    }

    // MARK: Locks

    /// Holds these names until the end of the transaction; what several transactions work on has a name (`Locks`).
    ///
    /// Taken in the order of the names, so that two who want the same do not wait for each other for ever.
    func hold(_ names: some Sequence<String>) throws { try askToHold(names)?.confirm() }

    /// Names that are asked for; what is asked behind them is answered when they are held, or not at all.
    struct Request {
        fileprivate let asked: Asked<Bool>

        /// Throws `Busy` where somebody else holds one and nobody waits.
        func confirm() throws {
            guard try asked.rows().allSatisfy(\.self) else { throw Busy() }
        }
    }

    /// As `hold`, in one go with what is asked next; nil where all are held already.
    func askToHold(_ names: some Sequence<String>) throws -> Request? {
        let wanted = Set(names).subtracting(held).sorted()
        guard !wanted.isEmpty else { return nil }
        held.formUnion(wanted)
        let lock = patience == .wait ? "pg_advisory_xact_lock" : "pg_try_advisory_xact_lock"
        // One answers with nothing, the other with a truth.
        return Request(
            asked: try ask(
                """
                SELECT \(lock)(hashtextextended(name, \(Locks.seed))) FROM unnest($1) AS name
                """, SQLArray(wanted)
            ) { [patience] in patience == .wait || $0.flag(0) })
    }
}

extension Transaction {
    /// Names that are tried for, each for itself.
    struct Trial {
        fileprivate let asked: Asked<(name: String, isHeld: Bool)>
    }

    func holds(_ name: String) -> Bool { held.contains(name) }

    /// Tries to hold these names without waiting for any of them; nil where all are held already.
    func askToTry(_ names: some Sequence<String>) throws -> Trial? {
        let wanted = Set(names).subtracting(held).sorted()
        guard !wanted.isEmpty else { return nil }
        return Trial(
            asked: try ask(
                """
                SELECT name, pg_try_advisory_xact_lock(hashtextextended(name, \(Locks.seed))) FROM unnest($1) AS name
                """, SQLArray(wanted)
            ) { ($0.text(0), $0.flag(1)) })
    }

    /// Which of them others hold.
    func refused(in trial: Trial?) throws -> Set<String> {
        guard let tried = try trial?.asked.rows() else { return [] }
        held.formUnion(tried.filter(\.isHeld).map(\.name))
        return Set(tried.filter { !$0.isHeld }.map(\.name))
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
    static func isSubject(_ name: String) -> Bool { name.utf8.starts(with: "2:".utf8) }
    static func lane(_ destination: String, _ lane: String) -> String { "3:\(destination):\(lane)" }
}
