import Seams

/// Events that walk the street one stage after the other, without HTTP: what they cost can be counted from outside,
/// as the difference between two walks of different lengths.
struct BenchWalk: Sendable {
    enum Stage: String, Sendable, CaseIterable {
        /// Verified, read and kept.
        case receive
        /// And planned.
        case plan
        /// And their jobs claimed and settled, 50 a commit.
        case work
    }

    private static let jobsAtOnce = 50

    var count: Int
    var through: Stage
    var folder: String

    func run() async throws {
        let place = try BenchPlace(folder: folder, name: "walk", postgres: nil)
        try await BenchServer.with(place, isPlanning: false) { server in
            let traffic = BenchTraffic(secret: BenchServer.stripeSecret, time: server.installation.world.time)
            let filling = JournalFilling(server: server, traffic: traffic)
            try await filling.receive(count)
            if through == .receive { return }
            try await filling.plan()
            if through == .plan { return }
            try await JobRates(server: server, filling: filling).work(count, atOnce: Self.jobsAtOnce)
        }
    }
}
