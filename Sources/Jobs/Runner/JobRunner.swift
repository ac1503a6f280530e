package import ConnectorKit
package import Journal
package import Logging
package import Model
package import Seams
internal import ServiceLifecycle
package import Settings
internal import Synchronization

/// Claims jobs, has them worked, and settles what came of them.
///
/// One loop speaks with the journal: it settles what has ended and claims what there is room for in one transaction.
/// Each job is worked in a child task of its own. On shutdown nothing more is claimed, calls under way may end within
/// `drainDuration`, what was not called yet is handed back.
package final class JobRunner: Service, Sendable {
    static let pollDuration: Duration = .seconds(1)
    static let waitLeast: Duration = .milliseconds(5)
    static let waitOverdue: Duration = .milliseconds(50)
    static let drainDuration: Duration = .seconds(25)
    static let maintenanceInterval: Duration = .seconds(10)
    static let beatInterval: Duration = .seconds(1)
    private static let flushesMax = 20

    let journal: any WorkJournal
    let connectors: ConnectorSet
    let settings: LiveSettings
    let world: World
    let node: String
    let logger: Logger
    let trailURL: @Sendable (EventID) -> String?
    let onSettled: @Sendable (ClaimedJob, Settlement) -> Void
    let state: Mutex<RunnerState>
    let signal = Signal()

    /// `onSettled` is told how each attempt ended, before it is written; it must not block.
    package init(
        journal: any WorkJournal, connectors: ConnectorSet, settings: LiveSettings, world: World, node: String,
        logger: Logger, trailURL: @escaping @Sendable (EventID) -> String? = { _ in nil },
        onSettled: @escaping @Sendable (ClaimedJob, Settlement) -> Void = { _, _ in }
    ) {
        self.journal = journal
        self.connectors = connectors
        self.settings = settings
        self.world = world
        self.node = node
        self.logger = logger
        self.trailURL = trailURL
        self.onSettled = onSettled
        var state = RunnerState(at: world.time.uptime)
        state.adopt(settings.current.destinations, at: world.time.uptime)
        self.state = Mutex(state)
    }

    /// New work may be there.
    package func wake() { signal.raise() }

    /// Ends `run()`: nothing more is claimed, what runs may end within `drainDuration`.
    package func stop() {
        state.withLock { $0.isStopping = true }
        signal.raise()
    }

    package func run() async throws {
        await withTaskCancellationOrGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                var rounds = Rounds()
                while !isStopping {
                    let wait = await round(&rounds, in: &group)
                    await signal.wait(upTo: wait, on: world.time)
                }
                await drain(&rounds, &group)
            }
            await flush()
        } onCancelOrGracefulShutdown: {
            self.stop()
        }
    }

    // MARK: Rounds

    /// What one round leaves for the next.
    private struct Rounds {
        /// Running jobs without a worker: those of an earlier process, and those of a claim whose answer was lost.
        var isRescueDue = true
        var failures = 0
        var maintainedAt: Duration?
        var beatAt: Duration?
        /// The journal has no other owner: there is nobody to show a sign of life to.
        var isAlone = false
    }

    private var isStopping: Bool { state.withLock { $0.isStopping } }
    private var now: RunnerState.Now { RunnerState.Now(instant: world.time.now, uptime: world.time.uptime) }

    /// Goes once round; returns how long to wait for a signal before the next.
    ///
    /// In the journal's trouble nothing is claimed and nothing is lost: what has ended stays for the next round.
    private func round(_ rounds: inout Rounds, in group: inout DiscardingTaskGroup) async -> Duration {
        do {
            try await beat(&rounds)
            try await rescue(&rounds)
            try await loadPauses()
            try await runErrands()
            try await maintain(&rounds)
            let wait = try await exchange(&rounds, in: &group)
            startProbes(in: &group)
            if rounds.failures > 0 { logger.notice("journal takes settlements again") }
            rounds.failures = 0
            return wait
        } catch {
            if rounds.failures == 0 {
                logger.error("journal does not take settlements", metadata: ["error": "\(Self.safe(error))"])
            }
            rounds.failures += 1
            return min(.milliseconds(50) * (1 << min(rounds.failures, 7)), .seconds(5))
        }
    }

    /// Renews the lease and takes over what dead nodes held, each second.
    private func beat(_ rounds: inout Rounds) async throws {
        let uptime = world.time.uptime
        if rounds.isAlone { return }
        if let last = rounds.beatAt, uptime - last < Self.beatInterval { return }
        let beat = try await journal.beat(isWorking: true, now: world.time.now)
        rounds.beatAt = uptime
        rounds.isAlone = beat.lease == nil
        let destinations = settings.current.destinations
        state.withLock { $0.note(beat, sentAt: uptime, destinations) }
        if beat.rescued > 0 { logger.notice("jobs of dead nodes taken over", metadata: ["jobs": "\(beat.rescued)"]) }
    }

    private func rescue(_ rounds: inout Rounds) async throws {
        guard rounds.isRescueDue, state.withLock({ $0.inFlight == 0 && !$0.hasSettlements }) else { return }
        let rescued = try await journal.rescueRunning(now: world.time.now)
        rounds.isRescueDue = false
        if rescued > 0 { logger.notice("lost jobs rescued", metadata: ["jobs": "\(rescued)"]) }
    }

    private func loadPauses() async throws {
        while let changes = state.withLock({ $0.arePausesInDoubt ? $0.pauseChanges : nil }) {
            let pauses = try await journal.pauses()
            let uptime = world.time.uptime
            // Where somebody paused or resumed one meanwhile, they are read again.
            state.withLock { if $0.pauseChanges == changes { $0.load(pauses, at: uptime) } }
        }
    }

    private func runErrands() async throws {
        let now = now
        state.withLock { $0.noticeUnreachable(at: now) }
        while let errand = state.withLock({ $0.errand }) {
            switch errand.chore {
            case .pause(let pause):
                try await journal.setPause(pause, of: errand.destination, now: world.time.now)
            case .openAlert(let alert): try await journal.openAlert(alert)
            case .endAlert(let key): try await journal.endAlert(key: key, at: world.time.now)
            }
            state.withLock { $0.told(errand) }
        }
    }

    private func maintain(_ rounds: inout Rounds) async throws {
        let uptime = world.time.uptime
        if let last = rounds.maintainedAt, uptime - last < Self.maintenanceInterval { return }
        let expired = try await journal.expireWaits(now: world.time.now)
        rounds.maintainedAt = uptime
        if expired > 0 { logger.notice("waits ran out", metadata: ["jobs": "\(expired)"]) }
    }

    private func exchange(_ rounds: inout Rounds, in group: inout DiscardingTaskGroup) async throws -> Duration {
        let isClaiming = !rounds.isRescueDue
        let uptime = world.time.uptime
        let (batch, claims) = state.withLock { state in
            (state.takeSettlements(), isClaiming ? state.claims(at: uptime) : [])
        }
        guard !batch.isEmpty || !claims.isEmpty else {
            return nextWait(due: nil, asked: isClaiming ? [:] : nil, rounds)
        }
        let now = world.time.now
        let exchange: Exchange
        do {
            CrashPoint.exchangeDue.pass()
            exchange = try await journal.exchange(batch, claims: claims, node: node, now: now)
            CrashPoint.exchangeKept.pass()
        } catch {
            state.withLock { $0.putBack(batch) }
            // It may have been written all the same: then jobs run that nobody works.
            if !claims.isEmpty { rounds.isRescueDue = true }
            throw error
        }
        for job in exchange.refused {
            logger.warning("settlement refused", metadata: ["job.id": "\(job)"])
        }
        state.withLock { $0.took(exchange.claimed, at: uptime) }
        for job in exchange.claimed { group.addTask { await self.work(job, begunAt: now) } }
        let counts = Dictionary(grouping: exchange.claimed, by: \.call.destination).mapValues(\.count)
        let asked = Dictionary(
            claims.map { ($0.destination, counts[$0.destination] == $0.limit) }, uniquingKeysWith: { first, _ in first }
        )
        return nextWait(
            due: exchange.nextDue.map { $0 - world.time.now }, asked: isClaiming ? asked : nil, rounds)
    }

    private func nextWait(due: Duration?, asked: [String: Bool]?, _ rounds: Rounds) -> Duration {
        let uptime = world.time.uptime
        let (change, isIdle) = state.withLock { state in
            (state.nextChange(at: uptime, asked: asked), state.inFlight == 0)
        }
        if rounds.isRescueDue && isIdle { return .zero }
        if change == .zero { return .zero }
        // What is due already waits for room, or for the next slice of what falls due.
        let due = due.map { $0 > .zero ? $0 : Self.waitOverdue }
        let times = [due, change, Self.pollDuration].compactMap(\.self)
        return max(times.min() ?? Self.pollDuration, Self.waitLeast)
    }

    // MARK: Ending

    private func drain(_ rounds: inout Rounds, _ group: inout DiscardingTaskGroup) async {
        let end = world.time.uptime + Self.drainDuration
        while !Task.isCancelled, world.time.uptime < end, state.withLock({ $0.inFlight > 0 }) {
            let wait = await round(&rounds, in: &group)
            await signal.wait(upTo: min(wait, end - world.time.uptime), on: world.time)
        }
        group.cancelAll()
    }

    /// Settles what the last workers left; every child has ended by now.
    private func flush() async {
        for _ in 0..<Self.flushesMax {
            let batch = state.withLock { $0.takeSettlements() }
            do {
                try await runErrands()
                if !batch.isEmpty {
                    _ = try await journal.exchange(batch, claims: [], node: node, now: world.time.now)
                }
                return
            } catch {
                state.withLock { $0.putBack(batch) }
                // A cancelled wait only makes the tries follow at once.
                try? await world.time.sleep(for: .milliseconds(100))
            }
        }
        let left = state.withLock { $0.takeSettlements() }
        logger.error("settlements lost at shutdown, attempts count as unknown", metadata: ["jobs": "\(left.count)"])
    }

    /// What may stand in a log: our own failures say nothing about persons, other errors may.
    static func safe(_ error: any Error) -> String { (error as? Failure)?.message ?? "\(type(of: error))" }
}
