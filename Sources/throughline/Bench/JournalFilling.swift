import Intake
import Journal
import Model
import Planning
import Seams
import Settings

/// Brings events into a journal and plans them, as in service but without HTTP.
struct JournalFilling: Sendable {
    private static let senders = 256
    private static let pauseWhenRefused: Duration = .milliseconds(20)

    let server: BenchServer
    let traffic: BenchTraffic

    /// Receives `count` signed deliveries.
    func receive(_ count: Int) async throws {
        let (intake, traffic, counter) = (server.installation.intake, traffic, Counter())
        let time = server.installation.world.time
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<min(Self.senders, count) {
                group.addTask {
                    while counter.next() < count {
                        let delivery = traffic.next(path: BenchServer.intakePath)
                        var answer = await Self.send(delivery, to: intake)
                        // Where the machine is slow it is told to come again, as every sender is.
                        while answer.status == 429 {
                            try await time.sleep(for: Self.pauseWhenRefused)
                            answer = await Self.send(delivery, to: intake)
                        }
                        guard answer.status == 200 else {
                            throw Failure(.journal, "The journal took no more: \(answer.body.encodedText)")
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private static func send(_ delivery: LoadGenerator.Request, to intake: Intake) async -> IntakeAnswer {
        await intake.receive(
            source: "stripe", headers: delivery.headers.map { (name: $0.0, value: $0.1) }, body: delivery.body)
    }

    /// Plans all that is pending, with the flow of the benchmark: one job an event.
    func plan() async throws {
        let installation = server.installation
        let planner = Planner(
            settings: installation.live.current, connectors: installation.connectors, mint: installation.world.mint)
        var isMore = true
        while isMore {
            let now = installation.world.time.now
            isMore = try await installation.journal.planPending(limit: Limits.planBatchMax, now: now) { event, tx in
                try planner.plan(event, in: tx, now: now)
            }.isMore
        }
    }
}

extension ContinuousClock {
    /// How long `body` takes, at least a nanosecond.
    static func seconds(_ body: () async throws -> Void) async rethrows -> Double {
        let start = now
        try await body()
        return max((now - start).inSeconds, 1e-9)
    }
}
