package import Journal
package import Model

/// How a destination stands, for a metric.
package struct DestinationMeter: Sendable, Hashable {
    package var name: String
    package var isPaused: Bool
    package var isBreakerOpen: Bool
    package var running: Int

    package init(name: String, isPaused: Bool, isBreakerOpen: Bool, running: Int) {
        self.name = name
        self.isPaused = isPaused
        self.isBreakerOpen = isBreakerOpen
        self.running = running
    }
}

/// Writes figures in the Prometheus text format, version 0.0.4.
package enum MetricsText {
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// All metrics.
    ///
    /// What could not be read (`figures` of a journal that is shut, memory elsewhere than on Linux) is
    /// left out: a missing series is told apart from a zero.
    package static func render(
        _ meters: MeterState, figures: JournalFigures?, destinations: [DestinationMeter] = [], residentBytes: Int?,
        now: Instant, isJournalReadable: Bool
    ) -> String {
        var text = Writer()
        text.family(
            "throughline_deliveries_total", "counter", "Deliveries by source and the status they were answered with.",
            meters.deliveries)
        text.family("throughline_http_requests_total", "counter", "HTTP answers by route and status.", meters.requests)
        text.head("throughline_ack_seconds", "histogram", "Time from a delivery's arrival to its acknowledgement.")
        text.histogram("throughline_ack_seconds", [:], meters.acknowledgements)
        text.family(
            "throughline_attempts_total", "counter", "Attempts at jobs by destination, action and outcome.",
            meters.attempts)
        text.family(
            "throughline_jobs_ended_total", "counter",
            "Jobs that an attempt ended, by destination, action and state (completed, dead).", meters.jobs)
        text.head("throughline_attempt_seconds", "histogram", "Time that a destination took to answer.")
        for (destination, histogram) in meters.attemptDurations.sorted(by: { $0.key < $1.key }) {
            text.histogram("throughline_attempt_seconds", ["destination": destination], histogram)
        }
        text.gauge(
            "throughline_journal_readable", "Whether the journal could be read just now.", isJournalReadable ? 1 : 0)
        if let figures { text.figures(figures, now: now) }
        text.destinations(destinations)
        text.inboxes(meters.inboxes.sorted { $0.key < $1.key })
        text.head("throughline_spans_total", "counter", "Spans of traces, by whether they were sent or dropped.")
        text.sample("throughline_spans_total", ["result": "sent"], String(meters.spansSent))
        text.sample("throughline_spans_total", ["result": "dropped"], String(meters.spansDropped))
        if let residentBytes {
            text.gauge("process_resident_memory_bytes", "Memory of this process in bytes.", residentBytes)
        }
        return text.text
    }

    private struct Writer {
        var text = ""

        mutating func head(_ name: String, _ type: String, _ help: String) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
        }

        mutating func sample(_ name: String, _ labels: [String: String], _ value: String) {
            let pairs = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\"\(Self.escaped($0.value))\"" }
            text += name + (pairs.isEmpty ? "" : "{" + pairs.joined(separator: ",") + "}") + " \(value)\n"
        }

        mutating func gauge(_ name: String, _ help: String, _ value: Int) {
            head(name, "gauge", help)
            sample(name, [:], String(value))
        }

        mutating func family(_ name: String, _ type: String, _ help: String, _ family: CounterFamily) {
            head(name, type, help)
            for (values, count) in family.series.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                let labels = Dictionary(zip(family.labels, values)) { first, _ in first }
                sample(name, labels, String(count))
            }
        }

        mutating func histogram(_ name: String, _ labels: [String: String], _ histogram: Histogram) {
            var total = 0
            for (index, count) in histogram.counts.enumerated() {
                total += count
                let bound =
                    index < Histogram.bounds.count ? String(Double(Histogram.bounds[index]) / 1000) : "+Inf"
                sample(name + "_bucket", labels.merging(["le": bound]) { $1 }, String(total))
            }
            let (seconds, attoseconds) = histogram.sum.components
            sample(name + "_sum", labels, String(Double(seconds) + Double(attoseconds) / 1e18))
            sample(name + "_count", labels, String(histogram.count))
        }

        mutating func figures(_ figures: JournalFigures, now: Instant) {
            gauge("throughline_pending_events", "Events that wait for planning.", figures.pending)
            let age = figures.oldestPendingAt.map { max(.zero, now - $0) } ?? .zero
            head(
                "throughline_unplanned_age_seconds", "gauge",
                "Age of the oldest event that waits for planning; 0 where none waits.")
            sample("throughline_unplanned_age_seconds", [:], String(Double(age.milliseconds) / 1000))
            head("throughline_open_jobs", "gauge", "Jobs that have not ended, by destination and state.")
            for (destination, states) in figures.openJobs.sorted(by: { $0.key < $1.key }) {
                for (state, count) in states.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                    sample(
                        "throughline_open_jobs", ["destination": destination, "state": state.rawValue], String(count))
                }
            }
            gauge("throughline_dead_jobs", "Dead letters.", figures.dead)
            gauge("throughline_quarantined_deliveries", "Deliveries in quarantine.", figures.quarantined)
            gauge("throughline_open_alerts", "Alerts that are open.", figures.openAlerts)
            if let last = figures.lastEventAt {
                gauge("throughline_last_event_timestamp_seconds", "When the newest event came.", Int(last.seconds))
            }
        }

        mutating func destinations(_ meters: [DestinationMeter]) {
            guard !meters.isEmpty else { return }
            each(meters, "throughline_destination_paused", "Whether a destination is paused.") { $0.isPaused ? 1 : 0 }
            each(meters, "throughline_destination_breaker_open", "Whether calls are held back after failures.") {
                $0.isBreakerOpen ? 1 : 0
            }
            each(meters, "throughline_destination_running_jobs", "Jobs that are being worked now.", \.running)
        }

        mutating func inboxes(_ meters: [(key: String, value: InboxMeter)]) {
            guard !meters.isEmpty else { return }
            func each(_ name: String, _ help: String, _ value: (InboxMeter) -> String) {
                head(name, "gauge", help)
                for (source, meter) in meters { sample(name, ["source": source], value(meter)) }
            }
            each("throughline_inbox_reachable", "Whether the inbox could be drained just now.") {
                $0.isReachable ? "1" : "0"
            }
            each("throughline_inbox_waiting_rows", "Rows that wait in the inbox, counted up to 10000.") {
                String($0.waiting)
            }
            each("throughline_inbox_held_rows", "Rows of the inbox that could not be used.") { String($0.held) }
            each(
                "throughline_inbox_lag_seconds", "Age of the oldest row that waits and was not held; 0 where none does."
            ) {
                String(Double($0.lag.milliseconds) / 1000)
            }
        }

        private mutating func each(
            _ meters: [DestinationMeter], _ name: String, _ help: String, _ value: (DestinationMeter) -> Int
        ) {
            head(name, "gauge", help)
            for meter in meters.sorted(by: { $0.name < $1.name }) {
                sample(name, ["destination": meter.name], String(value(meter)))
            }
        }

        private static func escaped(_ value: String) -> String {
            value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
        }
    }
}
