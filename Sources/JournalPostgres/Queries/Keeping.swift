internal import Journal
internal import Model

/// Keeps rendered requests, for each job's call waits for its request to be on disk.
enum Keeping {
    struct Question: Sendable {
        var request: StoredRequest
        var job: JobID
        var token: Int64
    }

    /// By place, whether it was kept, now or before; not where its token is not the job's current one.
    ///
    /// The job's row is shared with nobody who would take it over meanwhile.
    static func keep(_ batch: [Question], _ db: Transaction) throws -> [Result<Bool, any Error>] {
        let kept = Set(
            try db.rows(
                """
                WITH input AS (
                    SELECT * FROM unnest($1, $2, $3, $4, $5, $6) WITH ORDINALITY
                        AS i (id, token, method, path, body, rendered_at, place)),
                mine AS (
                    SELECT jobs.seq, input.* FROM input JOIN jobs ON jobs.id = input.id
                        AND jobs.state = 'running' AND jobs.claims = input.token AND NOT jobs.is_erased
                    ORDER BY jobs.seq FOR SHARE OF jobs),
                kept AS (
                    INSERT INTO requests (job, method, path, body, rendered_at)
                    SELECT DISTINCT ON (seq) seq, method, path, body, rendered_at FROM mine ORDER BY seq, place
                    ON CONFLICT (job) DO NOTHING)
                SELECT place FROM mine
                """, SQLArray(batch.map(\.job)), SQLArray(batch.map(\.token)), SQLArray(batch.map(\.request.method)),
                SQLArray(batch.map(\.request.path)), SQLArray(batch.map(\.request.body)),
                SQLArray(batch.map(\.request.renderedAt))
            ) { Int($0.int(0)) - 1 })
        return batch.indices.map { .success(kept.contains($0)) }
    }
}
