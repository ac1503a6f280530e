#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Runs an actor's work on a thread of its own, one piece after the other, so that waiting for the disk never holds
/// a thread of the cooperative pool.
///
/// `@unchecked Sendable`: `jobs`, `urgentJobs` and `isStopped` are touched only with `mutex` held. The thread keeps
/// the executor alive until it is stopped and has run all that was queued.
package final class ThreadExecutor: SerialExecutor, @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var jobs = Deque()
    /// Acknowledgements: a sender waits for them, so they go ahead of planning and settling.
    private var urgentJobs = Deque()
    private var isStopped = false

    /// An executor whose thread runs; nil where the system gives no more threads.
    package static func start() -> ThreadExecutor? {
        let executor = ThreadExecutor()
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let argument = Unmanaged.passRetained(executor)
        let code = pthread_create(
            &thread, nil,
            { argument in
                #if canImport(Darwin)
                    let executor = Unmanaged<ThreadExecutor>.fromOpaque(argument).takeRetainedValue()
                #else
                    guard let argument else { return nil }
                    let executor = Unmanaged<ThreadExecutor>.fromOpaque(argument).takeRetainedValue()
                #endif
                executor.runAll()
                return nil
            }, argument.toOpaque())
        guard code == 0 else {
            argument.release()
            return nil
        }
        #if canImport(Darwin)
            if let thread { pthread_detach(thread) }
        #else
            pthread_detach(thread)
        #endif
        return executor
    }

    private init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let isUrgent = TaskPriority(job.priority).map { $0 >= .acknowledging } ?? false
        let job = UnownedJob(job)
        pthread_mutex_lock(mutex)
        if isUrgent { urgentJobs.append(job) } else { jobs.append(job) }
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    /// Ends the thread when its queue is empty.
    ///
    /// Whoever owns the actor calls it when no more work can come.
    package func stop() {
        pthread_mutex_lock(mutex)
        isStopped = true
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    private func runAll() {
        while let job = next() { job.runSynchronously(on: asUnownedSerialExecutor()) }
    }

    private func next() -> UnownedJob? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let job = urgentJobs.popFirst() ?? jobs.popFirst() { return job }
            if isStopped { return nil }
            pthread_cond_wait(condition, mutex)
        }
    }

    /// First in, first out; what is taken is given back in one go, so that both ends are cheap.
    private struct Deque {
        private var elements: [UnownedJob] = []
        private var head = 0

        mutating func append(_ job: UnownedJob) { elements.append(job) }

        mutating func popFirst() -> UnownedJob? {
            guard head < elements.count else { return nil }
            defer {
                head += 1
                if head == elements.count {
                    elements.removeAll(keepingCapacity: true)
                    head = 0
                }
            }
            return elements[head]
        }
    }
}
