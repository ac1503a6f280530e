internal import Journal
internal import Model
internal import Settings

/// Gives jobs to workers.
///
/// What it costs hangs on how many are claimed, not on how many there are.
enum Claiming {
    /// At most so many fall due in one exchange; the next one takes the rest.
    private static let promotedMax = 1000

    /// Makes available what has fallen due since `floor`; true where that was all.
    static func promoteDue(since floor: Instant, at now: Instant, _ db: Transaction) throws -> Transaction.Asked<Bool> {
        try db.ask(
            """
            WITH due AS (
                UPDATE jobs SET state = 'available', turn = \(Lanes.nextTurn) WHERE seq = ANY (ARRAY(
                    SELECT seq FROM jobs WHERE state IN ('scheduled', 'retryable') AND run_at BETWEEN $3 AND $1
                    ORDER BY run_at LIMIT $2 FOR UPDATE SKIP LOCKED))
                RETURNING 1)
            SELECT count(*) < $2 FROM due
            """, now, promotedMax, floor
        ) { $0.flag(0) }
    }

    /// What a claim at one destination brought.
    struct Claim {
        var destination: String
        var jobs: [ClaimedJob]
        var sights: [ClaimPositions.Sight]
    }

    fileprivate struct Taken {
        var job: ClaimedJob
        var priority: Int64
        var place: Int64
        var hasReturned: Bool
    }

    /// A claim whose answer is read later.
    struct AskedClaim {
        fileprivate let destination: String
        fileprivate let taken: Transaction.Asked<Taken>
        fileprivate let sights: Transaction.Asked<ClaimPositions.Sight>

        func answer() throws -> Claim {
            let taken = try taken.rows()
            let seen = Dictionary(try sights.rows().map { ($0.priority, $0) }, uniquingKeysWith: { first, _ in first })
            let told = Set(taken.map(\.priority)).union(seen.keys).compactMap { priority -> ClaimPositions.Sight? in
                // Of a priority that was not known there is nothing to tell but that it is.
                let nothing = ForwardPosition.Sight(first: nil, oldestRunning: 0, nextToBegin: 0)
                guard var sight = seen[priority] else {
                    return ClaimPositions.Sight(priority: priority, planned: nothing, returned: nothing)
                }
                // An empty queue begins behind what has just been taken from it.
                let own = taken.filter { $0.priority == priority }
                sight.planned.first = sight.planned.first ?? own.filter { !$0.hasReturned }.map { $0.place + 1 }.max()
                sight.returned.first = sight.returned.first ?? own.filter(\.hasReturned).map { $0.place + 1 }.max()
                return sight
            }
            return Claim(destination: destination, jobs: taken.map(\.job), sights: told)
        }
    }

    static func claim(
        _ request: ClaimRequest, from reading: ClaimPositions.Reading, node: String, at now: Instant, _ db: Transaction
    ) throws -> AskedClaim {
        let (gaps, limit) = (reading.gaps, min(request.limit, Limits.claimBatchMax))
        let taken = try db.ask(
            statement, request.destination, limit, node, now, SQLArray(reading.priorities), SQLArray(reading.planned),
            SQLArray(reading.returned), SQLArray(gaps.low), SQLArray(gaps.high), read: taken)
        let sights = try db.ask(
            sightStatement, request.destination, SQLArray(reading.priorities), SQLArray(reading.planned),
            SQLArray(reading.returned)
        ) { row in
            func sight(_ column: CInt) -> ForwardPosition.Sight {
                ForwardPosition.Sight(
                    first: row.intOrNil(column), oldestRunning: row.int(3), nextToBegin: row.int(4))
            }
            return ClaimPositions.Sight(priority: row.int(0), planned: sight(1), returned: sight(2))
        }
        return AskedClaim(destination: request.destination, taken: taken, sights: sights)
    }

    /// When the next job falls due.
    static func nextDue(since floor: Instant, _ db: Transaction) throws -> Transaction.Asked<Instant> {
        try db.ask(
            """
            SELECT run_at FROM jobs WHERE state IN ('scheduled', 'retryable') AND run_at >= $1 ORDER BY run_at LIMIT 1
            """, floor
        ) { $0.instant(0) }
    }

    /// The jobs of one queue (0: as planned, 1: come back) that stand at or behind `floor`, as the index `jobs_queue` has
    /// them.
    private static func queue(_ number: String, of priority: String, from floor: String) -> String {
        """
        destination = $1 AND state = 'available' AND priority = \(priority)
            AND num_nonnulls(turn) = \(number) AND coalesce(turn, seq) >= \(floor) ORDER BY coalesce(turn, seq)
        """
    }

    /// Takes the jobs, opens an attempt for each, and tells them with what is kept of them.
    ///
    /// The highest priority first, and of each the oldest of both queues. `= ANY (ARRAY(…))` and `OFFSET 0` find the rows
    /// by their keys, whatever the tables held when the plan was made; `IN (…)` and a bare join could walk over them.
    private static let statement = """
        WITH RECURSIVE gaps (low, priority) AS (
            SELECT * FROM unnest($8, $9)
            UNION ALL SELECT low, next.priority FROM gaps CROSS JOIN LATERAL (
                SELECT priority FROM jobs WHERE destination = $1 AND state = 'available'
                    AND priority < gaps.priority AND priority > gaps.low ORDER BY priority DESC LIMIT 1) AS next),
        places AS (
            SELECT * FROM unnest($5, $6, $7) AS known (priority, planned, returned)
            UNION ALL SELECT priority, 0, 0 FROM gaps WHERE priority <> ALL ($9)
            ORDER BY priority DESC),
        claimed AS (
            UPDATE jobs SET state = 'running', claims = claims + 1, node = $3
            WHERE seq = ANY (ARRAY(
                SELECT job.seq FROM places CROSS JOIN LATERAL (
                    SELECT oldest.seq FROM (VALUES (1, returned), (0, planned)) AS queue (number, floor)
                    CROSS JOIN LATERAL (
                        SELECT seq FROM jobs
                        WHERE \(queue("queue.number", of: "places.priority", from: "queue.floor"))
                        LIMIT $2 FOR UPDATE SKIP LOCKED) AS oldest
                    ORDER BY oldest.seq LIMIT $2) AS job
                WHERE NOT EXISTS (SELECT 1 FROM destinations WHERE name = $1)
                LIMIT $2))
            RETURNING *),
        opened AS (INSERT INTO attempts (job, token, started_at) SELECT seq, claims, $4 FROM claimed)
        SELECT claimed.seq, claimed.id, effect, flow, destination, action, alias, event, fact, subject, claims, attempts,
            created_at, first_attempt_at, unknown_since,
            (extract(epoch FROM clock_timestamp() - unknown_noted_at) * 1000)::bigint,
            requests.method, requests.path, requests.body, requests.rendered_at,
            priority, coalesce(turn, claimed.seq), turn IS NOT NULL
        FROM claimed LEFT JOIN LATERAL (SELECT * FROM requests WHERE requests.job = claimed.seq OFFSET 0) AS requests ON true
        ORDER BY priority DESC, claimed.seq
        """

    /// What the queues look like when the claim has been made.
    private static let sightStatement = """
        SELECT places.priority,
            (SELECT seq FROM jobs WHERE \(queue("0", of: "places.priority", from: "planned")) LIMIT 1),
            (SELECT turn FROM jobs WHERE \(queue("1", of: "places.priority", from: "returned")) LIMIT 1),
            pg_snapshot_xmin(pg_current_snapshot())::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint
        FROM unnest($2, $3, $4) AS places (priority, planned, returned)
        """

    private static func taken(_ row: SQLRow) throws -> Taken {
        Taken(job: try job(row), priority: row.int(20), place: row.int(21), hasReturned: row.flag(22))
    }

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
