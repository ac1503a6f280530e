internal import GRDB
internal import Journal
internal import Model

/// Writes how an attempt ended and what becomes of its job.
enum Settling {
    /// The running job as its settlement finds it.
    private struct Running {
        var seq: Int64
        var destination: String
        var lane: String?
        var movesTo: String?
        var flow: String
        var action: String
        var alias: String?
        var fact: String?
        var subject: SubjectID
        var isErased: Bool
        var startedAt: Instant
        var tick: Int64
    }

    /// False, with nothing changed, where the token is not the job's current one.
    static func settle(_ settlement: Settlement, at now: Instant, _ db: Database) throws -> Bool {
        guard let job = try running(settlement.job, token: settlement.token, db) else { return false }
        try close(job, settlement.token, settlement.attempt, db)
        try note(settlement, of: job, db)
        if let cause = settlement.failure(at: job.destination) {
            try Issues.note(cause, by: settlement.job, at: now, db)
        }
        if job.isErased, !settlement.isCompleted {
            // There is nobody left whom another try, a wait or a person could serve.
            try JobTable.end(job.seq, as: .cancelled, note: Erasure.note, at: now, db)
            return true
        }
        switch settlement.result {
        case .completed(let record, let supersedesUpTo):
            try complete(job, settlement.job, record, supersedesUpTo: supersedesUpTo, at: now, db)
        case .dead: try end(job, as: .dead, at: now, db)
        case .held: try db.run("UPDATE jobs SET state = 'held' WHERE seq = ?", job.seq)
        case .retry(let at, _): try retry(job, at: at, db)
        case .waiting(let cause, let until): try wait(job, for: cause, until: until, at: now, db)
        }
        return true
    }

    /// A job whose process is gone: its attempt's end is unknown, and it goes again, unless its person was erased.
    static func rescue(_ seq: Int64, token: Int64, at now: Instant, _ db: Database) throws {
        if try db.exists("SELECT 1 FROM jobs WHERE seq = ? AND is_erased = 1", seq) {
            return try JobTable.end(seq, as: .cancelled, note: Erasure.note, at: now, db)
        }
        try db.run(
            """
            UPDATE jobs SET attempts = attempts + 1, unknown_since = ?1, node = NULL,
                first_attempt_at = coalesce(first_attempt_at, (
                    SELECT started_at FROM attempts WHERE job = ?2 AND token = ?3), ?1)
            WHERE seq = ?2
            """, now, seq, token)
        try Lanes.enter(seq, at: now, isOrdered: true, db)
    }

    private static func running(_ job: JobID, token: Int64, _ db: Database) throws -> Running? {
        try db.first(
            """
            SELECT jobs.seq, destination, lane, moves_to, flow, action, alias, fact, subject, is_erased, started_at, tick
            FROM jobs JOIN attempts ON attempts.job = jobs.seq AND attempts.token = jobs.claims
            WHERE jobs.id = ? AND state = 'running' AND claims = ?
            """, job, token
        ) {
            Running(
                seq: $0.int(0), destination: $0.text(1), lane: $0.textOrNil(2), movesTo: $0.textOrNil(3),
                flow: $0.text(4), action: $0.text(5), alias: $0.textOrNil(6), fact: $0.textOrNil(7),
                subject: try $0.id(8), isErased: $0.flag(9), startedAt: $0.instant(10), tick: $0.int(11))
        }
    }

    /// Ends the attempt's row.
    ///
    /// Where no call was made there was no attempt.
    private static func close(_ job: Running, _ token: Int64, _ end: AttemptEnd, _ db: Database) throws {
        guard end.outcome != .notMade else {
            try db.run("DELETE FROM attempts WHERE job = ? AND token = ?", job.seq, token)
            return
        }
        try db.run(
            """
            UPDATE attempts SET ended_at = ?, outcome = ?, status = ?, error_class = ?, error = ?, duration_ms = ?
            WHERE job = ? AND token = ?
            """, end.endedAt, end.outcome.rawValue, end.status, end.errorClass,
            job.isErased ? nil : end.storedError, end.durationMilliseconds, job.seq, token)
    }

    /// What the attempt means to its job.
    ///
    /// An unknown end stays unknown until the effect is known to have happened: a later answer that this time nothing
    /// was done (too many requests, say) tells nothing about the earlier call. Of an erased person nothing is kept that
    /// names them elsewhere.
    private static func note(_ settlement: Settlement, of job: Running, _ db: Database) throws {
        let end = settlement.attempt
        let isMade = end.outcome != .notMade
        var (isCompleted, record): (Bool, ExternalRecord?) = (false, nil)
        if case .completed(let made, _) = settlement.result {
            (isCompleted, record) = (true, job.isErased ? nil : made)
        }
        try db.run(
            """
            UPDATE jobs SET node = NULL, attempts = attempts + ?, error_class = ?, error_field = ?, error = ?,
                first_attempt_at = coalesce(first_attempt_at, ?),
                unknown_since = CASE WHEN ? THEN NULL ELSE coalesce(?, unknown_since) END,
                record_kind = coalesce(?, record_kind), record_id = coalesce(?, record_id),
                record_url = coalesce(?, record_url)
            WHERE seq = ?
            """, settlement.isSpent ? 1 : 0, isCompleted ? nil : end.errorClass, isCompleted ? nil : end.field,
            isCompleted || job.isErased ? nil : end.storedError, isMade ? job.startedAt : nil,
            end.outcome == .succeeded, end.outcome == .unknown ? end.endedAt : nil, record?.kind, record?.id,
            record?.url, job.seq)
    }

    // MARK: What becomes of the job

    private static func complete(
        _ job: Running, _ id: JobID, _ record: ExternalRecord?, supersedesUpTo: Sight?, at now: Instant, _ db: Database
    ) throws {
        // Of an erased person nothing is kept that names them elsewhere.
        if let record, !job.isErased {
            try db.run(
                """
                INSERT INTO records (destination, kind, id, url, subject, job, at) VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (id, destination, kind, subject) DO UPDATE SET url = coalesce(excluded.url, url)
                """, job.destination, record.kind, record.id, record.url, job.subject, id, now)
        }
        if let upTo = supersedesUpTo { try supersede(job, by: id, upTo: upTo, at: now, db) }
        try end(job, as: .completed, at: now, db)
        if let record {
            try Lanes.wake(waitingFor: record.kind, at: job.destination, of: job.subject, at: now, db)
        }
    }

    /// Ends the jobs that this one's effect covers.
    private static func supersede(_ job: Running, by id: JobID, upTo: Sight, at now: Instant, _ db: Database) throws {
        guard let lane = job.movesTo ?? job.lane else { return }
        let isJoined = try Looking.newestJoin(of: Subjects.root(of: job.subject, db), db) > upTo.join
        if isJoined { return }
        let covered = try db.rows(
            """
            SELECT seq FROM jobs WHERE destination = ? AND lane = ? AND state = 'waiting' AND wait_kind = 'lane'
                AND seq <= ? AND flow = ? AND action = ? AND alias IS ?
            """, job.destination, lane, upTo.job, job.flow, job.action, job.alias
        ) { $0.int(0) }
        for seq in covered {
            try db.run("UPDATE jobs SET note = ? WHERE seq = ?", "superseded by \(id)", seq)
            try JobTable.moveToHistory(seq, as: .completed, at: now, db)
        }
    }

    private static func end(_ job: Running, as state: JobState, at now: Instant, _ db: Database) throws {
        try JobTable.moveToHistory(job.seq, as: state, at: now, db)
        try releaseLanes(of: job, at: now, db)
    }

    private static func retry(_ job: Running, at: Instant, _ db: Database) throws {
        guard let lane = job.movesTo else {
            try db.run("UPDATE jobs SET state = 'retryable', run_at = ? WHERE seq = ?", at, job.seq)
            return
        }
        // Its lane has moved while it ran: it takes its place there, or steps behind who is on its way.
        let isBehind = try Lanes.hasHead(job.destination, lane, besides: job.seq, db)
        try db.run(
            """
            UPDATE jobs SET run_at = ?, lane = ?, moves_to = NULL, state = ?, wait_kind = ? WHERE seq = ?
            """, at, lane, isBehind ? "waiting" : "retryable", isBehind ? "lane" : nil, job.seq)
    }

    /// Steps aside.
    ///
    /// What it waits for may have come while it ran: then it goes again at once.
    private static func wait(
        _ job: Running, for cause: WaitCause, until: Instant, at now: Instant, _ db: Database
    ) throws {
        if try cause == .lane || hasCome(cause, since: job, db) {
            try db.run("UPDATE jobs SET run_at = ? WHERE seq = ?", now, job.seq)
            try Lanes.enter(job.seq, at: now, isOrdered: true, db)
            return
        }
        try db.run(
            """
            UPDATE jobs SET state = 'waiting', wait_kind = ?, wait_value = ?, waits_until = ?, run_at = ?,
                lane = coalesce(moves_to, lane), moves_to = NULL WHERE seq = ?
            """, cause.kind, cause.value, until, now, job.seq)
        try releaseLanes(of: job, at: now, db)
    }

    private static func hasCome(_ cause: WaitCause, since job: Running, _ db: Database) throws -> Bool {
        switch cause {
        case .lane: true
        case .record(let kind):
            try db.exists(
                """
                SELECT 1 FROM subjects CROSS JOIN records ON records.subject = subjects.id
                WHERE root = ? AND destination = ? AND kind = ? AND at >= ? LIMIT 1
                """, try Subjects.root(of: job.subject, db), job.destination, kind, job.startedAt)
        case .field:
            try db.exists(
                """
                SELECT 1 FROM facts AS own LEFT JOIN facts AS said ON said.object = own.object
                WHERE own.key = ?1 AND (own.tick > ?2 OR said.tick > ?2)
                UNION ALL SELECT 1 FROM subjects WHERE id = ?3 AND tick > ?2
                """, job.fact, job.tick, try Subjects.root(of: job.subject, db))
        }
    }

    private static func releaseLanes(of job: Running, at now: Instant, _ db: Database) throws {
        if let lane = job.lane { try Lanes.release(job.destination, lane, at: now, db) }
        if let lane = job.movesTo { try Lanes.release(job.destination, lane, at: now, db) }
    }
}
