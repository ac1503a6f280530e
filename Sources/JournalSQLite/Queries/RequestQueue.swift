internal import GRDB
internal import Journal
internal import Model
internal import Synchronization

/// Rendered requests that wait to be kept: a group commit, for each job's call waits for its request to be on disk.
///
/// Whoever gets hold of the writer first keeps all that have come by then; the others find theirs done.
final class RequestQueue: Sendable {
    final class Entry: Sendable {
        let request: StoredRequest
        let job: JobID
        let token: Int64
        fileprivate let body: [UInt8]
        fileprivate let outcome = Mutex<Result<Bool, any Error>?>(nil)

        init(request: StoredRequest, job: JobID, token: Int64) {
            self.request = request
            self.job = job
            self.token = token
            body = PackedBody.pack(request.body)
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

extension JournalWriter {
    /// Returns when the entry's request is on disk; false where its token is not the job's current one.
    func keep(_ entry: RequestQueue.Entry, among queue: RequestQueue) throws -> Bool {
        if let outcome = entry.outcome.withLock({ $0 }) { return try outcome.get() }
        let batch = queue.takeAll()
        let outcomes = Result { try transaction { db in try batch.map { try Self.keep($0, db) } } }
        for (index, kept) in batch.enumerated() {
            let outcome = outcomes.map { $0[index] }
            kept.outcome.withLock { $0 = outcome }
        }
        // Every entry was added before its call, so it was in this batch or in one before.
        return try entry.outcome.withLock { $0 }?.get() ?? false
    }

    private static func keep(_ entry: RequestQueue.Entry, _ db: Database) throws -> Bool {
        let seq = try db.first(
            "SELECT seq FROM jobs WHERE id = ? AND state = 'running' AND claims = ? AND is_erased = 0", entry.job,
            entry.token
        ) { $0.int(0) }
        guard let seq else { return false }
        try db.run(
            """
            INSERT INTO requests (job, method, path, body, rendered_at) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (job) DO NOTHING
            """, seq, entry.request.method, entry.request.path, entry.body, entry.request.renderedAt)
        return true
    }
}
