#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The standard library's `Mutex` as the thread sanitizer can see it.
///
/// That one waits in the kernel by its own means, which the sanitizer does not know: what it guards looks unguarded.
/// `script/threads` builds with this module under the name `Synchronization`.
///
/// `@unchecked Sendable`: `value` is touched only with `lock` held.
public struct Mutex<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let value: UnsafeMutablePointer<Value>

    /// A lock over a value that nobody else holds.
    public init(_ initial: consuming sending Value) {
        lock = .allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
        value = .allocate(capacity: 1)
        value.initialize(to: initial)
    }

    deinit {
        value.deinitialize(count: 1)
        value.deallocate()
        pthread_mutex_destroy(lock)
        lock.deallocate()
    }

    /// Runs `body` on the value while nobody else does.
    public borrowing func withLock<Result: ~Copyable, Trouble: Error>(
        _ body: (inout sending Value) throws(Trouble) -> sending Result
    ) throws(Trouble) -> sending Result {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return try body(&value.pointee)
    }
}
