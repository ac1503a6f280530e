internal import Model
internal import Seams

/// The clocks of one life of the engine.
///
/// The wall clock can be wrong by `error`, which jumps; the steady one only goes on. When the life is over every sleep
/// ends at once.
///
/// `@unchecked Sendable`: only the run's one thread touches it.
final class VirtualTime: TimeSource, @unchecked Sendable {
    static let start = Instant(milliseconds: 1_795_000_000_000)

    private let scheduler: Scheduler
    private var sleepers: [Int: CheckedContinuation<Void, any Error>] = [:]
    private var number = 0
    /// How far the wall clock is off, in milliseconds.
    var error: Int64 = 0
    var isOver = false

    init(_ scheduler: Scheduler) { self.scheduler = scheduler }

    var now: Instant { Instant(milliseconds: Self.start.milliseconds + scheduler.uptime + error) }
    var uptime: Duration { .milliseconds(scheduler.uptime) }

    func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        guard !isOver else { throw CancellationError() }
        number += 1
        let id = number
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (sleeper: CheckedContinuation<Void, any Error>) in
                guard !Task.isCancelled, !isOver else { return sleeper.resume(throwing: CancellationError()) }
                sleepers[id] = sleeper
                scheduler.after(duration.milliseconds) { self.wake(id) }
            }
        } onCancel: {
            sleepers.removeValue(forKey: id)?.resume(throwing: CancellationError())
        }
    }

    private func wake(_ id: Int) { sleepers.removeValue(forKey: id)?.resume() }
}
