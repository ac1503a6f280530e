internal import Journal
internal import JournalSQLite
internal import Model
internal import Synchronization

/// The runner's journal with one promise broken.
final class FlawedWork: WorkJournal {
    enum Kind {
        case unfenced, careless, rendering, hasty, stubborn, losing, unrescued, restless, alarmed, greedy, forgetful
    }

    private let journal: SQLiteJournal
    private let kind: Kind
    private let count = Mutex(0)
    private let late = Mutex<[JobID: Late]>([:])
    private let remembered = Mutex<[SubjectID: SubjectState]>([:])

    /// A settlement that will be said again, with the token of who holds the job by then.
    private struct Late {
        var settlement: Settlement
        var isDue = false
    }

    init(journal: SQLiteJournal, kind: Kind) {
        self.journal = journal
        self.kind = kind
    }

    func exchange(_ settlements: [Settlement], claims: [ClaimRequest], node: String, now: Instant) async throws
        -> Exchange
    {
        var changed: [Settlement] = []
        for settlement in settlements { if let one = try await change(settlement) { changed.append(one) } }
        changed += arriveLate()
        let claims = kind == .greedy ? claims.map { ClaimRequest(destination: $0.destination, limit: 50) } : claims
        var exchange = try await journal.exchange(changed, claims: claims, node: node, now: now)
        for job in exchange.claimed {
            late.withLock {
                $0[job.id]?.settlement.token = job.token
                $0[job.id]?.isDue = true
            }
        }
        exchange.claimed = exchange.claimed.map(change)
        return exchange
    }

    /// What earlier holders of jobs said, said once more now that the jobs are claimed again, and taken for the new
    /// holders' word.
    private func arriveLate() -> [Settlement] {
        late.withLock { late in
            let due = late.values.filter(\.isDue).map(\.settlement)
            for settlement in due { late[settlement.job] = nil }
            return due
        }
    }

    /// Nil: it is lost.
    private func change(_ settlement: Settlement) async throws -> Settlement? {
        var settlement = settlement
        switch kind {
        case .unfenced:
            let kept = settlement
            if case .retry(_, isSpent: true) = settlement.result {
                late.withLock { $0[kept.job] = Late(settlement: kept) }
            }
        case .hasty:
            if case .retry(let at, isSpent: true) = settlement.result {
                settlement.result = .waiting(.record("nothing"), until: at)
            }
        case .stubborn:
            if settlement.result == .dead, settlement.attempt.outcome == .permanent {
                settlement.result = .retry(at: settlement.attempt.endedAt + .seconds(1), isSpent: true)
            }
        case .losing:
            let number = count.withLock { count in
                count += 1
                return count
            }
            if number % 7 == 0 { return nil }
        default: break
        }
        return settlement
    }

    private func change(_ job: ClaimedJob) -> ClaimedJob {
        var job = job
        switch kind {
        case .careless: job.unknownSince = nil
        case .rendering: job.request = nil
        default: break
        }
        return job
    }

    func keepRequest(_ request: StoredRequest, of job: JobID, token: Int64) async throws -> Bool {
        kind == .rendering ? true : try await journal.keepRequest(request, of: job, token: token)
    }

    func surroundings(of job: JobID) async throws -> Surroundings? {
        guard var surroundings = try await journal.surroundings(of: job) else { return nil }
        let subject = surroundings.subject
        if kind == .forgetful, subject.state.registers["payment"] != nil {
            surroundings.subject.state = remembered.withLock { remembered in
                let first = remembered[subject.id] ?? subject.state
                remembered[subject.id] = first
                return first
            }
        }
        return surroundings
    }

    func rescueRunning(now: Instant) async throws -> Int {
        kind == .unrescued ? 0 : try await journal.rescueRunning(now: now)
    }

    func expireWaits(now: Instant) async throws -> Int { try await journal.expireWaits(now: now) }

    func setPause(_ pause: Pause?, of destination: String, now: Instant) async throws {
        if kind == .restless { return }
        try await journal.setPause(pause, of: destination, now: now)
    }

    func pauses() async throws -> [String: Pause] { kind == .restless ? [:] : try await journal.pauses() }
    func openAlert(_ alert: NewAlert) async throws { try await journal.openAlert(alert) }
    func endAlert(key: String, at now: Instant) async throws {
        if kind == .alarmed { return }
        try await journal.endAlert(key: key, at: now)
    }
}
