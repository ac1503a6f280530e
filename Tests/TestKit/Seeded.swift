package import Model
internal import Seams
internal import Synchronization

/// A reproducible source of chance (SplitMix64, Steele et al.
///
/// 2014).
package final class SeededChance: ChanceSource {
    private let state: Mutex<UInt64>

    package init(seed: UInt64) { state = Mutex(seed) }

    package func next() -> UInt64 {
        state.withLock { state in
            state &+= 0x9E37_79B9_7F4A_7C15
            var word = state
            word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
            return word ^ word >> 31
        }
    }
}

/// The same as a generator for the standard library's `random(in:using:)` and `shuffled(using:)`.
package struct SeededGenerator: RandomNumberGenerator {
    private let chance: SeededChance
    package init(seed: UInt64) { chance = SeededChance(seed: seed) }
    package mutating func next() -> UInt64 { chance.next() }
}

/// A clock that moves only when it is told to, or when the code under test sleeps: a sleep returns at once and has
/// taken its time.
package final class ManualTime: TimeSource {
    private let milliseconds: Mutex<Int64>

    package init(_ start: Instant = Instant(rfc3339: "2026-11-23T10:00:00Z") ?? Instant(milliseconds: 0)) {
        milliseconds = Mutex(start.milliseconds)
    }

    package var now: Instant { Instant(milliseconds: milliseconds.withLock { $0 }) }
    package var uptime: Duration { .milliseconds(milliseconds.withLock { $0 }) }
    package func advance(by duration: Duration) { milliseconds.withLock { $0 += duration.milliseconds } }
    package func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        advance(by: duration)
        await Task.yield()
    }
}
