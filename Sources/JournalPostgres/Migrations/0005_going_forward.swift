extension Migration {
    /// Queues that are read from a position on.
    ///
    /// A program of version 4 claims without `jobs_claim` as well, but looks through all that waits.
    static let goingForward = Migration(
        version: 5, name: "going_forward", worksSince: 1,
        sql: """
            SET LOCAL search_path = throughline, pg_temp;
            CREATE SEQUENCE turns;
            ALTER TABLE jobs ADD COLUMN turn bigint;
            CREATE INDEX jobs_queue ON jobs (destination, priority DESC, num_nonnulls(turn), coalesce(turn, seq))
                WHERE state = 'available';
            DROP INDEX jobs_claim;

            """ + rights)
}
