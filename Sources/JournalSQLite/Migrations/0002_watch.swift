extension Migration {
    /// What watching keeps: counts by the minute, issues, silences, and how alerts were told.
    ///
    /// `error_field` stands last in both job tables, which must have one shape.
    static let watch = Migration(
        version: 2, name: "watch",
        sql: """
            ALTER TABLE events ADD COLUMN trace TEXT;
            ALTER TABLE jobs ADD COLUMN error_field TEXT;
            ALTER TABLE history ADD COLUMN error_field TEXT;
            CREATE INDEX jobs_cause ON jobs (destination, error_class) WHERE error_class IS NOT NULL;
            CREATE INDEX jobs_stubborn ON jobs (destination) WHERE attempts > 3;
            CREATE INDEX history_cause ON history (destination, error_class) WHERE state = 'dead';
            CREATE TABLE tallies (
                kind TEXT NOT NULL, at INTEGER NOT NULL, name TEXT NOT NULL, total INTEGER NOT NULL,
                failed INTEGER NOT NULL, PRIMARY KEY (kind, at, name)) WITHOUT ROWID;
            CREATE TABLE issues (
                seq INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, destination TEXT NOT NULL,
                error_class TEXT NOT NULL, field TEXT NOT NULL, count INTEGER NOT NULL, first_at INTEGER NOT NULL,
                last_at INTEGER NOT NULL, job BLOB NOT NULL, cost TEXT, costed_at INTEGER, acknowledged_at INTEGER,
                acknowledged_by TEXT, ended_at INTEGER);
            CREATE UNIQUE INDEX issues_open ON issues (destination, error_class, field) WHERE ended_at IS NULL;
            CREATE TABLE silences (
                pattern TEXT PRIMARY KEY, reason TEXT NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL,
                until INTEGER NOT NULL) WITHOUT ROWID;
            CREATE TABLE secrets (name TEXT PRIMARY KEY, mark BLOB NOT NULL, since INTEGER NOT NULL) WITHOUT ROWID;
            ALTER TABLE alerts ADD COLUMN severity TEXT NOT NULL DEFAULT 'warning';
            ALTER TABLE alerts ADD COLUMN cost TEXT;
            ALTER TABLE alerts ADD COLUMN acknowledged_at INTEGER;
            ALTER TABLE alerts ADD COLUMN acknowledged_by TEXT;
            ALTER TABLE alerts ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
            ALTER TABLE alerts ADD COLUMN told_at INTEGER;
            ALTER TABLE alerts ADD COLUMN told_mark TEXT;
            ALTER TABLE alerts ADD COLUMN is_end_told INTEGER NOT NULL DEFAULT 0;
            CREATE INDEX alerts_untold ON alerts (seq) WHERE ended_at IS NOT NULL AND told > 0 AND is_end_told = 0;
            """)
}
