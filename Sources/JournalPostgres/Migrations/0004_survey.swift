extension Migration {
    /// What was done a day, and kept deliveries that wait in their order.
    static let survey = Migration(
        version: 4, name: "survey", worksSince: 1,
        sql: """
            SET LOCAL search_path = throughline, pg_temp;
            CREATE TABLE work_days (
                day bigint NOT NULL, destination text NOT NULL, action text NOT NULL, completed bigint NOT NULL,
                PRIMARY KEY (day, destination, action));
            DROP INDEX kept_deliveries_open;
            CREATE INDEX kept_deliveries_open ON kept_deliveries (kind, seq) WHERE replayed_as IS NULL;

            """ + rights)
}
