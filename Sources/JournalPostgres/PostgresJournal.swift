internal import Journal
internal import Model
package import Seams
internal import Synchronization

/// The journal in a Postgres database, shared by any number of nodes.
///
/// Its parts are in `Queries`, by the part of the journal that they serve. Each kind of work has a connection and a
/// thread of its own, so that an acknowledgement waits for no plan and no reading.
package final class PostgresJournal: JournalStore {
    /// How long a node that shows no sign of life keeps its jobs.
    package static let leaseDuration: Duration = .seconds(8)

    /// This process, for as long as it lives: no two processes have one name.
    package let node: String
    /// `host:port/database`.
    package let name: String
    let acknowledging: JournalConnection
    let planning: JournalConnection
    let working: JournalConnection
    let keeping: JournalConnection
    let operating: JournalConnection
    let beating: JournalConnection
    let listening: JournalConnection
    let readers: [JournalConnection]
    let requests = GroupQueue<Keeping.Question, Bool>()
    /// One for each reader.
    let looks: [GroupQueue<JobID, Surroundings?>]
    /// From where on this node claims jobs.
    let positions = Mutex(ClaimPositions())
    /// From where on it plans.
    let pendingPosition = Mutex(PendingPosition())
    let sweeping = Mutex(Sweeping())
    let time: any TimeSource
    let chance: any ChanceSource

    private init(_ address: ServerAddress, node: String, world: World) throws {
        func connection(isForWork: Bool = false) throws -> JournalConnection {
            try JournalConnection(address, time: world.time, isForWork: isForWork)
        }
        self.node = node
        name = address.name
        acknowledging = try connection(isForWork: true)
        planning = try connection(isForWork: true)
        working = try connection(isForWork: true)
        keeping = try connection(isForWork: true)
        operating = try connection()
        beating = try connection(isForWork: true)
        listening = try connection()
        readers = [try connection(), try connection()]
        looks = readers.map { _ in GroupQueue() }
        time = world.time
        chance = world.chance
    }

    /// Opens the journal at that URL, which may hold a password and is never told.
    ///
    /// Blocks for as long as the server takes to answer. Throws `unavailable` where it cannot be reached or refuses
    /// us, `journal` where its schema is older than this version (`throughline migrate`), or too new for it.
    package static func open(url: String, node: String, world: World) throws -> PostgresJournal {
        let address = try ServerAddress(url: url)
        try connected(to: address) { connection in
            try Schema.check(Schema.standing(connection), name: address.name)
            try Moves.refuseUnfinished(connection, name: address.name)
        }
        return try PostgresJournal(address, node: node, world: world)
    }

    /// Brings the schema to this version; returns the version before and after.
    package static func migrate(url: String) throws -> (before: Int, after: Int) {
        let address = try ServerAddress(url: url)
        return try connected(to: address) { connection in
            let before = try Schema.standing(connection)
            if before.version > Schema.current { try Schema.check(before, name: address.name) }
            try Schema.migrate(connection)
            return (before.version, try Schema.standing(connection).version)
        }
    }

    /// The schema that the journal has, and the one that this version writes.
    package static func schemaVersions(url: String) throws -> (journal: Int, program: Int) {
        let address = try ServerAddress(url: url)
        return try connected(to: address) { (try Schema.standing($0).version, Schema.current) }
    }

    /// The statements that make a journal of this version, in order (`migrate --print`).
    package static var migrations: [(version: Int, name: String, sql: String)] {
        Migration.all.map { ($0.version, $0.name, $0.sql) }
    }

    private static func connected<Value>(to address: ServerAddress, _ body: (Connection) throws -> Value) throws
        -> Value
    {
        do { return try body(Connection(address)) } catch { throw PostgresTrouble.failure(error, address.name) }
    }

    /// Takes this node off the list of the living and closes the connections; calls after this throw `unavailable`.
    package func close() async throws {
        do {
            try await beating.transaction(.durable) { [node] db in
                try Nodes.leave(node, db)
            }
        } catch {
            // Without a word of goodbye its lease runs out.
        }
        for connection in [acknowledging, planning, working, keeping, operating, beating, listening] + readers {
            await connection.close()
        }
    }

    /// Changes that people make.
    func writing<Value: Sendable>(_ body: @Sendable (Transaction) throws -> Value) async throws -> Value {
        try await operating.transaction(.durable, body)
    }

    func reading<Value: Sendable>(_ body: @Sendable (Transaction) throws -> Value) async throws -> Value {
        let reader = readers[Int(chance.next() % UInt64(readers.count))]
        return try await reader.transaction(.reading, body)
    }
}
