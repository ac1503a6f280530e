internal import Model
internal import Synchronization

/// Questions of many that are answered together, in one transaction: what one way to the server costs is shared.
///
/// Belongs to one connection. Whoever gets hold of it first answers all that have come by then; the others find theirs
/// answered.
final class GroupQueue<Question: Sendable, Answer: Sendable>: Sendable {
    final class Entry: Sendable {
        fileprivate let question: Question
        fileprivate let outcome = Mutex<Result<Answer, any Error>?>(nil)

        fileprivate init(_ question: Question) { self.question = question }
    }

    private let batchMax: Int
    private let waiting = Mutex<[Entry]>([])

    /// At most `batchMax` share a transaction.
    init(batchMax: Int = 64) { self.batchMax = batchMax }

    /// Puts a question among those that wait; its asker calls `JournalConnection.answer` next.
    func add(_ question: Question) -> Entry {
        let entry = Entry(question)
        waiting.withLock { $0.append(entry) }
        return entry
    }

    fileprivate func take() -> [Entry] {
        waiting.withLock { waiting in
            let batch = waiting.prefix(batchMax)
            waiting.removeFirst(batch.count)
            return Array(batch)
        }
    }
}

extension JournalConnection {
    /// Returns the answer to the entry's question; `answers` gives those to many, by place.
    func answer<Question, Answer>(
        _ entry: GroupQueue<Question, Answer>.Entry, among queue: GroupQueue<Question, Answer>, _ kind: Kind,
        _ answers: @Sendable ([Question], Transaction) throws -> [Result<Answer, any Error>]
    ) throws -> Answer {
        while true {
            if let outcome = entry.outcome.withLock({ $0 }) { return try outcome.get() }
            let batch = queue.take()
            // Every entry was added before its call, so it is in this batch, in an earlier one, or in one that follows.
            guard !batch.isEmpty else { throw Failure(.journal, "A question to the journal was lost.") }
            let questions = batch.map(\.question)
            let outcomes = Result { try transaction(kind) { db in try answers(questions, db) } }
            for (index, other) in batch.enumerated() {
                let outcome = outcomes.flatMap { $0[index] }
                other.outcome.withLock { $0 = outcome }
            }
        }
    }
}
