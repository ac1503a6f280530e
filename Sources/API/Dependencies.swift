package import Journal
package import Logging
package import Model
package import Seams
package import Settings
internal import Synchronization
package import Trail
package import Watch

/// Takes deliveries in.
package protocol Receiving: Sendable {
    /// A delivery at `/in/{source}`; the source exists.
    func receive(source: String, headers: [(name: String, value: String)], body: [UInt8]) async -> ReceiptAnswer
    /// Events by a key. `boundSource`: the one source that the key may speak for.
    func receiveEvents(source: String?, contentType: String?, body: [UInt8], boundSource: String?) async
        -> ReceiptAnswer
    /// Reads a kept delivery again, with today's configuration.
    func replay(_ kept: KeptDelivery) async -> ReceiptAnswer
    /// What was turned away lately, with the reasons that the sender is not told.
    func recentRefusals() -> [RefusedDelivery]
}

package struct ReceiptAnswer: Sendable {
    package var status: Int
    package var body: JSONObject
    package var retryAfter: Int?

    package init(status: Int, body: JSONObject, retryAfter: Int? = nil) {
        self.status = status
        self.body = body
        self.retryAfter = retryAfter
    }
}

package struct RefusedDelivery: Sendable, Hashable {
    package var at: Instant
    package var source: String
    package var reason: String

    package init(at: Instant, source: String, reason: String) {
        self.at = at
        self.source = source
        self.reason = reason
    }
}

/// Shows and changes how destinations stand.
package protocol DestinationControl: Sendable {
    func health() async -> [DestinationStatus]
    func pause(_ destination: String, reason: String) async throws
    /// Probes the credential first, unless forced.
    func resume(_ destination: String, isForced: Bool) async throws -> ResumeResult
}

package struct DestinationStatus: Sendable, Hashable {
    package var name: String
    package var kind: String
    package var pause: Pause?
    /// `closed`, `open`, `half_open`.
    package var breaker: String
    package var running: Int

    package init(name: String, kind: String, pause: Pause?, breaker: String, running: Int) {
        self.name = name
        self.kind = kind
        self.pause = pause
        self.breaker = breaker
        self.running = running
    }
}

package enum ResumeResult: Sendable, Hashable {
    case resumed
    /// It stays paused; the destination's own words.
    case stillFailing(String)
}

/// Whether this process takes work in; flipped when it drains.
package final class Readiness: Sendable {
    private let reason = Mutex<String?>(nil)

    package init() {}

    /// Why nothing is taken in; nil: it is.
    package var refusal: String? { reason.withLock { $0 } }
    package func close(_ why: String) { reason.withLock { $0 = why } }
    package func open() { reason.withLock { $0 = nil } }
}

/// All that the routes reach.
package struct Dependencies: Sendable {
    package var settings: LiveSettings
    package var reading: any ReadingJournal
    package var operating: any OperatingJournal
    package var receiving: any Receiving
    package var destinations: any DestinationControl
    package var trail: TrailReader
    package var meters: Meters
    package var keys: KeyRing
    package var readiness: Readiness
    package let writable: WritableCheck
    package var followers: Followers
    /// Nil: without reconciliation, receipts, export and retention.
    package var aftercare: Aftercare?
    package var alertTesting: any AlertTesting
    package var spans: any SpanSink
    package var time: any TimeSource
    package var chance: any ChanceSource
    package var logger: Logger
    /// Told when events were put on `pending` again.
    package var wakePlanning: @Sendable () -> Void
    /// Told when jobs may have become claimable.
    package var wakeWork: @Sendable () -> Void
    /// Turns a password into what the journal keeps of it.
    package var hashPassword: @Sendable (String) async throws -> String

    package init(
        settings: LiveSettings, reading: any ReadingJournal, operating: any OperatingJournal,
        receiving: any Receiving, destinations: any DestinationControl, meters: Meters, keys: KeyRing,
        readiness: Readiness, time: any TimeSource, chance: any ChanceSource, logger: Logger,
        wakePlanning: @escaping @Sendable () -> Void, wakeWork: @escaping @Sendable () -> Void,
        hashPassword: @escaping @Sendable (String) async throws -> String, followers: Followers = Followers(),
        aftercare: Aftercare? = nil,
        alertTesting: any AlertTesting = NoAlertTesting(), spans: any SpanSink = NoSpans()
    ) {
        self.settings = settings
        self.reading = reading
        self.operating = operating
        self.receiving = receiving
        self.destinations = destinations
        trail = TrailReader(journal: reading)
        self.meters = meters
        self.keys = keys
        self.readiness = readiness
        writable = WritableCheck(journal: operating, time: time)
        self.followers = followers
        self.aftercare = aftercare
        self.alertTesting = alertTesting
        self.spans = spans
        self.time = time
        self.chance = chance
        self.logger = logger
        self.wakePlanning = wakePlanning
        self.wakeWork = wakeWork
        self.hashPassword = hashPassword
    }

    package var mint: IDMint { IDMint(time: time, chance: chance) }
}
