import Journal
import Model
import Seams
import Settings

/// Inserts, claims and settles jobs through the journal itself, one commit after the other.
struct JobRates: Sendable {
    /// Events that each carry one commit's jobs are received so many at a time, beside the clock.
    private static let eventsAtOnce = 64

    let server: BenchServer
    let filling: JournalFilling

    func measure(batch: Int, for duration: Duration) async throws -> BenchReport.Batch {
        let clock = ContinuousClock()
        var (jobs, inserting, exchanging): (Int, Duration, Duration) = (0, .zero, .zero)
        var settlements: [Settlement] = []
        while inserting + exchanging < duration {
            try await filling.receive(Self.eventsAtOnce)
            for _ in 0..<Self.eventsAtOnce where inserting + exchanging < duration {
                let start = clock.now
                try await insert(batch)
                let inserted = clock.now
                let claimed = try await exchange(&settlements, batch)
                exchanging += clock.now - inserted
                inserting += inserted - start
                jobs += batch
                guard claimed == batch else {
                    throw Failure(.journal, "Only \(claimed) of \(batch) jobs could be claimed.")
                }
            }
        }
        _ = try await exchange(&settlements, 0)
        try await filling.plan()
        return BenchReport.Batch(
            size: batch, inserted: Double(jobs) / inserting.inSeconds, exchanged: Double(jobs) / exchanging.inSeconds)
    }

    /// One event's plan: so many jobs with nothing else.
    private func insert(_ count: Int) async throws {
        let (world, call) = (server.installation.world, Flow.Call(destination: "hook", action: "send"))
        let (now, mint) = (world.time.now, world.mint)
        let subject: SubjectID = mint.make()
        let summary = try await server.installation.journal.planPending(limit: 1, now: now) { event, tx in
            for number in 0..<count {
                let job = NewJob(
                    id: mint.make(),
                    effect: EffectKey(flow: "bench", call: call, fact: "\(event.id)", generation: number),
                    flow: "bench", call: call, event: event.id, fact: nil, subject: subject,
                    lane: "\(event.id) \(number)", startsAt: now)
                try tx.insert(job, at: now)
            }
        }
        guard summary.planned == 1 else { throw Failure(.journal, "The jobs of the benchmark could not be planned.") }
    }

    /// Settles what was claimed last and claims as many others; returns how many.
    private func exchange(_ settlements: inout [Settlement], _ count: Int) async throws -> Int {
        let installation = server.installation
        let claims = stride(from: 0, to: count, by: Limits.claimBatchMax).map {
            ClaimRequest(destination: "hook", limit: min(Limits.claimBatchMax, count - $0))
        }
        let now = installation.world.time.now
        let exchange = try await installation.journal.exchange(settlements, claims: claims, node: "bench", now: now)
        settlements = exchange.claimed.map { job in
            Settlement(
                job: job.id, token: job.token, result: .completed(nil, supersedesUpTo: nil),
                attempt: AttemptEnd(outcome: .succeeded, endedAt: now, durationMilliseconds: 1, status: 200))
        }
        return exchange.claimed.count
    }
}
