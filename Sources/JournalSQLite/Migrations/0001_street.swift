extension Migration {
    /// The whole street.
    ///
    /// Ids are 16-byte blobs, times milliseconds since 1970, JSON its text.
    static let street = Migration(
        version: 1, name: "street", sql: intakeTables + planningTables + jobTables + operatingTables)

    // What the acknowledging commit writes has few columns and few indexes. Bodies stand apart, so that erasing them
    // and walking over events stays cheap. A key outlives what hangs on it: it refuses duplicates for good.
    private static let intakeTables = """
        CREATE TABLE events (
            seq INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, source TEXT NOT NULL,
            external_id TEXT NOT NULL, external_type TEXT NOT NULL, type TEXT NOT NULL, role TEXT NOT NULL,
            occurred_at INTEGER NOT NULL, received_at INTEGER NOT NULL, session TEXT, user TEXT, subject BLOB,
            data TEXT NOT NULL);
        CREATE INDEX events_subject ON events (subject) WHERE subject IS NOT NULL;
        CREATE TABLE event_keys (
            external_id TEXT NOT NULL, source TEXT NOT NULL, event BLOB NOT NULL,
            PRIMARY KEY (external_id, source)) WITHOUT ROWID;
        CREATE TABLE payloads (seq INTEGER PRIMARY KEY, body BLOB NOT NULL);
        CREATE TABLE pending (seq INTEGER PRIMARY KEY, crashes INTEGER NOT NULL);
        CREATE TABLE clock (only INTEGER PRIMARY KEY CHECK (only = 1), tick INTEGER NOT NULL);
        INSERT INTO clock VALUES (1, 0);
        CREATE TABLE kept_deliveries (
            seq INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, kind TEXT NOT NULL, source TEXT NOT NULL,
            external_id TEXT NOT NULL, external_type TEXT, code TEXT NOT NULL, reason TEXT NOT NULL, field TEXT,
            received_at INTEGER NOT NULL, replayed_as BLOB, event BLOB, payload BLOB NOT NULL,
            UNIQUE (kind, source, external_id));
        CREATE INDEX kept_deliveries_event ON kept_deliveries (event) WHERE event IS NOT NULL;
        CREATE INDEX kept_deliveries_replayed_as ON kept_deliveries (replayed_as) WHERE replayed_as IS NOT NULL;

        """

    // `root` is the subject that stands for the whole; `proven_root` follows only joins through proven identifiers.
    // A tick counts plans: what a plan touched carries it, so that a job that read before knows that it read too soon.
    private static let planningTables = """
        CREATE TABLE subjects (
            seq INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, root BLOB NOT NULL,
            proven_root BLOB NOT NULL, created_at INTEGER NOT NULL, tick INTEGER NOT NULL);
        CREATE INDEX subjects_root ON subjects (root);
        CREATE INDEX subjects_proven_root ON subjects (proven_root);
        CREATE TABLE identifiers (
            value TEXT NOT NULL, kind TEXT NOT NULL, subject BLOB NOT NULL, basis TEXT NOT NULL, seq INTEGER NOT NULL,
            PRIMARY KEY (value, kind, subject)) WITHOUT ROWID;
        CREATE INDEX identifiers_subject ON identifiers (subject);
        CREATE TABLE joins (
            seq INTEGER PRIMARY KEY, child BLOB NOT NULL, root BLOB NOT NULL, basis TEXT NOT NULL, kind TEXT NOT NULL,
            value TEXT NOT NULL, event BLOB NOT NULL, at INTEGER NOT NULL);
        CREATE INDEX joins_child ON joins (child);
        CREATE INDEX joins_root ON joins (root);
        CREATE TABLE states (subject BLOB PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE facts (
            seq INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, type TEXT, object TEXT, subject BLOB NOT NULL,
            event BLOB NOT NULL, occurred_at INTEGER NOT NULL, tick INTEGER NOT NULL, data TEXT NOT NULL,
            origins TEXT NOT NULL);
        CREATE INDEX facts_object ON facts (object) WHERE object IS NOT NULL;
        CREATE INDEX facts_subject ON facts (subject);
        CREATE TABLE fact_events (event BLOB NOT NULL, fact TEXT NOT NULL, PRIMARY KEY (event, fact)) WITHOUT ROWID;
        CREATE TABLE decisions (
            seq INTEGER PRIMARY KEY, event BLOB NOT NULL, subject BLOB NOT NULL, at INTEGER NOT NULL, flow TEXT,
            call TEXT, outcome TEXT NOT NULL, job BLOB, detail TEXT);
        CREATE INDEX decisions_event ON decisions (event);
        CREATE INDEX decisions_subject ON decisions (subject);
        CREATE TABLE effects (key TEXT PRIMARY KEY, job BLOB NOT NULL) WITHOUT ROWID;

        """

    // Open jobs and ended ones have one shape and two tables: claiming never walks over what has ended. One index serves
    // claims, counts and the search for lost jobs, since each job passes it four times. The unique index is the law of
    // lanes: at most one job of a lane is on its way.
    private static let jobTables =
        jobTable("jobs", "INTEGER PRIMARY KEY AUTOINCREMENT") + jobTable("history", "INTEGER PRIMARY KEY") + """
            CREATE INDEX jobs_queue ON jobs (destination, state, priority DESC);
            CREATE INDEX jobs_due ON jobs (run_at) WHERE state IN ('scheduled', 'retryable');
            CREATE UNIQUE INDEX jobs_head ON jobs (destination, lane)
                WHERE lane IS NOT NULL AND state IN ('available', 'running', 'scheduled', 'retryable', 'held');
            CREATE INDEX jobs_behind ON jobs (destination, lane, seq) WHERE state = 'waiting' AND wait_kind = 'lane';
            CREATE INDEX jobs_moving ON jobs (destination, moves_to) WHERE moves_to IS NOT NULL;
            CREATE INDEX jobs_patience ON jobs (waits_until) WHERE state = 'waiting' AND waits_until IS NOT NULL;
            CREATE INDEX jobs_subject ON jobs (subject);
            CREATE INDEX jobs_event ON jobs (event);
            CREATE INDEX history_ended ON history (state, ended_at);
            CREATE INDEX history_dead ON history (seq) WHERE state = 'dead';
            CREATE INDEX history_cancelled ON history (seq) WHERE state = 'cancelled';
            CREATE INDEX history_stop ON history (destination, lane) WHERE state = 'dead' AND stops_lane = 1;
            CREATE INDEX history_subject ON history (subject);
            CREATE INDEX history_event ON history (event);
            CREATE TABLE requests (
                job INTEGER PRIMARY KEY, method TEXT NOT NULL, path TEXT NOT NULL, body BLOB NOT NULL,
                rendered_at INTEGER NOT NULL);
            CREATE TABLE attempts (
                job INTEGER NOT NULL, token INTEGER NOT NULL, started_at INTEGER NOT NULL, tick INTEGER NOT NULL,
                ended_at INTEGER, outcome TEXT, status INTEGER, error_class TEXT, error TEXT, duration_ms INTEGER,
                PRIMARY KEY (job, token)) WITHOUT ROWID;
            CREATE TABLE records (
                seq INTEGER PRIMARY KEY, destination TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, url TEXT,
                subject BLOB NOT NULL, job BLOB NOT NULL, at INTEGER NOT NULL,
                UNIQUE (id, destination, kind, subject));
            CREATE INDEX records_subject ON records (subject);
            CREATE TABLE destinations (
                name TEXT PRIMARY KEY, cause TEXT NOT NULL, reason TEXT NOT NULL, since INTEGER NOT NULL)
                WITHOUT ROWID;

            """

    private static func jobTable(_ name: String, _ key: String) -> String {
        """
        CREATE TABLE \(name) (
            seq \(key), id BLOB NOT NULL UNIQUE, effect TEXT NOT NULL, flow TEXT NOT NULL, destination TEXT NOT NULL,
            action TEXT NOT NULL, alias TEXT, event BLOB NOT NULL, fact TEXT, subject BLOB NOT NULL, lane TEXT,
            moves_to TEXT, state TEXT NOT NULL, priority INTEGER NOT NULL, run_at INTEGER NOT NULL, wait_kind TEXT,
            wait_value TEXT, waits_until INTEGER, attempts INTEGER NOT NULL, claims INTEGER NOT NULL, node TEXT,
            first_attempt_at INTEGER, unknown_since INTEGER, stops_lane INTEGER NOT NULL,
            is_restored INTEGER NOT NULL, is_erased INTEGER NOT NULL, error_class TEXT, error TEXT, note TEXT,
            record_kind TEXT, record_id TEXT, record_url TEXT, created_at INTEGER NOT NULL, ended_at INTEGER);

        """
    }

    private static let operatingTables = """
        CREATE TABLE alerts (
            seq INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, key TEXT NOT NULL, title TEXT NOT NULL,
            detail TEXT NOT NULL, at INTEGER NOT NULL, ended_at INTEGER);
        CREATE UNIQUE INDEX alerts_open ON alerts (key) WHERE ended_at IS NULL;
        CREATE TABLE keys (
            shown TEXT PRIMARY KEY, hash BLOB NOT NULL, scope TEXT NOT NULL, source TEXT, created_at INTEGER NOT NULL,
            revoked_at INTEGER) WITHOUT ROWID;
        CREATE TABLE users (
            email TEXT PRIMARY KEY, role TEXT NOT NULL, password_hash TEXT NOT NULL, created_at INTEGER NOT NULL)
            WITHOUT ROWID;
        CREATE TABLE audit (
            seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
            target TEXT NOT NULL, detail TEXT);
        CREATE TABLE marks (name TEXT PRIMARY KEY, at INTEGER) WITHOUT ROWID;

        """
}
