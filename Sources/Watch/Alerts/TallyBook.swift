package import Journal
internal import Model
package import Seams
package import Settings
internal import Synchronization

/// Counts what the rules ask about, until it is brought to the journal.
///
/// What a crash loses of it is some seconds of a rate; what happened stands in the journal itself.
package final class TallyBook: Sendable {
    private struct Key: Hashable {
        var kind: Tally.Kind
        var name: String
        var at: Instant
    }

    /// Names come from the configuration; more than this is a journal that was away for long.
    static let keysMax = 10_000

    private let settings: LiveSettings
    private let time: any TimeSource
    private let counts = Mutex<[Key: (total: Int, failed: Int)]>([:])

    package init(settings: LiveSettings, time: any TimeSource) {
        self.settings = settings
        self.time = time
    }

    /// An attempt ended; only what the destination answered or left unknown counts.
    package func countWork(destination: String, outcome: AttemptEnd.Outcome) {
        switch outcome {
        case .succeeded: add(.work, destination, failed: 0)
        case .transient, .permanent, .unknown: add(.work, destination, failed: 1)
        case .slowDown, .credentials, .blocked, .notMade: break
        }
    }

    /// A delivery of a source that exists was answered with that status.
    package func countDelivery(source: String, status: Int) {
        guard settings.current.source(source) != nil else { return }
        add(.delivery, source, failed: status >= 400 ? 1 : 0)
    }

    package func countAcknowledgement(_ duration: Duration) {
        add(.ack, "", failed: duration > settings.current.alerts.ackP95 ? 1 : 0)
    }

    /// Authentic arrivals of a source were kept.
    package func countArrivals(_ arrivals: [Arrival]) {
        for arrival in arrivals {
            switch arrival {
            case .event(let event, _, nil): add(.arrival, event.source, failed: 0)
            case .event: break
            case .kept(let delivery): add(.arrival, delivery.source, failed: 0)
            }
        }
    }

    private func add(_ kind: Tally.Kind, _ name: String, failed: Int) {
        let key = Key(kind: kind, name: name, at: kind.start(of: time.now))
        counts.withLock { counts in
            guard counts.count < Self.keysMax || counts[key] != nil else { return }
            counts[key, default: (0, 0)].total += 1
            counts[key, default: (0, 0)].failed += failed
        }
    }

    /// All that was counted since the last time, in order of kind, time and name.
    package func take() -> [Tally] {
        let taken = counts.withLock { counts in
            defer { counts = [:] }
            return counts.map { key, count in
                Tally(kind: key.kind, name: key.name, at: key.at, total: count.total, failed: count.failed)
            }
        }
        return taken.sorted { ($0.kind.rawValue, $0.at, $0.name) < ($1.kind.rawValue, $1.at, $1.name) }
    }

    /// The journal did not take them.
    package func putBack(_ tallies: [Tally]) {
        counts.withLock { counts in
            for tally in tallies {
                let key = Key(kind: tally.kind, name: tally.name, at: tally.at)
                guard counts.count < Self.keysMax || counts[key] != nil else { continue }
                counts[key, default: (0, 0)].total += tally.total
                counts[key, default: (0, 0)].failed += tally.failed
            }
        }
    }
}
