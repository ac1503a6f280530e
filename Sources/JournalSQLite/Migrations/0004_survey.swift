extension Migration {
    /// What was done a day, and which kept deliveries still wait.
    static let survey = Migration(
        version: 4, name: "survey",
        sql: """
            CREATE TABLE work_days (
                day INTEGER NOT NULL, destination TEXT NOT NULL, action TEXT NOT NULL, completed INTEGER NOT NULL,
                PRIMARY KEY (day, destination, action)) WITHOUT ROWID;
            CREATE INDEX kept_deliveries_open ON kept_deliveries (kind) WHERE replayed_as IS NULL;

            """)
}
