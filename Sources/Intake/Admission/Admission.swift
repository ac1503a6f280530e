package import Journal
package import Logging
internal import Model
package import Seams
internal import ServiceLifecycle
internal import Synchronization

/// The one way into the journal: a bounded queue and one loop that commits in groups.
///
/// What arrived while the last commit was being synced goes into the next one, so that throughput follows the CPU and
/// a lone event pays one sync. An answer comes only after the commit that holds its arrival.
package final class Admission: Service {
    private let journal: any IntakeJournal
    private let logger: Logger
    private let onCommit: @Sendable (Int) -> Void
    private let onKept: @Sendable ([Arrival]) -> Void
    private let queue = Mutex(AdmissionQueue())
    private let time: any TimeSource
    /// A full disk refuses every batch: one line in a while says as much as one each.
    private let refusals = Mutex(Repetition(every: refusalsLoggedEvery))

    static let refusalsLoggedEvery: Duration = .seconds(10)

    /// `onCommit` is told how many new events each commit brought, to wake the planner, `onKept` what
    /// arrived; they must not block.
    package init(
        journal: any IntakeJournal, logger: Logger, time: any TimeSource = SystemTime(),
        onCommit: @escaping @Sendable (Int) -> Void = { _ in },
        onKept: @escaping @Sendable ([Arrival]) -> Void = { _ in }
    ) {
        self.journal = journal
        self.time = time
        self.logger = logger
        self.onCommit = onCommit
        self.onKept = onKept
    }

    /// How many arrivals wait for a commit.
    package var waitingCount: Int { queue.withLock { $0.waitingCount } }

    /// Keeps an arrival, and returns when it is on disk.
    ///
    /// Throws a `Failure`: `.overloaded` when the queue is full or its first waits too long, `.unavailable` when the
    /// journal cannot be written or the server stops. Then nothing may be acknowledged; the sender's next try finds out what was kept.
    package func submit(_ arrival: Arrival) async throws -> Appended {
        guard let appended = try await submit(chunk: [arrival]).first else { throw Self.unwritable }
        return appended
    }

    /// Keeps many, in chunks of at most `Limits.intakeBatchMax`: what became of each, in their order.
    package func submit(batch: [Arrival]) async -> [Result<Appended, any Error>] {
        var results: [Result<Appended, any Error>] = []
        var rest = batch[...]
        while !rest.isEmpty {
            let chunk = Array(rest.prefix(Limits.intakeBatchMax))
            rest = rest.dropFirst(chunk.count)
            do {
                results += try await submit(chunk: chunk).map { .success($0) }
            } catch {
                results += chunk.map { _ in .failure(error) }
            }
        }
        return results
    }

    private func submit(chunk: [Arrival]) async throws -> [Appended] {
        let since = time.uptime
        return try await withCheckedThrowingContinuation { answer in
            let added = queue.withLock {
                $0.add(AdmissionQueue.Entry(arrivals: chunk, answer: answer, since: since))
            }
            switch added {
            case .success(let loop): loop?.resume()
            case .failure(let failure): answer.resume(throwing: failure)
            }
        }
    }

    /// Commits until the server stops; then takes nothing more and ends when what waits is kept.
    package func run() async throws {
        await withTaskCancellationOrGracefulShutdownHandler {
            // A sender waits for each commit, so its work at the journal goes ahead of all that nobody waits for.
            await withTaskGroup(of: Void.self) { group in
                group.addTask(priority: .acknowledging) { await self.commitAll() }
            }
        } onCancelOrGracefulShutdown: {
            let loop = self.queue.withLock { $0.close() }
            loop?.resume()
        }
    }

    private func commitAll() async {
        while true {
            switch queue.withLock({ $0.next() }) {
            case .commit(let batch): await commit(batch)
            case .wait: await sleep()
            case .end: return
            }
        }
    }

    private func sleep() async {
        await withCheckedContinuation { loop in
            let isAsleep = queue.withLock { $0.sleep(loop) }
            if !isAsleep { loop.resume() }
        }
    }

    private func commit(_ batch: [AdmissionQueue.Entry]) async {
        let arrivals = batch.flatMap(\.arrivals)
        do {
            CrashPoint.appendDue.pass()
            let appended = try await journal.append(arrivals)
            CrashPoint.appendKept.pass()
            guard appended.count == arrivals.count else {
                throw Failure(.journal, "The journal answered \(appended.count) of \(arrivals.count) arrivals.")
            }
            var rest = appended[...]
            for entry in batch {
                entry.answer.resume(returning: Array(rest.prefix(entry.arrivals.count)))
                rest = rest.dropFirst(entry.arrivals.count)
            }
            onKept(arrivals)
            onCommit(appended.count { if case .accepted = $0 { true } else { false } })
        } catch {
            if let count = refusals.withLock({ $0.happened(at: time.uptime) }) {
                logger.error(
                    "journal refuses batches",
                    metadata: [
                        "refused.count": "\(count)", "batch.count": "\(arrivals.count)",
                        "error.message": "\(Self.shown(error))",
                    ])
            }
            for entry in batch { entry.answer.resume(throwing: Self.unwritable) }
        }
    }

    private static let unwritable = Failure(
        .unavailable, "The journal cannot be written now, so nothing was taken. Send the delivery again in a moment.")

    /// A failure's safe text; of another error only its kind, since its text may hold what was to be written.
    private static func shown(_ error: any Error) -> String {
        (error as? Failure)?.description ?? String(describing: type(of: error))
    }
}
