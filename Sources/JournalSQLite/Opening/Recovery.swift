internal import GRDB

/// What an owner does first: it makes the journal whole after whatever ended the one before.
enum Recovery {
    static func recover(onDesk seq: Int64?, _ db: Database) throws {
        // The event in whose planning the last owner ended has seen one crash more.
        if let seq { try db.run("UPDATE pending SET crashes = crashes + 1 WHERE seq = ?", seq) }
        try holdRestored(db)
        try Lanes.wakeHeadless(db)
    }

    /// In a journal that comes out of a backup nothing starts by itself: what it has open may have happened since.
    ///
    /// Heads are held now, what waits behind them or for something is held when its turn comes. Their last attempt
    /// counts as of unknown end, so that a person who lets them go has them look first where that is possible.
    private static func holdRestored(_ db: Database) throws {
        guard try db.run("DELETE FROM marks WHERE name = 'backup'") > 0 else { return }
        try db.run(
            """
            UPDATE jobs SET is_restored = 1, node = NULL, note = 'restored from a backup',
                unknown_since = coalesce(unknown_since, created_at)
            """)
        try db.run("UPDATE jobs SET state = 'held' WHERE state IN ('available', 'running', 'scheduled', 'retryable')")
    }
}
