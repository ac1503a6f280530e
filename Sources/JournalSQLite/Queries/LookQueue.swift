internal import Journal
internal import Model
internal import Synchronization

/// Workers that wait to look around their jobs: what is read for all of them together costs one transaction.
///
/// Whoever gets hold of the reader first reads for all that have come by then; the others find theirs done.
final class LookQueue: Sendable {
    final class Entry: Sendable {
        let job: JobID
        fileprivate let outcome = Mutex<Result<Surroundings?, any Error>?>(nil)

        init(_ job: JobID) { self.job = job }
    }

    private static let batchMax = 64

    private let waiting = Mutex<[Entry]>([])

    func add(_ entry: Entry) { waiting.withLock { $0.append(entry) } }

    /// Takes the oldest, and always `entry`, which came after all of those where there are too many.
    fileprivate func take(with entry: Entry) -> [Entry] {
        waiting.withLock { waiting in
            guard let place = waiting.firstIndex(where: { $0 === entry }) else { return [] }
            let batch = Array(waiting[...max(place, min(Self.batchMax, waiting.count) - 1)])
            waiting.removeFirst(batch.count)
            return batch
        }
    }
}

extension JournalReader {
    /// What is around the entry's job; nil where the job is no longer open.
    func look(_ entry: LookQueue.Entry, among queue: LookQueue) throws -> Surroundings? {
        if let outcome = entry.outcome.withLock({ $0 }) { return try outcome.get() }
        let batch = queue.take(with: entry)
        for (entry, outcome) in zip(batch, look(batch.map(\.job))) { entry.outcome.withLock { $0 = outcome } }
        // Every entry was added before its call, so it was in this batch or in one before.
        return try entry.outcome.withLock { $0 }?.get() ?? nil
    }

    /// Where one cannot be read, each is read by itself.
    private func look(_ jobs: [JobID]) -> [Result<Surroundings?, any Error>] {
        do {
            return try read { db in try jobs.map { .success(try Looking.surroundings(of: $0, db)) } }
        } catch {
            guard jobs.count > 1 else { return jobs.map { _ in .failure(error) } }
            return jobs.map { job in Result { try read { try Looking.surroundings(of: job, $0) } } }
        }
    }
}
