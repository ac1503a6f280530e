internal import Journal
internal import Model

/// What becomes of a job that goes on after its attempt.
extension Settling {
    static func goOn(_ ending: Ending, at now: Instant, _ db: Transaction) throws {
        let job = ending.job
        switch ending.settlement.result {
        case .completed, .dead: return
        case .held: try db.run("UPDATE jobs SET state = 'held' WHERE seq = $1", job.seq)
        case .retry(let at, _): try retry(job, at: at, db)
        case .waiting(let cause, let until): try wait(job, for: cause, until: until, at: now, db)
        }
    }

    /// Jobs whose node is gone: their attempts' end is unknown, and they go again, but for those of erased persons.
    ///
    /// Returns how many.
    static func rescue(_ lost: [(seq: Int64, token: Int64)], at now: Instant, _ db: Transaction) throws -> Int {
        guard !lost.isEmpty else { return 0 }
        try Lanes.hold(lanesOf: lost.map(\.seq), db)
        let rescued = try db.rows(
            """
            UPDATE jobs SET attempts = attempts + 1, unknown_since = $3, unknown_noted_at = clock_timestamp(),
                node = NULL, first_attempt_at = coalesce(first_attempt_at, (
                    SELECT started_at FROM attempts WHERE job = lost.seq AND token = lost.token), $3)
            FROM unnest($1, $2) AS lost (seq, token)
            WHERE jobs.seq = lost.seq AND state = 'running' AND claims = lost.token RETURNING jobs.seq, is_erased
            """, SQLArray(lost.map(\.seq)), SQLArray(lost.map(\.token)), now
        ) { (seq: $0.int(0), isErased: $0.flag(1)) }
        for (seq, isErased) in rescued.sorted(by: { $0.seq < $1.seq }) {
            if isErased {
                try JobTable.end(seq, as: .cancelled, note: Erasure.note, at: now, db)
            } else {
                try Lanes.enter(seq, at: now, isOrdered: true, db)
            }
        }
        return rescued.count
    }

    private static func retry(_ job: Running, at: Instant, _ db: Transaction) throws {
        guard let lane = job.movesTo else {
            try db.run("UPDATE jobs SET state = 'retryable', run_at = $1 WHERE seq = $2", at, job.seq)
            return
        }
        // Its lane has moved while it ran: it takes its place there, or steps behind who is on its way.
        let isBehind = try Lanes.hasHead(job.destination, lane, besides: job.seq, db)
        try db.run(
            """
            UPDATE jobs SET run_at = $1, lane = $2, moves_to = NULL, state = $3, wait_kind = $4 WHERE seq = $5
            """, at, lane, isBehind ? "waiting" : "retryable", isBehind ? "lane" : nil, job.seq)
    }

    /// Steps aside.
    ///
    /// What it waits for may have come while it ran: then it goes again at once.
    private static func wait(
        _ job: Running, for cause: WaitCause, until: Instant, at now: Instant, _ db: Transaction
    ) throws {
        if try cause == .lane || hasCome(cause, since: job, db) {
            try db.run("UPDATE jobs SET run_at = $1 WHERE seq = $2", now, job.seq)
            try Lanes.enter(job.seq, at: now, isOrdered: true, db)
            return
        }
        try db.run(
            """
            UPDATE jobs SET state = 'waiting', wait_kind = $1, wait_value = $2, waits_until = $3, run_at = $4,
                lane = coalesce(moves_to, lane), moves_to = NULL WHERE seq = $5
            """, cause.kind, cause.value, until, now, job.seq)
        try Lanes.release(job.lanes, at: now, db)
    }

    /// Whether it was written by a transaction that the moment of the claim did not see.
    private static func hasCome(_ cause: WaitCause, since job: Running, _ db: Transaction) throws -> Bool {
        switch cause {
        case .lane: true
        case .record(let kind):
            try db.exists(
                """
                SELECT 1 FROM records WHERE subject IN (SELECT id FROM subjects WHERE root = $1)
                    AND destination = $2 AND kind = $3 AND NOT pg_visible_in_snapshot(xid, $4::text::pg_snapshot)
                LIMIT 1
                """, try Subjects.root(of: job.subject, db), job.destination, kind, job.seen)
        case .field:
            try db.exists(
                """
                SELECT 1 FROM facts AS own LEFT JOIN facts AS said ON said.object = own.object
                WHERE own.key = $1 AND (NOT pg_visible_in_snapshot(own.xid, $2::text::pg_snapshot)
                    OR NOT pg_visible_in_snapshot(said.xid, $2::text::pg_snapshot))
                UNION ALL SELECT 1 FROM subjects
                WHERE id = $3 AND NOT pg_visible_in_snapshot(xid, $2::text::pg_snapshot) LIMIT 1
                """, job.fact, job.seen, try Subjects.root(of: job.subject, db))
        }
    }
}
