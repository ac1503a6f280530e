extension Migration {
    /// What was done a day.
    static let survey = Migration(
        version: 4, name: "survey", worksSince: 1,
        sql: """
            SET LOCAL search_path = throughline, pg_temp;
            CREATE TABLE work_days (
                day bigint NOT NULL, destination text NOT NULL, action text NOT NULL, completed bigint NOT NULL,
                PRIMARY KEY (day, destination, action));

            """ + rights)
}
