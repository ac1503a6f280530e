package import ConnectorKit
package import Journal
package import Logging
package import Model
package import Seams
internal import ServiceLifecycle
package import Settings
internal import Synchronization

/// Holds what providers say against the journal: by itself in the interval of `reconcile`, and when it is asked to.
///
/// One run after the other, so that providers are never pressed by two at once.
package final class Reconciler: Service {
    static let ordersMax = 32
    private static let pollInterval: Duration = .seconds(30)

    enum Order: Sendable {
        case compare(Reconciliation)
        case repair(ReconciliationID, causes: Set<Difference.Cause>, by: String)
    }

    private struct Orders {
        var waiting: [Order] = []
        var isStopping = false
    }

    let journal: any ReconciliationJournal & OperatingJournal & ReadingJournal
    let connectors: ConnectorSet
    let histories: HistorySet
    let settings: LiveSettings
    let intake: any Recovering
    let time: any TimeSource
    let mint: IDMint
    let logger: Logger
    let onEvents: @Sendable () -> Void
    let onJobs: @Sendable () -> Void
    private let orders = Mutex(Orders())
    private let signal = Signal()

    package init(
        journal: any ReconciliationJournal & OperatingJournal & ReadingJournal,
        connectors: ConnectorSet, histories: HistorySet, settings: LiveSettings, intake: any Recovering, world: World,
        logger: Logger, onEvents: @escaping @Sendable () -> Void, onJobs: @escaping @Sendable () -> Void
    ) {
        self.journal = journal
        self.connectors = connectors
        self.histories = histories
        self.settings = settings
        self.intake = intake
        time = world.time
        mint = world.mint
        self.logger = logger
        self.onEvents = onEvents
        self.onJobs = onJobs
    }

    // MARK: Ordering

    /// The names of what can be compared.
    package var places: [String] {
        Set(Places(settings.current, connectors, histories).all.map(\.name)).sorted()
    }

    /// Orders a run of that place, or of all that can be compared; the runs are in the journal when this returns.
    ///
    /// `since`: how far back; nil: as the settings say.
    package func order(place: String?, since: Instant?, by actor: String) async throws -> [Reconciliation] {
        let places = try Places(settings.current, connectors, histories).chosen(place)
        let now = time.now
        let until = now - settings.current.reconcile.settle
        let start = since ?? now - settings.current.reconcile.reach
        guard start < until else {
            throw Failure(
                .invalid,
                "What is younger than \(settings.current.reconcile.settle.components.seconds) s may still be on its way "
                    + "(reconcile.settle); look further back.", field: "since")
        }
        guard orders.withLock({ $0.waiting.count + places.count <= Self.ordersMax }) else {
            throw Failure(.overloaded, "\(Self.ordersMax) reconciliations wait already; wait for their end.")
        }
        var runs: [Reconciliation] = []
        for place in places {
            let run = Reconciliation(
                id: mint.make(), place: place.name, side: place.side, since: start, until: until, startedAt: now,
                startedBy: actor)
            try await journal.beginReconciliation(run)
            runs.append(run)
        }
        put(runs.map { .compare($0) })
        return runs
    }

    /// Orders the repair of what a run found; `repairPlan` says what that will be.
    package func orderRepair(
        of id: ReconciliationID, causes: Set<Difference.Cause>, by actor: String
    ) async throws {
        try await checkRepairable(id)
        guard orders.withLock({ $0.waiting.count < Self.ordersMax }) else {
            throw Failure(.overloaded, "\(Self.ordersMax) reconciliations wait already; wait for their end.")
        }
        put([.repair(id, causes: causes, by: actor)])
    }

    private func put(_ new: [Order]) {
        orders.withLock { $0.waiting += new }
        signal.raise()
    }

    // MARK: Running

    package func run() async throws { await run(isScheduled: true) }

    fileprivate func run(isScheduled: Bool) async {
        await withTaskCancellationOrGracefulShutdownHandler {
            var trouble = false
            while !orders.withLock({ $0.isStopping }) {
                if let order = orders.withLock({ $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }) {
                    await cancelWhenGracefulShutdown { await self.perform(order) }
                    continue
                }
                do {
                    if isScheduled, try await orderDue() { continue }
                    trouble = false
                } catch {
                    if !trouble {
                        logger.error(
                            "scheduled reconciliation waits", metadata: ["error.code": "\(Self.kind(of: error))"])
                    }
                    trouble = true
                }
                await signal.wait(upTo: Self.pollInterval, on: time)
            }
        } onCancelOrGracefulShutdown: {
            self.orders.withLock { $0.isStopping = true }
            self.signal.raise()
        }
    }

    /// Does what waits, and returns when nothing does: for tests and for a process of one command.
    package func performAll() async {
        while let order = orders.withLock({ $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }) {
            await perform(order)
        }
    }

    /// Orders the runs of the schedule where they are due; true where there are any.
    func orderDue() async throws -> Bool {
        guard let every = settings.current.reconcile.every,
            !Places(settings.current, connectors, histories).all.isEmpty,
            try await journal.takeReconciliation(every: every, now: time.now)
        else { return false }
        return try await !order(place: nil, since: nil, by: "schedule").isEmpty
    }

    private func perform(_ order: Order) async {
        switch order {
        case .compare(let run): await compare(run)
        case .repair(let id, let causes, let actor): await repair(id, causes: causes, by: actor)
        }
    }

    private func compare(_ run: Reconciliation) async {
        var ledger = RunLedger(run: run)
        var ended: Reconciliation
        do {
            try await check(&ledger)
            try await journal.keepDifferences(ledger.takeFresh(), of: run.id)
            ended = ledger.ended(.completed, at: time.now)
        } catch {
            ended = ledger.ended(.failed, reason: Self.reason(error), at: time.now)
        }
        do {
            try await journal.endReconciliation(ended)
        } catch {
            // The journal is away: the run stays as it is and is told as failed when the next one is taken.
            logger.error("end of a reconciliation not kept", metadata: ["error.code": "\(Self.kind(of: error))"])
        }
        logger.info(
            "reconciled",
            metadata: [
                "reconciliation.id": "\(ended.id)", "place": "\(ended.place)", "state": "\(ended.state.rawValue)",
                "judged": "\(ended.judged)", "differences": "\(ended.differences)",
            ])
    }

    private func check(_ ledger: inout RunLedger) async throws {
        let (settings, place) = (settings.current, ledger.run.place)
        switch ledger.run.side {
        case .source:
            guard let provider = histories[place] else { throw Places.unknown(place) }
            let compared = Set(Places(settings, connectors, histories).destinations.map(\.name))
            try await SourceCheck(
                source: place, provider: provider, journal: journal, intake: intake, time: time,
                isCompared: { compared.contains($0) }
            ).perform(&ledger)
        case .destination:
            guard let provider = connectors[place] as? any RecordProvider else { throw Places.unknown(place) }
            try await DestinationCheck(
                destination: place, provider: provider, flows: settings.flows, journal: journal, time: time,
                comparedSources: Set(histories.names)
            ).perform(&ledger)
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case is CancellationError: "the server stopped in the middle of it"
        case let unanswered as Unanswered: unanswered.reason
        case let failure as Failure: failure.message
        default: "an unexpected \(type(of: error))"
        }
    }

    static func kind(of error: any Error) -> String {
        (error as? Failure)?.code.name ?? String(describing: type(of: error))
    }
}

/// The reconciler without its schedule: for a process of one command, which does what it is asked and nothing else.
package struct ReconcilerOnDemand: Service {
    private let reconciler: Reconciler

    package init(_ reconciler: Reconciler) { self.reconciler = reconciler }

    package func run() async throws { await reconciler.run(isScheduled: false) }
}

/// The providers of sources that can be asked, by source; a reload replaces them as a whole.
package final class HistorySet: Sendable {
    private let histories: Mutex<[String: any HistoryProvider]>

    package init(_ histories: [String: any HistoryProvider] = [:]) { self.histories = Mutex(histories) }

    package subscript(_ source: String) -> (any HistoryProvider)? { histories.withLock { $0[source] } }
    package var names: [String] { histories.withLock { $0.keys.sorted() } }
    package func replace(with histories: [String: any HistoryProvider]) { self.histories.withLock { $0 = histories } }
}
