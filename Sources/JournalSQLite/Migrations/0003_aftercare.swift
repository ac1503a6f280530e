extension Migration {
    /// What is compared with providers, what came in that way, and secrets of the installation itself.
    static let aftercare = Migration(
        version: 3, name: "aftercare",
        sql: """
            ALTER TABLE events ADD COLUMN is_recovered INTEGER NOT NULL DEFAULT 0;
            CREATE TABLE reconciliations (
                seq INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, place TEXT NOT NULL, side TEXT NOT NULL,
                since INTEGER NOT NULL, until INTEGER NOT NULL, started_at INTEGER NOT NULL, started_by TEXT NOT NULL,
                state TEXT NOT NULL, ended_at INTEGER, reason TEXT, samples TEXT NOT NULL, is_cut INTEGER NOT NULL);
            CREATE INDEX reconciliations_running ON reconciliations (seq) WHERE state = 'running';
            CREATE TABLE differences (
                run INTEGER NOT NULL, number INTEGER NOT NULL, cause TEXT NOT NULL, sample TEXT NOT NULL,
                key TEXT NOT NULL, event BLOB, kept BLOB, job BLOB, records TEXT NOT NULL, at INTEGER NOT NULL,
                detail TEXT NOT NULL, repair TEXT, repaired_at INTEGER, repaired_by TEXT, note TEXT,
                PRIMARY KEY (run, number)) WITHOUT ROWID;
            CREATE INDEX differences_event ON differences (event) WHERE event IS NOT NULL;
            CREATE TABLE installation (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

            """)
}
