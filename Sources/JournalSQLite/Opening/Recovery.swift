internal import GRDB

/// What an owner does first: it makes the journal whole after whatever ended the one before.
enum Recovery {
    static func recover(_ db: Database) throws {
        try countCrash(db)
        try holdRestored(db)
        try Lanes.wakeHeadless(db)
    }

    /// Events that were on the desk when the process died were there at one crash more.
    ///
    /// The planner notes its batch on the desk in a commit that is written but not synced: it outlives the process,
    /// which is all that a crash of the process takes, and costs no wait for the disk. Leaving in order clears it.
    private static func countCrash(_ db: Database) throws {
        try db.run(
            "UPDATE pending SET crashes = crashes + 1 FROM desk WHERE pending.seq BETWEEN desk.first AND desk.last")
        try db.run("UPDATE desk SET first = NULL, last = NULL")
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
