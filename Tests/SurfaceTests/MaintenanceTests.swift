import Journal
import Logging
import Model
import Settings
import Synchronization
import TestKit
import Testing

@testable import Watch

@Suite struct `What retention lets go of` {
    /// Holds so many old bodies and events, and notes how it was asked.
    private final class Shelf: PruningJournal {
        struct Holding {
            var bodies: Int
            var events: Int
            var times: Set<Instant> = []
            var believed: Instant?
        }
        let holding: Mutex<Holding>

        init(bodies: Int, events: Int) { holding = Mutex(Holding(bodies: bodies, events: events)) }

        func prunePayloads(before time: Instant, limit: Int) async throws -> Int {
            holding.withLock { holding in
                holding.times.insert(time)
                let count = min(limit, holding.bodies)
                holding.bodies -= count
                return count
            }
        }

        func pruneEvents(before time: Instant, after: Int64, limit: Int) async throws -> PrunedSlice {
            holding.withLock { holding in
                holding.times.insert(time)
                let count = min(limit, holding.events)
                holding.events -= count
                return PrunedSlice(erased: count, next: count == limit ? after + Int64(limit) : nil)
            }
        }

        func believedTime() async throws -> Instant? { holding.withLock { $0.believed } }
        func noteBelievedTime(_ time: Instant) async throws { holding.withLock { $0.believed = time } }
    }

    @Test func `lets go of all that is older than the settings keep, slice by slice`() async throws {
        let (shelf, time) = (Shelf(bodies: 250, events: 305), ManualTime())
        let retention = Retention(raw: .seconds(3600), events: .seconds(7200))
        let began = time.now
        let maintenance = Maintenance(
            journal: shelf, settings: LiveSettings(Settings(product: "Test", retention: retention)), time: time,
            logger: Logger(label: "test"))
        try await maintenance.prune(now: began)
        let left = shelf.holding.withLock { $0 }
        #expect(left.bodies == 0 && left.events == 0)
        #expect(left.times == [began - .seconds(3600), began - .seconds(7200)])
    }
}

@Suite struct `The present by which retention goes` {
    private let day: Duration = .seconds(86_400)
    private let began = Instant(seconds: 1_795_000_000)

    @Test func `is the wall clock, also one that was put right by a little or set back`() {
        var clock = RetentionClock(believed: nil, wall: began, uptime: .zero)
        for (wall, uptime) in [(began + day, day), (began + day * 1.5, day), (began - day * 100, day * 2)] {
            #expect(clock.look(wall: wall, uptime: uptime) == .init(now: wall, ahead: nil))
        }
    }

    @Test func `goes on from where it was when the clock leaps months ahead, until the clock is right again`() {
        var clock = RetentionClock(believed: nil, wall: began, uptime: .zero)
        let ahead = clock.look(wall: began + day * 200, uptime: day / 24)
        #expect(ahead == .init(now: began + day / 24, ahead: day * 200 - day / 24))
        #expect(clock.look(wall: began + day * 202, uptime: day * 2).now == began + day * 2)
        #expect(clock.look(wall: began + day * 2.1, uptime: day * 2.1) == .init(now: began + day * 2.1, ahead: nil))
    }

    @Test func `follows a leap that holds for three days`() {
        var clock = RetentionClock(believed: nil, wall: began, uptime: .zero)
        var last: RetentionClock.Reading?
        for hour in 1...73 { last = clock.look(wall: began + day * 200 + day / 24 * hour, uptime: day / 24 * hour) }
        #expect(last == .init(now: began + day * 200 + day / 24 * 73, ahead: nil))
    }

    @Test func `waits anew when the clock leaps once more`() {
        var clock = RetentionClock(believed: nil, wall: began, uptime: .zero)
        _ = clock.look(wall: began + day * 100, uptime: .zero)
        _ = clock.look(wall: began + day * 302, uptime: day * 2)
        #expect(clock.look(wall: began + day * 304, uptime: day * 4).ahead != nil)
        #expect(clock.look(wall: began + day * 305, uptime: day * 5).ahead == nil)
    }

    @Test func `is doubted after a start that the last process does not explain, and not after a week off`() {
        var off = RetentionClock(believed: began, wall: began + day * 6, uptime: .zero)
        #expect(off.look(wall: began + day * 6, uptime: .zero).ahead == nil)
        var leapt = RetentionClock(believed: began, wall: began + day * 400, uptime: .zero)
        #expect(leapt.look(wall: began + day * 400, uptime: .zero) == .init(now: began, ahead: day * 400))
    }
}
