internal import Journal
internal import Synchronization

/// Counts what passes, for `/metrics`, alerts and the console.
///
/// Everything in it is bounded: a label that strangers could invent is folded into `other` once a family is full.
package final class Meters: Sendable {
    private let state = Mutex(MeterState())
    private let book: TallyBook?

    /// `book` counts what alerts are decided by.
    package init(book: TallyBook? = nil) { self.book = book }

    /// A delivery at `/in/{source}` or `/v1/events` was answered with that status.
    package func countDelivery(source: String, status: Int) {
        state.withLock { $0.deliveries.add(source, String(status)) }
        book?.countDelivery(source: source, status: status)
    }

    /// How long a sender waited for a 200.
    package func recordAcknowledgement(_ duration: Duration) {
        state.withLock { $0.acknowledgements.record(duration) }
        book?.countAcknowledgement(duration)
    }

    /// An attempt at a job ended; `duration` is how long the destination took, nil where it was not called.
    package func countAttempt(destination: String, action: String, outcome: String, _ duration: Duration?) {
        state.withLock { state in
            state.attempts.add(action, destination, outcome)
            if let duration { state.recordAttempt(destination, duration) }
        }
        if let book, let outcome = AttemptEnd.Outcome(rawValue: outcome) {
            book.countWork(destination: destination, outcome: outcome)
        }
    }

    /// A job ended with an attempt: `completed` or `dead`.
    package func countJob(destination: String, action: String, state ended: String) {
        state.withLock { $0.jobs.add(action, destination, ended) }
    }

    /// An HTTP answer of any route; `route` is the template, never the path.
    package func countRequest(route: String, status: Int) {
        state.withLock { $0.requests.add(route, String(status)) }
    }

    /// How the inbox of that source stands.
    package func recordInbox(source: String, _ inbox: InboxMeter) { state.withLock { $0.inboxes[source] = inbox } }

    /// Spans that were sent to the collector, and those for which there was no room or no collector.
    package func countSpans(sent: Int = 0, dropped: Int = 0) {
        state.withLock {
            $0.spansSent += sent
            $0.spansDropped += dropped
        }
    }

    /// Everything that was counted up to now.
    package var snapshot: MeterState { state.withLock { $0 } }
}

/// The figures of `Meters` at one moment.
package struct MeterState: Sendable {
    var deliveries = CounterFamily(labels: ["source", "status"])
    var attempts = CounterFamily(labels: ["action", "destination", "outcome"])
    var jobs = CounterFamily(labels: ["action", "destination", "state"])
    var requests = CounterFamily(labels: ["route", "status"])
    package internal(set) var acknowledgements = Histogram()
    var attemptDurations: [String: Histogram] = [:]
    /// By source; there are as many as the configuration has.
    var inboxes: [String: InboxMeter] = [:]
    var spansSent = 0
    var spansDropped = 0

    mutating func recordAttempt(_ destination: String, _ duration: Duration) {
        let isKnown = attemptDurations[destination] != nil
        let name = isKnown || attemptDurations.count < CounterFamily.seriesMax ? destination : CounterFamily.other
        attemptDurations[name, default: Histogram()].record(duration)
    }

    /// How many deliveries were answered with statuses that `matches`.
    package func deliveries(where matches: (Int) -> Bool) -> Int {
        deliveries.series.reduce(0) { total, series in
            matches(series.key.last.flatMap { Int($0) } ?? 0) ? total + series.value : total
        }
    }
}

/// Counters of one name by what their labels say.
struct CounterFamily: Sendable {
    static let seriesMax = 500
    static let other = "other"

    /// The labels' names, in the order in which they are told.
    let labels: [String]
    /// By the labels' values, in the order of their names.
    private(set) var series: [[String]: Int] = [:]

    init(labels: [String]) { self.labels = labels }

    mutating func add(_ values: String...) {
        if series.count >= Self.seriesMax, series[values] == nil {
            series[values.map { _ in Self.other }, default: 0] += 1
        } else {
            series[values, default: 0] += 1
        }
    }
}

/// Durations in fixed buckets, so that it stays small however much is recorded.
package struct Histogram: Sendable, Equatable {
    /// Upper bounds in milliseconds; what is longer falls into one last bucket.
    package static let bounds: [Int64] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000]

    package private(set) var counts = [Int](repeating: 0, count: Self.bounds.count + 1)
    package private(set) var count = 0
    package private(set) var sum: Duration = .zero

    package init() {}

    package mutating func record(_ duration: Duration) {
        let index = Self.bounds.firstIndex { duration <= .milliseconds($0) } ?? Self.bounds.count
        counts[index] += 1
        count += 1
        sum += duration
    }

    /// The bound below which that share of all lies; nil while there is none, or beyond the last bound.
    package func quantile(_ share: Double) -> Duration? {
        guard count > 0 else { return nil }
        var seen = 0
        for (index, count) in counts.enumerated() {
            seen += count
            if Double(seen) >= share * Double(self.count) {
                return index < Self.bounds.count ? .milliseconds(Self.bounds[index]) : nil
            }
        }
        return nil
    }
}
