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
    var signing: BenchTraffic.Signature
    var terminal: Terminal

    /// Throws `usage` where `url` is not `http://host:port`.
    init(
        url: String, path: String, connectionCounts: [Int], duration: Duration, signing: BenchTraffic.Signature,
        terminal: Terminal
    ) throws {
        guard let components = URLComponents(string: url), components.scheme == "http",
            let host = components.host, let port = components.port
        else {
            throw Failure(.usage, "--against is a plain address with its port (http://127.0.0.1:8000), not \"\(url)\".")
        }
        (self.host, self.port, self.path) = (host, port, path)
        (self.connectionCounts, self.duration, self.signing) = (connectionCounts, duration, signing)
        self.terminal = terminal
    }

    func run(isJSON: Bool) async throws {
        let traffic = BenchTraffic(
            secret: BenchServer.stripeSecret, time: SystemTime(), signature: signing,
            firstNumber: Int(SystemTime().now.milliseconds % 1_000_000) * 1_000_000)
        var sides: [(connections: Int, side: BenchReport.Side)] = []
        for connections in connectionCounts {
            terminal.progress("\(connections) connections")
            let outcome = try await LoadGenerator(
                host: host, port: port, connections: connections, duration: duration, rate: nil,
                make: { _ in traffic.next(path: path) }
            ).run()
            sides.append((connections, BenchReport.Side([outcome])))
        }
        terminal.endProgress()
        guard isJSON else { return show(sides) }
        let rows = sides.map { connections, side in
            var row = side.json
            row["connections"] = .int(Int64(connections))
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
