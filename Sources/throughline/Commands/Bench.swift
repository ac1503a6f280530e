import ArgumentParser
import Foundation
import Model
import Seams

struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures this machine: durable acknowledgements, planning, effects, jobs.",
        discussion: """
            Servers with fresh journals on loopback, signed Stripe deliveries, and a destination in the same process \
            that answers at once. Acknowledgements stand next to those of the same server with an empty handler, in \
            the same run. It takes some ten minutes; docs/benchmarks.md says how to read it.

            Examples:
              throughline bench --quick
              throughline bench --only jobs --backlog 10000,1000000,10000000
              throughline bench --against http://127.0.0.1:8000 --path /stripe
            """)
    @Option(help: "How long the full load with planning lasts, in seconds.") var seconds: Int?
    @Option(help: "Where the journals are made and removed (default: here).") var folder: String?
    @Option(help: "Measure on Postgres: a URL or env:NAME; each journal is a database of its own, removed afterwards.")
    var postgres: String?
    @Option(help: "Events and open jobs in the journal, for what size costs (default: 10000,1000000).")
    var backlog: String?
    @Option(help: "One part: street (acknowledgements, planning, effects) or jobs.") var only: BenchRun.Part?
    @Flag(help: "A short run of a minute, for a first look.") var quick = false
    @Flag(help: "Answer as JSON: one object.") var json = false

    @Option(help: "Send the signed deliveries to this server instead, and measure its answers.") var against: String?
    @Option(help: "With --against: the path to send to.") var path = BenchServer.intakePath
    @Option(help: "With --against: numbers of connections.") var connections = "1,16,64"
    @Option(help: "With --against: so many a second are due, answered or not (default: as fast as they are).")
    var rate: Double?
    @Option(help: "With --against: sign as stripe does, or the body alone.")
    var sign = BenchTraffic.Signature.stripe

    /// For a client in another process: says its port and runs until it is ended.
    @Option(help: .hidden) var serve: Serving?

    enum Serving: String, ExpressibleByArgument { case intake, street }

    func run() async throws {
        let folder = URL(filePath: folder ?? FileManager.default.currentDirectoryPath).standardizedFileURL.path
        if let serve { return try await self.serve(serve, folder: folder) }
        let terminal = Terminal()
        let long = seconds ?? (quick ? 10 : 60)
        guard (1...3600).contains(long) else {
            throw Failure(.usage, "--seconds is from 1 to 3600, not \(long).")
        }
        if let against {
            try OpenFiles.raiseLimit()
            return try await AgainstRun(
                url: against, path: path,
                connectionCounts: try Self.numbers(connections, "--connections", 1...10_000),
                duration: .seconds(seconds ?? (quick ? 1 : 5)), rate: rate, signing: sign, terminal: terminal
            ).run(isJSON: json)
        }
        let report = try await BenchRun(
            pairDuration: quick ? .seconds(1) : .seconds(4), pairCount: quick ? 1 : 3, longDuration: .seconds(long),
            steadyDuration: .seconds(quick ? 5 : 20), drainCount: quick ? 5_000 : 50_000,
            backlogs: try Self.numbers(
                backlog ?? (quick ? "10000" : "10000,1000000"), "--backlog", 0...100_000_000),
            parts: only.map { [$0] } ?? Set(BenchRun.Part.allCases), folder: folder,
            postgres: try postgres.map { try DatabaseURL.resolve($0, config: nil).revealed }, terminal: terminal
        ).run()
        if json {
            terminal.line(report.json.encodedText)
        } else {
            report.show(terminal)
        }
    }

    private func serve(_ what: Serving, folder: String) async throws {
        let url = try postgres.map { try DatabaseURL.resolve($0, config: nil).revealed }
        let place = try BenchPlace(folder: folder, name: "serve", postgres: url)
        try OpenFiles.raiseLimit()
        try await BenchServer.with(place, isPlanning: what == .street) { server in
            Terminal().line("http://127.0.0.1:\(server.port)")
            Terminal().line(server.installation.credential.revealed)
            while true { try await server.installation.world.time.sleep(for: .seconds(60)) }
        }
    }

    private static func numbers(_ text: String, _ option: String, _ range: ClosedRange<Int>) throws -> [Int] {
        let numbers = text.split(separator: ",").map { Int($0) }
        guard !numbers.isEmpty, numbers.allSatisfy({ $0.map(range.contains) == true }) else {
            throw Failure(
                .usage,
                "\(option) is a list of numbers from \(range.lowerBound) to \(range.upperBound) (1,16), not "
                    + "\"\(text)\".")
        }
        return numbers.compactMap(\.self)
    }
}

extension BenchRun.Part: ExpressibleByArgument {}
extension BenchTraffic.Signature: ExpressibleByArgument {}
