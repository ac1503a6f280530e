import Journal
import Model
import Seams
import Settings
import Synchronization
import TestKit

/// The jobs' side of a journal in memory: what the runner's scenes need of its promises, and faults on demand.
final class MemoryJournal: WorkJournal {
    struct Row: Sendable {
        var job: ClaimedJob
        var state: JobState = .available
        var lane: String?
        var position: Int64
        var dueAt: Instant?
        var note: String?
        var record: ExternalRecord?
        var waitsUntil: Instant?
    }

    enum Fault: Sendable { case refuses, losesAnswer }

    struct State: Sendable {
        var rows: [JobID: Row] = [:]
        var attempts: [(job: JobID, end: AttemptEnd)] = []
        var claims: [(at: Instant, count: Int)] = []
        var refused: [JobID] = []
        var pauses: [String: Pause] = [:]
        var pausesMade = 0
        var alerts: [String: NewAlert] = [:]
        var alertsTold: [String] = []
        var faults: [Fault] = []
        var rescues = 0
        var records: [ExternalRecord] = []
        var data: JSONObject = ["email": "ada@example.com"]
        var done: (@Sendable (State) -> Bool)?
    }

    let state = Mutex(State())
    let done = Signal()
    /// Raised in `surroundings`, before anything is called.
    let onSurroundings: Mutex<(@Sendable () async -> Void)?> = Mutex(nil)

    var now: State { state.withLock { $0 } }
    func ended(_ jobState: JobState) -> Int { now.rows.values.count { $0.state == jobState } }

    func add(_ jobs: Int, lane: String? = nil, at now: Instant = Build.start) {
        state.withLock { state in
            for _ in 0..<jobs {
                var job = Build.claimed(createdAt: now)
                job.token = 0
                job.effect = EffectKey(text: "new-lead/crm.act/\(job.id)/0")
                let position = Int64(state.rows.count + 1)
                let isBehind = lane != nil && state.rows.values.contains { $0.lane == lane && !$0.state.isEnded }
                state.rows[job.id] = Row(
                    job: job, state: isBehind ? .waiting : .available, lane: lane, position: position)
            }
        }
    }

    func exchange(_ settlements: [Settlement], claims: [ClaimRequest], node: String, now: Instant) async throws
        -> Exchange
    {
        try state.withLock { state in
            defer { if state.done?(state) == true { done.raise() } }
            let fault = state.faults.isEmpty ? nil : state.faults.removeFirst()
            if fault == .refuses { throw Failure(.journal, "The disk is full.") }
            var refused: [JobID] = []
            for settlement in settlements where !state.settle(settlement) { refused.append(settlement.job) }
            state.refused += refused
            state.promote(now)
            let claimed = claims.flatMap { state.claim($0, now: now) }
            if !claimed.isEmpty { state.claims.append((now, claimed.count)) }
            if fault == .losesAnswer { throw Failure(.journal, "The disk did not say whether it was written.") }
            let due = state.rows.values.filter { $0.state == .retryable }.compactMap(\.dueAt).min()
            return Exchange(claimed: claimed, refused: refused, nextDue: due)
        }
    }

    func keepRequest(_ request: StoredRequest, of job: JobID, token: Int64) async throws -> Bool {
        state.withLock { state in
            guard state.rows[job]?.job.token == token else { return false }
            if state.rows[job]?.job.request == nil { state.rows[job]?.job.request = request }
            return true
        }
    }

    func surroundings(of job: JobID) async throws -> Surroundings? {
        if let hook = onSurroundings.withLock({ $0 }) { await hook() }
        return state.withLock { state in
            guard let row = state.rows[job] else { return nil }
            let event = Event(
                id: row.job.event, source: "chat", externalID: "e", externalType: "lead_captured",
                type: .leadCaptured, occurredAt: Build.start, receivedAt: Build.start, data: state.data)
            return Surroundings(
                event: event, data: state.data,
                subject: SubjectView(id: row.job.subject, identifiers: [], state: SubjectState()), payments: [],
                records: state.records, asOf: Sight(job: Int64(state.rows.count), join: 0))
        }
    }

    func rescueRunning(now: Instant) async throws -> Int {
        state.withLock { state in
            state.rescues += 1
            let lost = state.rows.values.filter { $0.state == .running }
            for row in lost {
                state.rows[row.job.id]?.state = .available
                state.rows[row.job.id]?.job.unknownSince = now
                state.rows[row.job.id]?.job.attempts += 1
            }
            return lost.count
        }
    }

    func expireWaits(now: Instant) async throws -> Int {
        state.withLock { state in
            let over = state.rows.values.filter { $0.state == .waiting && $0.waitsUntil.map { $0 <= now } == true }
            for row in over { state.rows[row.job.id]?.state = .dead }
            return over.count
        }
    }

    func setPause(_ pause: Pause?, of destination: String, now: Instant) async throws {
        state.withLock { state in
            if pause != nil { state.pausesMade += 1 }
            if pause?.cause != .person, pause != nil, state.pauses[destination]?.cause == .person { return }
            state.pauses[destination] = pause
        }
    }

    func pauses() async throws -> [String: Pause] { now.pauses }

    func openAlert(_ alert: NewAlert) async throws {
        state.withLock { state in
            state.alerts[alert.key] = alert
            state.alertsTold.append(alert.key)
        }
    }

    func endAlert(key: String, at now: Instant) async throws { state.withLock { $0.alerts[key] = nil } }
}

extension MemoryJournal.State {
    mutating func settle(_ settlement: Settlement) -> Bool {
        guard var row = rows[settlement.job], row.state == .running, row.job.token == settlement.token else {
            return false
        }
        attempts.append((settlement.job, settlement.attempt))
        switch settlement.attempt.outcome {
        case .unknown: row.job.unknownSince = settlement.attempt.endedAt
        case .succeeded: row.job.unknownSince = nil
        default: break
        }
        switch settlement.result {
        case .completed(let record, let supersedesUpTo):
            row.state = .completed
            row.record = record
            for other in rows.values where other.lane == row.lane && other.lane != nil && other.state == .waiting {
                guard let supersedesUpTo, other.position <= supersedesUpTo.job else { continue }
                rows[other.job.id]?.state = .completed
                rows[other.job.id]?.note = "superseded by \(row.job.id)"
            }
        case .retry(let at, let isSpent):
            row.state = .retryable
            row.dueAt = at
            if isSpent { row.job.attempts += 1 }
        case .waiting(_, let until):
            row.state = .waiting
            row.waitsUntil = until
        case .held: row.state = .held
        case .dead: row.state = .dead
        }
        rows[settlement.job] = row
        if row.state.isEnded, let lane = row.lane {
            let heirs = rows.values.filter { $0.lane == lane && $0.state == .waiting }
            if let next = heirs.min(by: { $0.position < $1.position }) { rows[next.job.id]?.state = .available }
        }
        return true
    }

    mutating func promote(_ now: Instant) {
        for row in rows.values where row.state == .retryable && row.dueAt.map({ $0 <= now }) == true {
            rows[row.job.id]?.state = .available
        }
    }

    mutating func claim(_ request: ClaimRequest, now: Instant) -> [ClaimedJob] {
        guard pauses[request.destination] == nil else { return [] }
        let next = rows.values.filter { $0.state == .available && $0.job.call.destination == request.destination }
            .sorted { $0.position < $1.position }.prefix(request.limit)
        return next.map { row in
            var job = row.job
            job.token += 1
            rows[job.id]?.state = .running
            rows[job.id]?.job.token = job.token
            if row.job.firstAttemptAt == nil { rows[job.id]?.job.firstAttemptAt = now }
            return job
        }
    }
}
