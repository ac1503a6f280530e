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
    }

    @Test func `lets go of all that is older than the settings keep, slice by slice`() async throws {
        let (shelf, time) = (Shelf(bodies: 250, events: 305), ManualTime())
        let retention = Retention(raw: .seconds(3600), events: .seconds(7200))
        let began = time.now
        let maintenance = Maintenance(
            journal: shelf, settings: LiveSettings(Settings(product: "Test", retention: retention)), time: time,
            logger: Logger(label: "test"))
        try await maintenance.prune()
        let left = shelf.holding.withLock { $0 }
        #expect(left.bodies == 0 && left.events == 0)
        #expect(left.times == [began - .seconds(3600), began - .seconds(7200)])
    }
}
