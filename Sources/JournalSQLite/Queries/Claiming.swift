internal import GRDB
internal import Journal
internal import Model
internal import Settings

/// Gives jobs to workers.
///
/// What it costs hangs on how many are claimed, not on how many there are.
enum Claiming {
    /// At most so many fall due in one exchange; the next one takes the rest.
    private static let promotedMax = 1000

    static func promoteDue(at now: Instant, _ db: Database) throws {
        let due = try db.rows(
            """
            SELECT seq FROM jobs WHERE state IN ('scheduled', 'retryable') AND run_at <= ? ORDER BY run_at LIMIT ?
            """, now, promotedMax
        ) { $0.int(0) }
        for seq in due { try db.run("UPDATE jobs SET state = 'available' WHERE seq = ?", seq) }
    }

    static func nextDue(_ db: Database) throws -> Instant? {
        try db.first("SELECT run_at FROM jobs WHERE state IN ('scheduled', 'retryable') ORDER BY run_at LIMIT 1") {
            $0.instant(0)
        }
    }

    static let selection = """
        SELECT seq, id, effect, flow, destination, action, alias, event, fact, subject, claims, attempts, created_at,
            first_attempt_at, unknown_since
        FROM jobs WHERE destination = ? AND state = 'available' ORDER BY priority DESC, seq LIMIT ?
        """

    static func claim(_ requests: [ClaimRequest], node: String, at now: Instant, _ db: Database) throws -> [ClaimedJob]
    {
        guard !requests.isEmpty else { return [] }
        let tick = try db.first("SELECT tick FROM clock") { $0.int(0) } ?? 0
        var claimed: [ClaimedJob] = []
        for request in requests where request.limit > 0 {
            if try db.exists("SELECT 1 FROM destinations WHERE name = ?", request.destination) { continue }
            let chosen = try db.rows(selection, request.destination, min(request.limit, Limits.claimBatchMax)) {
                ($0.int(0), try job($0))
            }
            for (seq, job) in chosen {
                try db.run(
                    "UPDATE jobs SET state = 'running', claims = ?, node = ? WHERE seq = ?", job.token, node, seq)
                try db.run(
                    "INSERT INTO attempts (job, token, started_at, tick) VALUES (?, ?, ?, ?)", seq, job.token, now, tick
                )
                var job = job
                // Nothing is kept of a job that nobody had yet.
                if job.token > 1 { job.request = try storedRequest(of: seq, db) }
                claimed.append(job)
            }
        }
        return claimed
    }

    private static func job(_ row: SQLRow) throws -> ClaimedJob {
        ClaimedJob(
            id: try row.id(1), effect: EffectKey(text: row.text(2)), flow: row.text(3),
            call: Flow.Call(destination: row.text(4), action: row.text(5), alias: row.textOrNil(6)),
            event: try row.id(7), fact: row.textOrNil(8), subject: try row.id(9), token: row.int(10) + 1,
            attempts: Int(row.int(11)), createdAt: row.instant(12), firstAttemptAt: row.instantOrNil(13),
            unknownSince: row.instantOrNil(14))
    }

    static func storedRequest(of seq: Int64, _ db: Database) throws -> StoredRequest? {
        try db.first("SELECT method, path, body, rendered_at FROM requests WHERE job = ?", seq) {
            StoredRequest(
                method: $0.text(0), path: $0.text(1), body: try PackedBody.unpack($0.blob(2)),
                renderedAt: $0.instant(3))
        }
    }
}
