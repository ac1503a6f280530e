import Foundation
import Model
import Seams

/// Sends the benchmark's signed deliveries to any server, so that each is measured by the same client.
struct AgainstRun: Sendable {
    var host: String
    var port: Int
    var path: String
    var connectionCounts: [Int]
    var duration: Duration
    /// Requests a second that are due, whether answers come or not; nil: as fast as they come.
    var rate: Double?
    var signing: BenchTraffic.Signature
    var terminal: Terminal

    /// Throws `usage` where `url` is not `http://host:port`.
    init(
        url: String, path: String, connectionCounts: [Int], duration: Duration, rate: Double? = nil,
        signing: BenchTraffic.Signature, terminal: Terminal
    ) throws {
        guard let components = URLComponents(string: url), components.scheme == "http",
            let host = components.host, let port = components.port
        else {
            throw Failure(.usage, "--against is a plain address with its port (http://127.0.0.1:8000), not \"\(url)\".")
        }
        (self.host, self.port, self.path) = (host, port, path)
        (self.connectionCounts, self.duration, self.signing) = (connectionCounts, duration, signing)
        (self.rate, self.terminal) = (rate, terminal)
    }

    func run(isJSON: Bool) async throws {
        let traffic = BenchTraffic(
            secret: BenchServer.stripeSecret, time: SystemTime(), signature: signing,
            firstNumber: Int(SystemTime().now.milliseconds % 1_000_000) * 1_000_000)
        var sides: [(connections: Int, side: BenchReport.Side)] = []
        var answers: [Int: JSONObject] = [:]
        for connections in connectionCounts {
            terminal.progress("\(connections) connections")
            let outcome = try await LoadGenerator(
                host: host, port: port, connections: connections, duration: duration, rate: rate,
                isCountedFromDue: false, make: { _ in traffic.next(path: path) }
            ).run()
            var counts: JSONObject = ["none": .int(Int64(outcome.failures))]
            for (status, count) in outcome.answers.sorted(by: { $0.key < $1.key }) {
                counts[String(status)] = .int(Int64(count))
            }
            answers[connections] = counts
            sides.append((connections, BenchReport.Side([outcome])))
        }
        terminal.endProgress()
        guard isJSON else { return show(sides) }
        let rows = sides.map { connections, side in
            var row = side.json
            row["connections"] = .int(Int64(connections))
            row["answers"] = answers[connections].map { .object($0) }
            return JSONValue.object(row)
        }
        let report: JSONObject = ["body_bytes": .int(Int64(traffic.bodySize)), "rows": .array(rows)]
        terminal.line(report.encodedText)
    }

    private func show(_ sides: [(connections: Int, side: BenchReport.Side)]) {
        terminal.table(
            ["connections", "answers/s", "p50 ms", "p95 ms", "p99 ms", "failed"],
            sides.map { connections, side in
                [
                    "\(connections)", BenchReport.text(side.perSecond, 0), BenchReport.text(side.p50),
                    BenchReport.text(side.p95), BenchReport.text(side.p99), "\(side.failed)",
                ]
            })
    }
}
