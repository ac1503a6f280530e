/// A database that is made for a measurement and removed after it, on the server of another one.
package struct ScratchDatabase: Sendable {
    package let url: String
    private let server: String
    private let name: String

    /// Makes it; the user of `server` must be allowed to.
    ///
    /// `name` is letters, digits and underscores.
    package init(onServerOf server: String, name: String) throws {
        self.server = server
        self.name = name
        let place = server.split(separator: "?", maxSplits: 1)
        let base = place.first.map(String.init) ?? server
        let parts = base.split(separator: "/", omittingEmptySubsequences: false).prefix(3)
        url = parts.joined(separator: "/") + "/" + name + (place.count > 1 ? "?\(place[1])" : "")
        try Self.execute("CREATE DATABASE \"\(name)\"", at: server)
        _ = try PostgresJournal.migrate(url: url)
    }

    package func remove() throws { try Self.execute("DROP DATABASE IF EXISTS \"\(name)\" WITH (FORCE)", at: server) }

    /// What the journal takes there, and what the server has written for it so far.
    package struct Size: Sendable {
        package var tables: Int64
        package var indexes: Int64
        package var deadRows: Int64
        /// The place in the server's log: bytes written since it was made.
        package var log: Int64
    }

    package func size() throws -> Size {
        let connection = try Connection(ServerAddress(url: url))
        let rows = try connection.query(
            """
            SELECT sum(pg_table_size(oid))::bigint, sum(pg_indexes_size(oid))::bigint,
                sum(pg_stat_get_dead_tuples(oid))::bigint, pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint
            FROM pg_class WHERE relnamespace = 'throughline'::regnamespace AND relkind = 'r'
            """, []
        ).rows.map { Size(tables: $0.int(0), indexes: $0.int(1), deadRows: $0.int(2), log: $0.int(3)) }
        return rows.first ?? Size(tables: 0, indexes: 0, deadRows: 0, log: 0)
    }

    private static func execute(_ sql: String, at url: String) throws {
        let address = try ServerAddress(url: url)
        do { try Connection(address).execute(sql) } catch { throw PostgresTrouble.failure(error, address.name) }
    }
}
