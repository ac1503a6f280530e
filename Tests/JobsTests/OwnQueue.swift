import Dispatch
import Testing

/// Gives each test of a suite a queue of its own.
///
/// A scene takes tens of thousands of small steps; on the shared pool each of them would wait behind what other tests
/// compute there, and a scene of a fifth of a second could take minutes.
struct OwnQueue: SuiteTrait, TestTrait, TestScoping {
    let isRecursive = true

    func provideScope(
        for test: Test, testCase: Test.Case?, performing body: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(QueueExecutor()) { try await body() }
    }
}

extension Trait where Self == OwnQueue {
    static var ownQueue: Self { Self() }
}

private final class QueueExecutor: TaskExecutor {
    private let queue = DispatchQueue(label: "throughline.test")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
