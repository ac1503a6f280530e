import ArgumentParser
import Foundation
import Model

struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures this machine: durable acknowledgements, planning, effects.",
        discussion: """
            Servers with fresh journals on loopback, signed Stripe deliveries, and a destination in the same process \
            that answers at once. Each figure stands next to that of the same server with an empty handler, in the \
            same run. It takes some five minutes; docs/benchmarks.md says how to read it.

            Example:
              throughline bench --quick
            """)
    @Option(help: "How long the full load with planning lasts, in seconds.") var seconds: Int?
    @Option(help: "Where the journals are made and removed (default: here).") var folder: String?
    @Flag(help: "A short run of less than a minute, for a first look.") var quick = false
    @Flag(help: "Answer as JSON: one object.") var json = false

    func run() async throws {
        let terminal = Terminal()
        let long = seconds ?? (quick ? 10 : 60)
        guard (1...3600).contains(long) else {
            throw Failure(.usage, "--seconds is from 1 to 3600, not \(long).")
        }
        let report = try await BenchRun(
            pairDuration: quick ? .seconds(1) : .seconds(4), pairCount: quick ? 1 : 3, longDuration: .seconds(long),
            steadyDuration: .seconds(quick ? 5 : 20),
            folder: URL(filePath: folder ?? FileManager.default.currentDirectoryPath).standardizedFileURL.path,
            terminal: terminal
        ).run()
        if json {
            terminal.line(report.json.encodedText)
        } else {
            report.show(terminal)
        }
    }
}
