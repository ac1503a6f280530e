import Model

extension BenchReport {
    /// Planned jobs worked to their end as in service: claimed, sent, settled.
    struct Drain: Sendable {
        /// Whether each effect is an HTTP request over loopback; else it ends in the process.
        var isOverLoopback: Bool
        var jobs: Int
        var perSecond: Double
        /// From the receipt of an event to its effect, one event at a time.
        var alone: Delays
        /// From the commit that made a job to its call, one job at a time.
        var pickup = Delays([])

        var json: JSONObject {
            [
                "over_loopback": .bool(isOverLoopback), "jobs": .int(Int64(jobs)), "per_second": .double(perSecond),
                "alone_p50_ms": .double(alone.p50), "alone_p95_ms": .double(alone.p95),
                "pickup_p50_ms": .double(pickup.p50), "pickup_p95_ms": .double(pickup.p95),
            ]
        }
    }

    /// Half of some delays, and 95 of 100, were no longer than that, in milliseconds.
    struct Delays: Sendable {
        var p50: Double
        var p95: Double

        init(_ delays: [Double]) {
            let sorted = delays.sorted()
            func delay(_ share: Double) -> Double {
                sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
            }
            (p50, p95) = (delay(0.5), delay(0.95))
        }
    }

    /// What things cost with so many events and open jobs in the journal.
    struct Size: Sendable {
        var backlog: Int
        /// Events a second while the journal was filled: received without HTTP, and planned.
        var filled = 0.0
        var planned = 0.0
        /// Of the closed file, for an event with its body, plan and open job; nil where there is none.
        var bytesPerEvent: Int?
        var start: Duration = .zero
        var pair = Pair(isPlanning: false, connections: 64, empty: Side([]), durable: Side([]))
        var batches: [Batch] = []

        var json: JSONObject {
            [
                "backlog": .int(Int64(backlog)), "filled_per_second": .double(filled),
                "planned_per_second": .double(planned),
                "bytes_per_event": bytesPerEvent.map { .int(Int64($0)) } ?? .null,
                "start_to_ready_ms": .double(start.inSeconds * 1000), "durable": .object(pair.durable.json),
                "empty": .object(pair.empty.json), "ratio": .double(pair.ratio),
                "batches": .array(batches.map { .object($0.json) }),
            ]
        }
    }

    /// Jobs a second through the journal itself, so many in a commit and one commit after the other.
    struct Batch: Sendable {
        var size: Int
        var inserted: Double
        /// The last ones settled and as many others claimed, in one commit.
        var exchanged: Double
        /// A job's whole way through the journal: its share of both commits.
        var perSecond: Double { inserted * exchanged / max(inserted + exchanged, 0.001) }

        init(size: Int, inserted: Double, exchanged: Double) {
            (self.size, self.inserted, self.exchanged) = (size, inserted, exchanged)
        }

        init(medianOf turns: [Batch]) {
            size = turns.first?.size ?? 0
            inserted = Side.median(turns.map(\.inserted))
            exchanged = Side.median(turns.map(\.exchanged))
        }

        var json: JSONObject {
            [
                "size": .int(Int64(size)), "inserted_per_second": .double(inserted),
                "exchanged_per_second": .double(exchanged), "jobs_per_second": .double(perSecond),
            ]
        }
    }

    func showJobs(_ terminal: Terminal) {
        if !drains.isEmpty { terminal.line() }
        for drain in drains {
            terminal.line(
                "Jobs claimed, sent and settled, each effect \(drain.isOverLoopback ? "a loopback request" : "in process"): "
                    + "\(Self.text(drain.perSecond, 0))/s over \(drain.jobs). One event alone has its effect after "
                    + "\(Self.text(drain.alone.p50, 0)) ms (p50), \(Self.text(drain.alone.p95, 0)) ms (p95); a planned job "
                    + "is called after \(Self.text(drain.pickup.p50, 1)) ms, \(Self.text(drain.pickup.p95, 1)) ms.")
        }
        if !sizes.isEmpty { showSizes(terminal) }
    }

    private func showSizes(_ terminal: Terminal) {
        terminal.line()
        terminal.table(
            [
                "events and jobs", "filled/s", "planned/s", "bytes an event", "start ms", "durable/s", "p95 ms",
                "p99 ms", "empty/s", "ratio",
            ],
            sizes.map { size in
                [
                    "\(size.backlog)", Self.text(size.filled, 0), Self.text(size.planned, 0),
                    size.bytesPerEvent.map { "\($0)" } ?? "", Self.text(size.start.inSeconds * 1000, 0),
                    Self.text(size.pair.durable.perSecond, 0), Self.text(size.pair.durable.p95),
                    Self.text(size.pair.durable.p99), Self.text(size.pair.empty.perSecond, 0),
                    Self.text(size.pair.ratio),
                ]
            })
        terminal.line()
        terminal.table(
            ["events and jobs", "jobs a commit", "inserted/s", "claimed and settled/s", "all three/s"],
            sizes.flatMap { size in
                size.batches.map { batch in
                    [
                        "\(size.backlog)", "\(batch.size)", Self.text(batch.inserted, 0),
                        Self.text(batch.exchanged, 0), Self.text(batch.perSecond, 0),
                    ]
                }
            })
    }
}
