internal import Journal
internal import Model

/// Writes how attempts ended and what becomes of their jobs, a batch in a few statements.
enum Settling {
    /// A running job and its settlement.
    struct Ending {
        var settlement: Settlement
        var job: Running

        var attempt: AttemptEnd { settlement.attempt }

        /// Nil where the job goes on; of an erased person none does, since there is nobody left to serve.
        var ended: JobState? {
            if job.isErased, !settlement.isCompleted { return .cancelled }
            return switch settlement.result {
            case .completed: .completed
            case .dead: .dead
            case .retry, .waiting, .held: nil
            }
        }

        /// Of an erased person nothing is kept that names them elsewhere.
        var record: ExternalRecord? {
            if case .completed(let record, _) = settlement.result, !job.isErased { record } else { nil }
        }

        var supersedesUpTo: Sight? {
            if case .completed(_, let upTo) = settlement.result { upTo } else { nil }
        }

        var error: String? { job.isErased ? nil : attempt.storedError }

        var isSpent: Bool { settlement.isSpent }
    }

    /// The running job as its settlement finds it.
    struct Running {
        var seq: Int64
        var id: JobID
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
        /// The moment of the database that its claim saw.
        var seen: String

        var lanes: [(String, String)] { [lane, movesTo].compactMap(\.self).map { (destination, $0) } }
    }

    /// Those whose token is not the job's current one are told, with nothing changed.
    static func settle(_ settlements: [Settlement], at now: Instant, _ db: Transaction) throws -> [JobID] {
        guard !settlements.isEmpty else { return [] }
        let running = try hold(settlements, db)
        var (endings, refused): ([Ending], [JobID]) = ([], [])
        var seen: Set<JobID> = []
        for settlement in settlements {
            if let job = running[settlement.job], job.token == settlement.token, seen.insert(settlement.job).inserted {
                endings.append(Ending(settlement: settlement, job: job.job))
            } else {
                refused.append(settlement.job)
            }
        }
        guard !endings.isEmpty else { return refused }
        try close(endings, db)
        let ended = endings.filter { $0.ended != nil }
        try keepRecords(of: ended, at: now, db)
        try supersede(by: ended, at: now, db)
        try end(ended, at: now, db)
        try Lanes.release(ended.flatMap(\.job.lanes), at: now, db)
        try wake(by: ended, at: now, db)
        let open = endings.filter { $0.ended == nil }
        try note(open, db)
        for ending in open { try goOn(ending, at: now, db) }
        // Last, since it is where nodes meet: all that fails for one cause is one row.
        try Issues.note(
            endings.compactMap { ending in
                ending.settlement.failure(at: ending.job.destination).map { ($0, ending.job.id) }
            }, at: now, db)
        return refused
    }

    /// Holds the lanes of the jobs, and the subjects of those that wait for something or bring it; then the jobs that run.
    private static func hold(_ settlements: [Settlement], _ db: Transaction) throws
        -> [JobID: (job: Running, token: Int64)]
    {
        let wanted = try askForNames(settlements, db).rows().joined()
        let request = try db.askToHold(wanted)
        let (names, running) = (try askForNames(settlements, db), try askForRunning(settlements, db))
        try request?.confirm()
        // A join may have come between reading and holding: then all of it once more.
        guard try Set(names.rows().joined()).isSubset(of: Set(wanted)) else {
            throw PostgresError(state: "40001", message: "the subjects are being joined")
        }
        return Dictionary(uniqueKeysWithValues: try running.rows().map { ($0.job.id, $0) })
    }

    private static func askForNames(_ settlements: [Settlement], _ db: Transaction) throws
        -> Transaction.Asked<[String]>
    {
        let meeting = Set(
            settlements.filter {
                switch $0.result {
                case .waiting: true
                case .completed(let record, _): record != nil
                case .retry, .held, .dead: false
                }
            }.map(\.job))
        return try db.ask(
            """
            SELECT jobs.id, destination, lane, moves_to, coalesce(subjects.root, jobs.subject) FROM jobs
            LEFT JOIN subjects ON subjects.id = jobs.subject WHERE jobs.id = ANY ($1)
            """, SQLArray(settlements.map(\.job))
        ) { row in
            let lanes = [row.textOrNil(2), row.textOrNil(3)].compactMap(\.self).map { Locks.lane(row.text(1), $0) }
            let isMeeting = meeting.contains(try row.id(0))
            return isMeeting ? lanes + [Locks.subject(try row.id(4))] : lanes
        }
    }

    private static func askForRunning(_ settlements: [Settlement], _ db: Transaction) throws
        -> Transaction.Asked<(job: Running, token: Int64)>
    {
        try db.ask(
            """
            SELECT jobs.seq, jobs.id, destination, lane, moves_to, flow, action, alias, fact, subject, is_erased,
                started_at, claims, seen::text
            FROM jobs JOIN attempts ON attempts.job = jobs.seq AND attempts.token = jobs.claims
            WHERE jobs.id = ANY ($1) AND state = 'running' ORDER BY jobs.seq FOR UPDATE OF jobs
            """, SQLArray(settlements.map(\.job))
        ) {
            (
                job: Running(
                    seq: $0.int(0), id: try $0.id(1), destination: $0.text(2), lane: $0.textOrNil(3),
                    movesTo: $0.textOrNil(4), flow: $0.text(5), action: $0.text(6), alias: $0.textOrNil(7),
                    fact: $0.textOrNil(8), subject: try $0.id(9), isErased: $0.flag(10), startedAt: $0.instant(11),
                    seen: $0.text(13)), token: $0.int(12)
            )
        }
    }

    /// Ends the attempts' rows.
    ///
    /// Where no call was made there was no attempt.
    private static func close(_ endings: [Ending], _ db: Transaction) throws {
        let notMade = endings.filter { $0.attempt.outcome == .notMade }
        if !notMade.isEmpty {
            try db.post(
                """
                DELETE FROM attempts USING unnest($1, $2) AS ended (job, token)
                WHERE attempts.job = ended.job AND attempts.token = ended.token
                """, SQLArray(notMade.map(\.job.seq)), SQLArray(notMade.map(\.settlement.token)))
        }
        let made = endings.filter { $0.attempt.outcome != .notMade }
        guard !made.isEmpty else { return }
        try db.post(
            """
            UPDATE attempts SET ended_at = ended.ended_at, outcome = ended.outcome, status = ended.status,
                error_class = ended.error_class, error = ended.error, duration_ms = ended.duration_ms
            FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
                AS ended (job, token, ended_at, outcome, status, error_class, error, duration_ms)
            WHERE attempts.job = ended.job AND attempts.token = ended.token
            """, SQLArray(made.map(\.job.seq)), SQLArray(made.map(\.settlement.token)),
            SQLArray(made.map(\.attempt.endedAt)), SQLArray(made.map(\.attempt.outcome.rawValue)),
            SQLArray(made.map(\.attempt.status)), SQLArray(made.map(\.attempt.errorClass)),
            SQLArray(made.map(\.error)), SQLArray(made.map(\.attempt.durationMilliseconds)))
    }

    // MARK: What the attempt means to its job

    // An unknown end stays unknown until the effect is known to have happened: a later answer that this time nothing
    // was done (too many requests, say) tells nothing about the earlier call.

    private static let noted = """
        unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS noted (
            seq, spent, new_error_class, new_error, first_at, succeeded, unknown_at, new_kind, new_id, new_url,
            new_error_field)
        """

    private static func values(_ endings: [Ending]) -> [(any SQLValue)?] {
        let isCompleted = endings.map { $0.ended == .completed }
        return [
            SQLArray(endings.map(\.job.seq)), SQLArray(endings.map { $0.isSpent ? 1 : 0 }),
            SQLArray(zip(endings, isCompleted).map { $1 ? nil : $0.attempt.errorClass }),
            SQLArray(zip(endings, isCompleted).map { $1 ? nil : $0.error }),
            SQLArray(endings.map { $0.attempt.outcome == .notMade ? nil : $0.job.startedAt }),
            SQLArray(endings.map { $0.attempt.outcome == .succeeded }),
            SQLArray(endings.map { $0.attempt.outcome == .unknown ? $0.attempt.endedAt : nil }),
            SQLArray(endings.map { $0.record?.kind }), SQLArray(endings.map { $0.record?.id }),
            SQLArray(endings.map { $0.record?.url }),
            SQLArray(zip(endings, isCompleted).map { $1 ? nil : $0.attempt.field }),
        ]
    }

    private static func note(_ endings: [Ending], _ db: Transaction) throws {
        guard !endings.isEmpty else { return }
        try db.post(
            """
            UPDATE jobs SET node = NULL, attempts = attempts + spent, error_class = new_error_class, error = new_error,
                error_field = new_error_field,
                first_attempt_at = coalesce(first_attempt_at, first_at),
                unknown_since = CASE WHEN succeeded THEN NULL ELSE coalesce(unknown_at, unknown_since) END,
                unknown_noted_at = CASE WHEN succeeded THEN NULL WHEN unknown_at IS NOT NULL THEN clock_timestamp()
                    ELSE unknown_noted_at END,
                record_kind = coalesce(new_kind, record_kind), record_id = coalesce(new_id, record_id),
                record_url = coalesce(new_url, record_url)
            FROM \(noted) WHERE jobs.seq = noted.seq
            """, values: values(endings))
    }

    /// Takes ended jobs out of the hot table, with what their last attempt meant to them.
    private static func end(_ endings: [Ending], at now: Instant, _ db: Transaction) throws {
        guard !endings.isEmpty else { return }
        try db.post(
            """
            WITH gone AS (
                DELETE FROM jobs USING \(noted) JOIN unnest($1, $12) AS result (seq, new_state) USING (seq)
                WHERE jobs.seq = noted.seq RETURNING jobs.*, noted.spent, new_error_class, new_error, first_at,
                    succeeded, unknown_at, new_kind, new_id, new_url, new_error_field, new_state)
            INSERT INTO history (\(JobTable.identity), note, state, ended_at, lane, attempts, error_class, error_field,
                error, first_attempt_at, unknown_since, unknown_noted_at, record_kind, record_id, record_url)
            SELECT \(JobTable.identity), CASE WHEN is_erased AND new_state = 'cancelled' THEN $14 ELSE note END,
                new_state, $13, CASE WHEN is_erased THEN NULL ELSE coalesce(moves_to, lane) END, attempts + spent,
                new_error_class, new_error_field, new_error, coalesce(first_attempt_at, first_at),
                CASE WHEN succeeded THEN NULL ELSE coalesce(unknown_at, unknown_since) END,
                CASE WHEN succeeded THEN NULL ELSE unknown_noted_at END,
                coalesce(new_kind, record_kind), coalesce(new_id, record_id), coalesce(new_url, record_url)
            FROM gone
            """, values: values(endings) + [SQLArray(endings.map { $0.ended?.rawValue }), now, Erasure.note])
    }

    private static func keepRecords(of endings: [Ending], at now: Instant, _ db: Transaction) throws {
        var seen: Set<[String]> = []
        let made = endings.compactMap { ending in ending.record.map { (job: ending.job, record: $0) } }
            .filter { seen.insert([$0.job.destination, $0.record.kind, $0.record.id, "\($0.job.subject)"]).inserted }
        guard !made.isEmpty else { return }
        try db.post(
            """
            INSERT INTO records (destination, kind, id, url, subject, job, at)
            SELECT made.*, $7 FROM unnest($1, $2, $3, $4, $5, $6) AS made
            ON CONFLICT (id, destination, kind, subject) DO UPDATE SET url = coalesce(excluded.url, records.url)
            """, SQLArray(made.map(\.job.destination)), SQLArray(made.map(\.record.kind)),
            SQLArray(made.map(\.record.id)), SQLArray(made.map(\.record.url)), SQLArray(made.map(\.job.subject)),
            SQLArray(made.map(\.job.id)), now)
    }

    /// Ends the waiting jobs of the lane that the effect of one of these covers.
    private static func supersede(by endings: [Ending], at now: Instant, _ db: Transaction) throws {
        let covering = endings.compactMap { ending -> (job: Running, lane: String, upTo: Sight)? in
            guard let upTo = ending.supersedesUpTo, let lane = ending.job.movesTo ?? ending.job.lane else { return nil }
            return (ending.job, lane, upTo)
        }
        guard !covering.isEmpty else { return }
        try db.post(
            """
            WITH gone AS (
                DELETE FROM jobs
                USING unnest($1, $2, $3, $4, $5, $6, $7, $9, $10)
                    AS done (destination, lane, up_to, flow, action, alias, job, subject, joined)
                WHERE jobs.destination = done.destination AND jobs.lane = done.lane AND state = 'waiting'
                    AND wait_kind = 'lane' AND seq <= up_to AND jobs.flow = done.flow AND jobs.action = done.action
                    AND jobs.alias IS NOT DISTINCT FROM done.alias
                    AND NOT EXISTS (
                        SELECT 1 FROM subjects JOIN joins ON joins.root = subjects.root
                        WHERE subjects.id = done.subject AND joins.seq > done.joined)
                RETURNING jobs.*, done.job AS covered_by)
            INSERT INTO history (\(JobTable.identity), \(JobTable.course), note, state, ended_at, lane)
            SELECT \(JobTable.identity), \(JobTable.course), 'superseded by ' || covered_by, 'completed', $8,
                coalesce(moves_to, lane)
            FROM gone
            """, SQLArray(covering.map(\.job.destination)), SQLArray(covering.map(\.lane)),
            SQLArray(covering.map(\.upTo.job)), SQLArray(covering.map(\.job.flow)),
            SQLArray(covering.map(\.job.action)),
            SQLArray(covering.map(\.job.alias)), SQLArray(covering.map { "\($0.job.id)" }), now,
            SQLArray(covering.map(\.job.subject)), SQLArray(covering.map(\.upTo.join)))
    }

    /// Wakes the jobs that wait for a record which one of these brought.
    private static func wake(by endings: [Ending], at now: Instant, _ db: Transaction) throws {
        let made = endings.compactMap { ending -> (job: Running, kind: String)? in
            guard case .completed(let record?, _) = ending.settlement.result else { return nil }
            return (ending.job, record.kind)
        }
        guard !made.isEmpty else { return }
        let waiting = try db.rows(
            """
            SELECT DISTINCT jobs.seq FROM unnest($1, $2, $3) AS made (subject, destination, kind)
            JOIN subjects AS own ON own.id = made.subject JOIN subjects AS whole ON whole.root = own.root
            JOIN jobs ON jobs.subject = whole.id AND jobs.destination = made.destination
                AND jobs.state = 'waiting' AND jobs.wait_kind = 'record' AND jobs.wait_value = made.kind
            ORDER BY jobs.seq
            """, SQLArray(made.map(\.job.subject)), SQLArray(made.map(\.job.destination)), SQLArray(made.map(\.kind))
        ) { $0.int(0) }
        try Lanes.hold(lanesOf: waiting, db)
        for seq in waiting { try Lanes.enter(seq, at: now, db) }
    }
}
