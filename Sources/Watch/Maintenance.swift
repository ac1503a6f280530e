package import Journal
package import Logging
package import Model
package import Seams
internal import ServiceLifecycle
package import Settings

/// Lets go of what is older than `retention` keeps it, once an hour.
///
/// In slices of a few milliseconds with pauses between them, so that nobody waits for it.
package struct Maintenance: Service {
    static let interval: Duration = .seconds(3600)
    static let slice = 100
    static let pause: Duration = .milliseconds(50)

    private let journal: any PruningJournal
    private let settings: LiveSettings
    private let time: any TimeSource
    private let logger: Logger

    package init(journal: any PruningJournal, settings: LiveSettings, time: any TimeSource, logger: Logger) {
        self.journal = journal
        self.settings = settings
        self.time = time
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var clock: RetentionClock?
            while !Task.isCancelled {
                do {
                    try await prune(now: try await present(&clock))
                } catch  where Task.isCancelled {
                    return
                } catch {
                    // What is too old now is still too old in an hour.
                    logger.error(
                        "pruning stopped",
                        metadata: ["error": "\((error as? Failure)?.message ?? "\(type(of: error))")"])
                }
                // Cancelled while waiting: the loop's condition ends it.
                try? await time.sleep(for: Self.interval)
            }
        }
    }

    /// What counts as the present, which the next process goes on from.
    private func present(_ clock: inout RetentionClock?) async throws -> Instant {
        var known: RetentionClock
        if let clock {
            known = clock
        } else {
            known = RetentionClock(believed: try await journal.believedTime(), wall: time.now, uptime: time.uptime)
        }
        let reading = known.look(wall: time.now, uptime: time.uptime)
        clock = known
        if let ahead = reading.ahead {
            logger.warning(
                "the clock has leapt ahead, and retention does not follow it yet; see that it is right",
                metadata: [
                    "clock.ahead_days": "\(ahead.components.seconds / 86_400)", "retention.now": "\(reading.now)",
                ])
        }
        try await journal.noteBelievedTime(reading.now)
        return reading.now
    }

    /// What a process that is only here for a moment takes for the present.
    package static func present(believed: Instant?, wall: Instant, uptime: Duration) -> Instant {
        var clock = RetentionClock(believed: believed, wall: wall, uptime: uptime)
        return clock.look(wall: wall, uptime: uptime).now
    }

    /// Goes over the journal once, with `now` for the present.
    func prune(now: Instant) async throws {
        let retention = settings.current.retention
        var (bodies, events) = (0, 0)
        while true {
            let pruned = try await journal.prunePayloads(before: now - retention.raw, limit: Self.slice)
            bodies += pruned
            if pruned < Self.slice { break }
            try await time.sleep(for: Self.pause)
        }
        var place: Int64? = 0
        while let after = place {
            let slice = try await journal.pruneEvents(before: now - retention.events, after: after, limit: Self.slice)
            events += slice.erased
            place = slice.next
            if place != nil { try await time.sleep(for: Self.pause) }
        }
        if bodies + events > 0 {
            logger.notice("pruned", metadata: ["payloads.count": "\(bodies)", "events.count": "\(events)"])
        }
    }
}
