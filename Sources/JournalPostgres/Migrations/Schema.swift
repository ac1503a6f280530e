internal import Journal
internal import Model

/// Brings a database's schema `throughline` to the version of this program.
enum Schema {
    /// The version that this program writes.
    static var current: Int { Migration.all.last?.version ?? 0 }

    /// What a database says of its journal.
    struct Standing: Sendable, Equatable {
        /// 0 where there is no journal yet.
        var version: Int
        /// The oldest program that may still work on it.
        var worksSince: Int
    }

    static func standing(_ connection: Connection) throws -> Standing {
        let isThere = try connection.query("SELECT to_regclass('throughline.migrations') IS NOT NULL", []).rows
            .map { $0.flag(0) }
        guard isThere == [true] else { return Standing(version: 0, worksSince: 0) }
        let newest = try connection.query(
            "SELECT version, works_since FROM throughline.migrations ORDER BY version DESC LIMIT 1", []
        ).rows.map { Standing(version: Int($0.int(0)), worksSince: Int($0.int(1))) }
        return newest.first ?? Standing(version: 0, worksSince: 0)
    }

    /// Refuses a journal on which this program cannot work.
    static func check(_ standing: Standing, name: String) throws {
        if standing.version < current {
            throw Failure(
                .journal,
                "The journal in \(name) has schema \(standing.version), this version needs \(current). Run "
                    + "`throughline migrate`.")
        }
        guard standing.worksSince <= current else {
            throw Failure(
                .journal,
                "The journal in \(name) has schema \(standing.version); this version knows \(current). Install the "
                    + "version that wrote it, or a newer one.")
        }
    }

    /// Runs what is missing, all or nothing; of two that migrate at once one waits and finds it done.
    static func migrate(_ connection: Connection) throws {
        try connection.execute(
            """
            BEGIN; SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = '30s';
            SELECT pg_advisory_xact_lock(\(Locks.seed))
            """)
        do {
            let version = try standing(connection).version
            for migration in Migration.all where migration.version > version {
                try connection.execute(migration.sql)
                try connection.execute(
                    """
                    CREATE TABLE IF NOT EXISTS throughline.migrations (
                        version bigint PRIMARY KEY, name text NOT NULL, works_since bigint NOT NULL,
                        at timestamptz NOT NULL DEFAULT now())
                    """)
                _ = try connection.query(
                    "INSERT INTO throughline.migrations (version, name, works_since) VALUES ($1, $2, $3)",
                    [migration.version, migration.name, migration.worksSince])
            }
            try connection.execute("COMMIT")
        } catch {
            // The first error is the one to tell; the connection is closed after this.
            _ = try? connection.execute("ROLLBACK")
            throw error
        }
    }
}
