internal import API
internal import Journal
internal import Logging
internal import Model
internal import Seams
internal import ServiceLifecycle
internal import Synchronization

/// Carries out what people order for many things at once, one order after the other, in slices, until it is done or
/// somebody says stop.
///
/// Orders live in memory: one that is cut off by a restart is half done, and says in the audit how far it came.
final class BulkDesk: Service {
    enum Order: Sendable, Equatable {
        case jobs(BulkAction, JobFilter)
        case quarantine(KeptFilter)

        var isOfQuarantine: Bool { if case .quarantine = self { true } else { false } }
    }

    struct Run: Sendable {
        enum State: String, Sendable {
            case waiting, running, done, stopped, failed

            var isOpen: Bool { self == .waiting || self == .running }
        }

        var id: String
        var order: Order
        /// What it is, in words.
        var title: String
        var actor: String
        var orderedAt: Instant
        /// How many it was to be when it was ordered.
        var planned: Int
        var done = 0
        /// Of them those that could not be done.
        var refused = 0
        var state = State.waiting
        var problem: String?
        var isStopping = false
    }

    static let runsMax = 50
    static let sliceMax = 100
    static let pause: Duration = .milliseconds(50)
    static let idle: Duration = .milliseconds(200)

    private let dependencies: Dependencies
    private let runs = Mutex<[Run]>([])

    init(dependencies: Dependencies) { self.dependencies = dependencies }

    /// Throws where too many orders wait.
    func order(_ order: Order, title: String, planned: Int, by actor: String) throws -> String {
        let run = Run(
            id: Crockford.encode(dependencies.chance.bytes(10)), order: order, title: title, actor: actor,
            orderedAt: dependencies.time.now, planned: planned)
        return try runs.withLock { runs in
            // A button that was pressed twice.
            if let same = runs.first(where: { $0.order == order && $0.actor == actor && $0.state.isOpen }) {
                return same.id
            }
            if runs.count >= Self.runsMax,
                let old = runs.firstIndex(where: { !$0.state.isOpen })
            {
                runs.remove(at: old)
            }
            guard runs.count < Self.runsMax else {
                throw Failure(.overloaded, "\(Self.runsMax) orders wait already. Let them be done first.")
            }
            runs.append(run)
            return run.id
        }
    }

    func run(_ id: String) -> Run? { runs.withLock { $0.first { $0.id == id } } }
    /// The newest first.
    var all: [Run] { runs.withLock { $0.reversed() } }

    /// It ends with the slice that is under way; what is done stays done.
    func stop(_ id: String) {
        change(id) { run in
            if run.state == .waiting { run.state = .stopped }
            run.isStopping = true
        }
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                if let next = self.runs.withLock({ $0.first { $0.state == .waiting } }) {
                    await self.carryOut(next)
                } else {
                    // Cancelled while waiting: the loop's condition ends it.
                    try? await self.dependencies.time.sleep(for: Self.idle)
                }
            }
        }
    }

    private func carryOut(_ run: Run) async {
        change(run.id) { $0.state = .running }
        do {
            switch run.order {
            case .jobs(let action, let filter): try await carryOut(run, action, filter)
            case .quarantine(let filter): try await carryOut(run, filter)
            }
            change(run.id) { $0.state = $0.isStopping ? .stopped : .done }
        } catch {
            let words = (error as? Failure)?.message ?? "it was cut off"
            dependencies.logger.warning("a bulk order ended early", metadata: ["error": "\(words)"])
            change(run.id) { run in
                run.state = .failed
                run.problem = words
            }
        }
    }

    private func carryOut(_ run: Run, _ action: BulkAction, _ filter: JobFilter) async throws {
        // Jobs that die again meanwhile fit anew: the order is for as many as were planned.
        var left = run.planned
        while left > 0, !isStopping(run.id) {
            try Task.checkCancellation()
            let count = try await dependencies.operating.bulk(
                action, filter, limit: min(Self.sliceMax, left), by: run.actor, now: dependencies.time.now)
            guard count > 0 else { break }
            left -= count
            change(run.id) { $0.done += count }
            dependencies.wakeWork()
            try await dependencies.time.sleep(for: Self.pause)
        }
    }

    private func carryOut(_ run: Run, _ filter: KeptFilter) async throws {
        let replay = QuarantineBulk(dependencies: dependencies, filter: filter, limit: run.planned)
        var (cursor, seen): (String?, Int) = (nil, 0)
        repeat {
            let page = try await dependencies.reading.keptDeliveries(
                filter, page: PageRequest(limit: min(Self.sliceMax, run.planned - seen), cursor: cursor))
            for kept in page.items where !isStopping(run.id) {
                try Task.checkCancellation()
                seen += 1
                let isRefused = await replay.replay(kept, actor: run.actor) == "refused"
                change(run.id) { run in
                    run.done += 1
                    if isRefused { run.refused += 1 }
                }
            }
            cursor = page.next
            try await dependencies.time.sleep(for: Self.pause)
        } while cursor != nil && seen < run.planned && !isStopping(run.id)
        try await dependencies.operating.note(
            AuditRow(
                at: dependencies.time.now, actor: run.actor, action: "quarantine.replay", target: "\(seen) deliveries"))
    }

    private func isStopping(_ id: String) -> Bool { run(id)?.isStopping ?? true }

    private func change(_ id: String, _ change: (inout Run) -> Void) {
        runs.withLock { runs in
            if let index = runs.firstIndex(where: { $0.id == id }) { change(&runs[index]) }
        }
    }
}
