import Foundation
import Journal
import Model
import Seams

/// Takes all measurements in one run, one after the other.
struct BenchRun: Sendable {
    enum Part: String, Sendable, CaseIterable {
        /// Acknowledgements, and the way from an event to its effect.
        case street
        /// Jobs, and what a journal's size costs.
        case jobs
    }

    static let connectionCounts = [1, 16, 64]

    /// Of each half of a pair.
    var pairDuration: Duration
    var pairCount: Int
    var longDuration: Duration
    var steadyDuration: Duration
    /// How many jobs are worked as in service.
    var drainCount: Int
    /// Events and open jobs that a journal holds before its rates are measured.
    var backlogs: [Int]
    var parts: Set<Part>
    /// A fresh folder in it holds each journal.
    var folder: String
    /// The Postgres server on which each journal is a database of its own; nil: journals are files.
    var postgres: String?
    var terminal: Terminal

    func run() async throws -> BenchReport {
        var report = BenchReport(machine: Machine(folder: folder))
        report.bodySize = BenchTraffic(secret: BenchServer.stripeSecret, time: SystemTime()).bodySize
        if parts.contains(.street) { report = try await measureStreet(report) }
        if parts.contains(.jobs) { report = try await measureJobs(report) }
        terminal.endProgress()
        return report
    }

    private func measureStreet(_ report: BenchReport) async throws -> BenchReport {
        let report = try await on("intake", isPlanning: false, report) {
            server, traffic, report in
            (report.start, report.idleBytes) = (server.startDuration, server.idleBytes)
            report.pairs = try await measurePairs(server, traffic, isPlanning: false)
        }
        let planned = try await on("planning", isPlanning: true, report) { server, traffic, report in
            report.pairs += try await measurePairs(server, traffic, isPlanning: true)
        }
        let loaded = try await on("long", isPlanning: true, planned) { server, traffic, report in
            report.long = try await measureLong(server, traffic)
        }
        return try await on("steady", isPlanning: true, loaded) { server, traffic, report in
            report.steady = try await measureSteady(server, traffic, rate: (report.long?.side.perSecond ?? 0) / 2)
        }
    }

    /// Adds to a report what is measured on a fresh server that has answered for a second.
    private func on(
        _ name: String, isPlanning: Bool, _ report: BenchReport,
        _ measure: @Sendable (BenchServer, BenchTraffic, inout BenchReport) async throws -> Void
    ) async throws -> BenchReport {
        let place = try place(name)
        let (reports, found) = AsyncStream.makeStream(of: BenchReport.self)
        try await BenchServer.with(place, isPlanning: isPlanning) { server in
            var report = report
            let traffic = BenchTraffic(secret: BenchServer.stripeSecret, time: server.installation.world.time)
            try await load(server, traffic, BenchServer.intakePath, connections: 16, for: .seconds(1))
            if isPlanning { try await settle(server) }
            try await measure(server, traffic, &report)
            found.yield(report)
        }
        found.finish()
        return await reports.first { _ in true } ?? report
    }

    func place(_ name: String) throws -> BenchPlace {
        try BenchPlace(folder: folder, name: name, postgres: postgres)
    }

    private func measurePairs(
        _ server: BenchServer, _ traffic: BenchTraffic, isPlanning: Bool
    ) async throws -> [BenchReport.Pair] {
        var pairs: [BenchReport.Pair] = []
        for connections in Self.connectionCounts {
            pairs.append(try await pair(server, traffic, connections: connections, isPlanning: isPlanning))
        }
        return pairs
    }

    /// Empty and durable by turns, each first as often as the other, so that a drift of the machine meets both.
    func pair(
        _ server: BenchServer, _ traffic: BenchTraffic, connections: Int, isPlanning: Bool
    ) async throws -> BenchReport.Pair {
        var (empty, durable): ([LoadGenerator.Outcome], [LoadGenerator.Outcome]) = ([], [])
        for number in 0..<pairCount {
            terminal.progress(
                "\(connections) connections, planning \(isPlanning ? "on" : "off"): pair \(number + 1) of \(pairCount)")
            let paths = [BenchServer.emptyPath, BenchServer.intakePath]
            for path in number.isMultiple(of: 2) ? paths : paths.reversed() {
                let outcome = try await load(server, traffic, path, connections: connections, for: pairDuration)
                if path == BenchServer.emptyPath { empty.append(outcome) } else { durable.append(outcome) }
                if isPlanning { try await settle(server) }
            }
        }
        return BenchReport.Pair(
            isPlanning: isPlanning, connections: connections, empty: .init(empty), durable: .init(durable))
    }

    private func measureLong(_ server: BenchServer, _ traffic: BenchTraffic) async throws -> BenchReport.Long {
        terminal.progress("full load with planning for \(Int(longDuration.inSeconds)) s")
        _ = server.destination.take()
        let outcome = try await load(server, traffic, BenchServer.intakePath, connections: 64, for: longDuration)
        let effects = server.destination.effects
        let figures = try await server.installation.journal.figures(now: server.installation.world.time.now)
        return BenchReport.Long(
            seconds: outcome.elapsed.inSeconds, side: .init([outcome]), unplanned: figures.pending, effects: effects,
            residentBytes: Machine.residentBytes)
    }

    private func measureSteady(
        _ server: BenchServer, _ traffic: BenchTraffic, rate: Double
    ) async throws -> BenchReport.Steady {
        terminal.progress("steady load of \(Int(rate))/s for \(Int(steadyDuration.inSeconds)) s")
        _ = server.destination.take()
        let outcome = try await load(
            server, traffic, BenchServer.intakePath, connections: 64, for: steadyDuration, rate: rate)
        try await settle(server)
        let (effects, delays) = server.destination.take()
        let delay = BenchReport.Delays(delays.map(Double.init))
        return BenchReport.Steady(
            rate: rate, side: .init([outcome]), effects: effects, p50: delay.p50, p95: delay.p95)
    }

    @discardableResult
    func load(
        _ server: BenchServer, _ traffic: BenchTraffic, _ path: String, connections: Int, for duration: Duration,
        rate: Double? = nil
    ) async throws -> LoadGenerator.Outcome {
        try await LoadGenerator(
            port: server.port, connections: connections, duration: duration, rate: rate,
            make: { _ in traffic.next(path: path) }
        ).run()
    }

    /// Waits until all that arrived is planned and done.
    func settle(_ server: BenchServer, within limit: Duration = .seconds(30)) async throws {
        let (journal, time) = (server.installation.journal, server.installation.world.time)
        let end = time.uptime + limit
        while time.uptime < end {
            let figures = try await journal.figures(now: time.now)
            if figures.pending == 0 && figures.openJobs.isEmpty { return }
            try await time.sleep(for: .milliseconds(100))
        }
    }
}
