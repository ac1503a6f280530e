import Foundation
import Jobs
import Model
import Seams

extension BenchRun {
    static let batchSizes = [1, 50, 500]
    private static let aloneCount = 50
    /// Calls of a destination that answers at once: what bounds it is the journal.
    private static let drainConcurrency = 500
    /// What an event with its plan and job takes on the disk, with something to spare: for asking whether there is room.
    private static let eventSizeMax = 8 << 10

    /// Jobs as in service, then the journal's own rates with each backlog.
    func measureJobs(_ report: BenchReport) async throws -> BenchReport {
        try checkRoom()
        var report = report
        for isOverLoopback in [false, true] {
            report.drains.append(try await drain(isOverLoopback: isOverLoopback))
        }
        for backlog in backlogs {
            report.sizes.append(try await size(backlog))
        }
        return report
    }

    private func checkRoom() throws {
        guard let largest = backlogs.max() else { return }
        // Where the system does not say, the journal will.
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: folder)
        guard let free = (attributes?[.systemFreeSize] as? NSNumber)?.int64Value else { return }
        guard Int64(largest) * Int64(Self.eventSizeMax) < free else {
            throw Failure(
                .usage,
                "A backlog of \(largest) may need \((largest * Self.eventSizeMax) >> 30) GiB, and \(folder) has "
                    + "\(free >> 30). Take a smaller --backlog or another --folder.")
        }
    }

    // MARK: As in service

    private func drain(isOverLoopback: Bool) async throws -> BenchReport.Drain {
        terminal.progress("\(drainCount) jobs, effects \(isOverLoopback ? "over loopback" : "in process")")
        guard isOverLoopback else { return try await drain(to: nil) }
        let (drains, found) = AsyncStream.makeStream(of: BenchReport.Drain.self)
        try await BenchServer.with(place("stand-in"), isPlanning: false) { server in
            let url = "http://127.0.0.1:\(server.port)\(BenchServer.emptyPath)"
            let measured = try await OutboundHTTP.with { http in
                try await drain(to: InstantDestination.StandIn(http: http, url: url))
            }
            found.yield(measured)
        }
        found.finish()
        return try await Self.first(of: drains)
    }

    /// Plans all jobs first; the clock runs from the server that finds them to the last effect.
    private func drain(to standIn: InstantDestination.StandIn?) async throws -> BenchReport.Drain {
        let place = try place("drain")
        defer { place.remove() }
        try await BenchServer.keeping(place, isPlanning: false) { server in
            let filling = JournalFilling(server: server, traffic: traffic(of: server))
            try await filling.receive(drainCount)
            try await filling.plan()
        }
        let (drains, found) = AsyncStream.makeStream(of: BenchReport.Drain.self)
        let (picked, pickups) = AsyncStream.makeStream(of: BenchReport.Delays.self)
        try await BenchServer.keeping(
            place, isPlanning: true, standIn: standIn, concurrency: Self.drainConcurrency
        ) { server in
            let seconds = try await ContinuousClock.seconds { try await done(drainCount, by: server) }
            let rate = Double(server.destination.effects) / seconds
            let alone = try await measureAlone(server)
            found.yield(
                BenchReport.Drain(isOverLoopback: standIn != nil, jobs: drainCount, perSecond: rate, alone: alone))
        }
        try await BenchServer.keeping(place, isPlanning: false, isWorking: true, standIn: standIn) { server in
            pickups.yield(try await measurePickup(server))
        }
        found.finish()
        pickups.finish()
        var drain = try await Self.first(of: drains)
        drain.pickup = try await Self.first(of: picked)
        return drain
    }

    /// Waits for so many effects, which costs the journal nothing, and then for the last of their jobs to be settled.
    private func done(_ count: Int, by server: BenchServer) async throws {
        let time = server.installation.world.time
        let end = time.uptime + .seconds(600)
        while server.destination.effects < count, time.uptime < end { try await time.sleep(for: .milliseconds(5)) }
        try await settle(server, within: max(end - time.uptime, .zero))
    }

    /// From an event's receipt to its effect, one event at a time with nothing else to do.
    private func measureAlone(_ server: BenchServer) async throws -> BenchReport.Delays {
        let filling = JournalFilling(server: server, traffic: traffic(of: server, firstNumber: drainCount))
        _ = server.destination.take()
        for number in 1...Self.aloneCount {
            try await filling.receive(1)
            try await wait(for: number, at: server)
        }
        return BenchReport.Delays(server.destination.take().delays.map(Double.init))
    }

    /// From the commit that made a job to its call, one job at a time with nothing else to do.
    private func measurePickup(_ server: BenchServer) async throws -> BenchReport.Delays {
        let first = drainCount + Self.aloneCount
        let filling = JournalFilling(server: server, traffic: traffic(of: server, firstNumber: first))
        let time = server.installation.world.time
        var delays: [Double] = []
        for number in 1...Self.aloneCount {
            try await filling.receive(1)
            try await filling.plan()
            let madeAt = time.uptime
            server.installation.runner.wake()
            try await wait(for: number, at: server)
            guard let calledAt = server.destination.calledAt else { continue }
            delays.append(max((calledAt - madeAt).inSeconds * 1000, 0))
        }
        return BenchReport.Delays(delays)
    }

    private func wait(for effects: Int, at server: BenchServer) async throws {
        let time = server.installation.world.time
        let end = time.uptime + .seconds(10)
        while server.destination.effects < effects, time.uptime < end { try await time.sleep(for: .milliseconds(1)) }
    }

    // MARK: By size

    private func size(_ backlog: Int) async throws -> BenchReport.Size {
        let place = try place("size")
        defer { place.remove() }
        let (sizes, found) = AsyncStream.makeStream(of: BenchReport.Size.self)
        try await BenchServer.keeping(place, isPlanning: false) { server in
            found.yield(try await fill(server, backlog))
        }
        var filled = try await Self.first(of: sizes)
        if backlog > 0 { filled.bytesPerEvent = try place.journalSize() / backlog }
        let size = filled
        try await BenchServer.keeping(place, isPlanning: false) { server in
            found.yield(try await measure(server, size))
        }
        found.finish()
        return try await Self.first(of: sizes)
    }

    private func fill(_ server: BenchServer, _ backlog: Int) async throws -> BenchReport.Size {
        let filling = JournalFilling(server: server, traffic: traffic(of: server))
        terminal.progress("\(backlog) events: receiving")
        let received = try await ContinuousClock.seconds { try await filling.receive(backlog) }
        terminal.progress("\(backlog) events: planning")
        let planned = try await ContinuousClock.seconds { try await filling.plan() }
        return BenchReport.Size(
            backlog: backlog, filled: Double(backlog) / received, planned: Double(backlog) / planned)
    }

    private func measure(_ server: BenchServer, _ filled: BenchReport.Size) async throws -> BenchReport.Size {
        var size = filled
        size.start = server.startDuration
        let traffic = traffic(of: server, firstNumber: size.backlog)
        try await load(server, traffic, BenchServer.intakePath, connections: 16, for: .seconds(1))
        size.pair = try await pair(server, traffic, connections: 64, isPlanning: false)
        let filling = JournalFilling(server: server, traffic: traffic)
        terminal.progress("\(size.backlog) events and jobs: planning what came on top")
        try await filling.plan()
        let rates = JobRates(server: server, filling: filling)
        for batch in Self.batchSizes {
            terminal.progress("\(size.backlog) events and jobs: \(batch) jobs a commit")
            var turns: [BenchReport.Batch] = []
            for _ in 0..<pairCount { turns.append(try await rates.measure(batch: batch, for: pairDuration)) }
            size.batches.append(BenchReport.Batch(medianOf: turns))
        }
        return size
    }

    private func traffic(of server: BenchServer, firstNumber: Int = 0) -> BenchTraffic {
        BenchTraffic(
            secret: BenchServer.stripeSecret, time: server.installation.world.time, firstNumber: firstNumber)
    }

    private static func first<Value: Sendable>(of values: AsyncStream<Value>) async throws -> Value {
        for await value in values { return value }
        throw Failure(.unavailable, "The measurement ended without a figure.")
    }
}
