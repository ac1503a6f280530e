package import Journal
internal import Model

/// Writes figures in the Prometheus text format, version 0.0.4.
package enum MetricsText {
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// All metrics.
    ///
    /// What could not be read (`figures` of a journal that is shut, memory elsewhere than on Linux) is
    /// left out: a missing series is told apart from a zero.
    package static func render(
        _ meters: MeterState, figures: JournalFigures?, residentBytes: Int?, isJournalReadable: Bool
    ) -> String {
        var text = Writer()
        text.family(
            "throughline_deliveries_total", "counter", "Deliveries by source and the status they were answered with.",
            meters.deliveries)
        text.family("throughline_http_requests_total", "counter", "HTTP answers by route and status.", meters.requests)
        text.head("throughline_ack_seconds", "histogram", "Time from a delivery's arrival to its acknowledgement.")
        text.histogram("throughline_ack_seconds", [:], meters.acknowledgements)
        text.family(
            "throughline_jobs_settled_total", "counter", "Settled attempts by destination and outcome.", meters.jobs)
        text.head("throughline_attempt_seconds", "histogram", "Time that a destination took to answer.")
        for (destination, histogram) in meters.attempts.sorted(by: { $0.key < $1.key }) {
            text.histogram("throughline_attempt_seconds", ["destination": destination], histogram)
        }
        text.gauge(
            "throughline_journal_readable", "Whether the journal could be read just now.", isJournalReadable ? 1 : 0)
        if let figures { text.figures(figures) }
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
            let sorted = family.series.sorted {
                $0.key.sorted(by: <).map(\.value).lexicographicallyPrecedes($1.key.sorted(by: <).map(\.value))
            }
            for (labels, count) in sorted { sample(name, labels, String(count)) }
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

        mutating func figures(_ figures: JournalFigures) {
            gauge("throughline_pending_events", "Events that wait for planning.", figures.pending)
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

        private static func escaped(_ value: String) -> String {
            value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
        }
    }
}
