internal import GRDB
internal import Model

/// Brings a journal's tables to the version of this program.
enum Schema {
    /// The version that this program writes.
    static var current: Int { Migration.all.last?.version ?? 0 }

    /// 0 for a file without any journal in it.
    static func version(_ db: Database) throws -> Int {
        guard try db.exists("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migrations'") else {
            return 0
        }
        return try db.count("SELECT coalesce(max(version), 0) FROM migrations")
    }

    /// Refuses what this version cannot read: a newer schema, or somebody else's database.
    static func check(_ db: Database, path: String) throws {
        let version = try version(db)
        guard version <= current else {
            throw Failure(
                .journal,
                "The journal \(path) has schema \(version); this version knows \(current). Install the "
                    + "version that wrote it, or a newer one.")
        }
        if version == 0, try db.exists("SELECT 1 FROM sqlite_master LIMIT 1") {
            throw Failure(
                .journal, "The file \(path) is an SQLite database, but no journal. Point `journal` at another file.")
        }
    }

    /// Runs what is missing, each step in a transaction of its own, up to `target`.
    static func migrate(_ db: Database, to target: Int = current) throws {
        let version = try version(db)
        for migration in Migration.all where migration.version > version && migration.version <= target {
            try db.inTransaction(.immediate) {
                try db.execute(
                    sql: "CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL)")
                try db.execute(sql: migration.sql)
                try db.run("INSERT INTO migrations VALUES (?, ?)", migration.version, migration.name)
                return .commit
            }
        }
    }
}
