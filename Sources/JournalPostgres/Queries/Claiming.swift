internal import Journal
internal import Model
internal import Settings

/// Gives jobs to workers.
///
/// What it costs hangs on how many are claimed, not on how many there are.
enum Claiming {
    /// At most so many fall due in one exchange; the next one takes the rest.
    private static let promotedMax = 1000

    static func promoteDue(at now: Instant, _ db: Transaction) throws {
        try db.post(
            """
            UPDATE jobs SET state = 'available' WHERE seq = ANY (ARRAY(
                SELECT seq FROM jobs WHERE state IN ('scheduled', 'retryable') AND run_at <= $1 ORDER BY run_at
                LIMIT $2 FOR UPDATE SKIP LOCKED))
            """, now, promotedMax)
    }

    /// The claimed jobs, and when the next one falls due.
    static func claim(_ requests: [ClaimRequest], node: String, at now: Instant, _ db: Transaction) throws
        -> (jobs: [ClaimedJob], nextDue: Instant?)
    {
        let claims = try requests.filter { $0.limit > 0 }.map { request in
            try db.ask(
                statement, request.destination, min(request.limit, Limits.claimBatchMax), node, now, read: job)
        }
        let nextDue = try db.ask(
            "SELECT run_at FROM jobs WHERE state IN ('scheduled', 'retryable') ORDER BY run_at LIMIT 1"
        ) { $0.instant(0) }
        return (try claims.flatMap { try $0.rows() }, try nextDue.rows().first)
    }

    /// Takes the jobs, opens an attempt for each, and tells them with what is kept of them.
    ///
    /// `= ANY (ARRAY(…))` finds the rows by their key; `IN (…)` would walk over the table.
    private static let statement = """
        WITH claimed AS (
            UPDATE jobs SET state = 'running', claims = claims + 1, node = $3
            WHERE seq = ANY (ARRAY(
                SELECT seq FROM jobs WHERE destination = $1 AND state = 'available'
                    AND NOT EXISTS (SELECT 1 FROM destinations WHERE name = $1)
                ORDER BY priority DESC, seq LIMIT $2 FOR UPDATE SKIP LOCKED))
            RETURNING *),
        opened AS (INSERT INTO attempts (job, token, started_at) SELECT seq, claims, $4 FROM claimed)
        SELECT claimed.seq, claimed.id, effect, flow, destination, action, alias, event, fact, subject, claims, attempts,
            created_at, first_attempt_at, unknown_since,
            (extract(epoch FROM clock_timestamp() - unknown_noted_at) * 1000)::bigint,
            requests.method, requests.path, requests.body, requests.rendered_at
        FROM claimed LEFT JOIN requests ON requests.job = claimed.seq ORDER BY priority DESC, claimed.seq
        """

    private static func job(_ row: SQLRow) throws -> ClaimedJob {
        ClaimedJob(
            id: try row.id(1), effect: EffectKey(text: row.text(2)), flow: row.text(3),
            call: Flow.Call(destination: row.text(4), action: row.text(5), alias: row.textOrNil(6)),
            event: try row.id(7), fact: row.textOrNil(8), subject: try row.id(9), token: row.int(10),
            attempts: Int(row.int(11)), createdAt: row.instant(12), firstAttemptAt: row.instantOrNil(13),
            unknownSince: row.instantOrNil(14), unknownAge: row.intOrNil(15).map { .milliseconds(max($0, 0)) },
            request: row.isNull(16) ? nil : request(row, at: 16))
    }

    static func storedRequest(of seq: Int64, _ db: Transaction) throws -> StoredRequest? {
        try db.first("SELECT method, path, body, rendered_at FROM requests WHERE job = $1", seq) { request($0, at: 0) }
    }

    private static func request(_ row: SQLRow, at column: CInt) -> StoredRequest {
        StoredRequest(
            method: row.text(column), path: row.text(column + 1), body: row.blob(column + 2),
            renderedAt: row.instant(column + 3))
    }
}
