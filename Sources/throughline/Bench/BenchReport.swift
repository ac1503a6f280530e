import Model

/// What a benchmark found, for people and as JSON.
struct BenchReport: Sendable {
    /// Rates are requests a second, times are milliseconds.
    struct Side: Sendable {
        var perSecond = 0.0
        var (p50, p95, p99) = (0.0, 0.0, 0.0)
        var failed = 0

        init(_ outcomes: [LoadGenerator.Outcome]) {
            let percentiles = outcomes.map(\.percentiles)
            perSecond = Self.median(outcomes.map(\.perSecond))
            p50 = Self.median(percentiles.map(\.p50))
            p95 = Self.median(percentiles.map(\.p95))
            p99 = Self.median(percentiles.map(\.p99))
            failed = outcomes.reduce(0) { $0 + $1.failures + $1.answers.values.reduce(0, +) - $1.successes }
        }

        static func median(_ values: [Double]) -> Double {
            let sorted = values.sorted()
            guard !sorted.isEmpty else { return 0 }
            return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
        }

        var json: JSONObject {
            [
                "per_second": .double(perSecond), "p50_ms": .double(p50), "p95_ms": .double(p95),
                "p99_ms": .double(p99), "failed": .int(Int64(failed)),
            ]
        }
    }

    struct Pair: Sendable {
        var isPlanning: Bool
        var connections: Int
        var empty: Side
        var durable: Side
        var ratio: Double { durable.perSecond / max(empty.perSecond, 0.001) }
    }

    /// All connections busy for a while, with planning and jobs.
    struct Long: Sendable {
        var seconds: Double
        var side: Side
        var unplanned: Int
        var effects: Int
        /// At its end, the load and its own figures included.
        var residentBytes: Int?
    }

    /// A steady rate of half of what was measured.
    struct Steady: Sendable {
        var rate: Double
        var side: Side
        var effects: Int
        /// From the receipt of an event to its effect.
        var p50: Double
        var p95: Double
    }

    var machine: Machine
    var bodySize = 0
    var start: Duration = .zero
    var idleBytes: Int?
    var pairs: [Pair] = []
    var long: Long?
    var steady: Steady?
    var drains: [Drain] = []
    var sizes: [Size] = []

    var json: JSONObject {
        var report: JSONObject = [
            "version": .string(Version.text),
            "machine": [
                "cores": .int(Int64(machine.cores)), "processor": .string(machine.processor),
                "kernel": .string(machine.kernel), "folder": .string(machine.folder),
                "in_memory": .bool(machine.isInMemory),
            ], "body_bytes": .int(Int64(bodySize)), "start_to_ready_ms": .double(start.inSeconds * 1000),
            "idle_bytes": idleBytes.map { .int(Int64($0)) } ?? .null,
        ]
        if !drains.isEmpty { report["drains"] = .array(drains.map { .object($0.json) }) }
        if !sizes.isEmpty { report["sizes"] = .array(sizes.map { .object($0.json) }) }
        report["acknowledgements"] = .array(
            pairs.map { pair in
                [
                    "planning": .bool(pair.isPlanning), "connections": .int(Int64(pair.connections)),
                    "durable": .object(pair.durable.json), "empty": .object(pair.empty.json),
                    "ratio": .double(pair.ratio),
                ]
            })
        report["long"] = long.map { long in
            [
                "seconds": .double(long.seconds), "durable": .object(long.side.json),
                "unplanned": .int(Int64(long.unplanned)),
                "unplanned_seconds": .double(Double(long.unplanned) / max(long.side.perSecond, 0.001)),
                "effects": .int(Int64(long.effects)),
                "resident_bytes": long.residentBytes.map { .int(Int64($0)) } ?? .null,
            ]
        }
        report["steady"] = steady.map { steady in
            [
                "rate": .double(steady.rate), "durable": .object(steady.side.json),
                "effects": .int(Int64(steady.effects)), "event_to_effect_p50_ms": .double(steady.p50),
                "event_to_effect_p95_ms": .double(steady.p95),
            ]
        }
        return report
    }

    func show(_ terminal: Terminal) {
        terminal.line("Machine   \(machine.text)")
        terminal.line("Journal   \(machine.folder)\(machine.isInMemory ? " (in memory: nothing here is durable)" : "")")
        terminal.line("Body      \(bodySize) bytes, a signed payment_intent.succeeded")
        if start > .zero {
            terminal.line("Start     \(Self.text(start.inSeconds * 1000)) ms from opening the journal to ready")
        }
        if let idleBytes { terminal.line("Memory    \(idleBytes >> 20) MiB resident when idle") }
        if !pairs.isEmpty { showPairs(terminal) }
        showJobs(terminal)
    }

    private func showPairs(_ terminal: Terminal) {
        terminal.line()
        terminal.table(
            [
                "planning", "connections", "durable/s", "p50 ms", "p95 ms", "p99 ms", "failed", "empty/s", "p95 ms",
                "ratio",
            ],
            pairs.map { pair in
                [
                    pair.isPlanning ? "on" : "off", "\(pair.connections)", Self.text(pair.durable.perSecond, 0),
                    Self.text(pair.durable.p50), Self.text(pair.durable.p95), Self.text(pair.durable.p99),
                    "\(pair.durable.failed + pair.empty.failed)", Self.text(pair.empty.perSecond, 0),
                    Self.text(pair.empty.p95), Self.text(pair.ratio),
                ]
            })
        terminal.line()
        if let long {
            terminal.line(
                "After \(Self.text(long.seconds, 0)) s at full load with planning: \(Self.text(long.side.perSecond, 0)) "
                    + "arrivals/s, p95 \(Self.text(long.side.p95)) ms, \(long.unplanned) unplanned "
                    + "(\(Self.text(Double(long.unplanned) / max(long.side.perSecond, 0.001))) s of arrivals), "
                    + "\(long.effects) effects done, \(long.side.failed) failed"
                    + (long.residentBytes.map { "; \($0 >> 20) MiB resident, load included." } ?? "."))
        }
        if let steady {
            terminal.line(
                "At \(Self.text(steady.rate, 0))/s, half of that: acknowledged p50 \(Self.text(steady.side.p50)) ms, "
                    + "p95 \(Self.text(steady.side.p95)) ms; event to effect p50 \(Self.text(steady.p50, 0)) ms, "
                    + "p95 \(Self.text(steady.p95, 0)) ms over \(steady.effects) effects, \(steady.side.failed) failed."
            )
        }
    }

    static func text(_ value: Double, _ places: Int = 2) -> String {
        var scale = 1
        for _ in 0..<places { scale *= 10 }
        let whole = Int((value * Double(scale)).rounded())
        guard places > 0 else { return String(whole) }
        let fraction = String(whole % scale)
        return "\(whole / scale)." + String(repeating: "0", count: places - fraction.count) + fraction
    }
}
