internal import GRDB

/// What an owner does first: it makes the journal whole after whatever ended the one before.
enum Recovery {
    /// Says whether the journal comes out of a backup.
    static func recover(onDesk seq: Int64?, _ db: Database) throws -> Bool {
        // The event in whose planning the last owner ended has seen one crash more.
        if let seq { try db.run("UPDATE pending SET crashes = crashes + 1 WHERE seq = ?", seq) }
        let isRestored = try db.count("PRAGMA user_version") == LogCheck.backupVersion
        if isRestored { try holdRestored(db) }
        try Lanes.wakeHeadless(db)
        return isRestored
    }

    /// In a journal that comes out of a backup nothing starts by itself: what it has open may have happened since.
    ///
    /// Heads are held now, what waits behind them or for something is held when its turn comes. Their last attempt
    /// counts as of unknown end, so that a person who lets them go has them look first where that is possible.
    static func holdRestored(_ db: Database) throws {
        try db.run("PRAGMA user_version = 0")
        try db.run(
            """
            UPDATE jobs SET is_restored = 1, node = NULL, note = 'restored from a backup',
                unknown_since = coalesce(unknown_since, created_at)
            """)
        try db.run("UPDATE jobs SET state = 'held' WHERE state IN ('available', 'running', 'scheduled', 'retryable')")
    }
}
