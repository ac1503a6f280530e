internal import Journal
internal import Model
internal import Synchronization

/// Rendered requests that wait to be kept: a group commit, for each job's call waits for its request to be on disk.
///
/// Whoever gets hold of the connection first keeps all that have come by then; the others find theirs done.
final class RequestQueue: Sendable {
    final class Entry: Sendable {
        let request: StoredRequest
        let job: JobID
        let token: Int64
        fileprivate let outcome = Mutex<Result<Bool, any Error>?>(nil)

        init(request: StoredRequest, job: JobID, token: Int64) {
            self.request = request
            self.job = job
            self.token = token
        }
    }

    private let waiting = Mutex<[Entry]>([])

    func add(_ entry: Entry) { waiting.withLock { $0.append(entry) } }

    fileprivate func takeAll() -> [Entry] {
        waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }
}

extension JournalConnection {
    /// Returns when the entry's request is on disk; false where its token is not the job's current one.
    func keep(_ entry: RequestQueue.Entry, among queue: RequestQueue) throws -> Bool {
        if let outcome = entry.outcome.withLock({ $0 }) { return try outcome.get() }
        let batch = queue.takeAll()
        let outcomes = Result { try transaction(.durable) { db in try Self.keep(batch, db) } }
        for (index, kept) in batch.enumerated() {
            let outcome = outcomes.map { $0.contains(index) }
            kept.outcome.withLock { $0 = outcome }
        }
        // Every entry was added before its call, so it was in this batch or in one before.
        return try entry.outcome.withLock { $0 }?.get() ?? false
    }

    /// The places of those that were kept, now or before.
    ///
    /// The job's row is shared with nobody who would take it over meanwhile.
    private static func keep(_ batch: [RequestQueue.Entry], _ db: Transaction) throws -> Set<Int> {
        Set(
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
    }
}
