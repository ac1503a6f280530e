package import Model

/// Where the engine reads the time and waits: the machine's clocks in production, a virtual clock in simulation.
package protocol TimeSource: Sendable {
    /// The wall clock. It may jump; nothing that must not run backwards is measured with it.
    var now: Instant { get }

    /// Time since some fixed moment, never running backwards: for deadlines and durations.
    var uptime: Duration { get }

    /// Returns after `duration`, or throws `CancellationError` when the task is cancelled first.
    func sleep(for duration: Duration) async throws
}

/// The machine's own clocks.
package struct SystemTime: TimeSource {
    private static let start = ContinuousClock.now

    package init() {}

    package var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    package var uptime: Duration { ContinuousClock.now - Self.start }

    package func sleep(for duration: Duration) async throws {
        guard duration > .zero else { return try Task.checkCancellation() }
        try await Task.sleep(for: duration)
    }
}

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif
