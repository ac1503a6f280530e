internal import ConnectorKit
internal import Connectors
internal import Intake
internal import Jobs
internal import Journal
internal import JournalSQLite
internal import Logging
internal import Model
internal import Planning
internal import Seams
internal import Settings
internal import Watch

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// One life of the engine, from opening its journal to the death or the end of its process: wired as in production.
///
/// `@unchecked Sendable`: only the run's one thread touches it.
final class EngineLife: @unchecked Sendable {
    let number: Int
    let time: VirtualTime
    private(set) var journal: SQLiteJournal?
    private(set) var intake: Intake?
    private(set) var runner: JobRunner?
    private(set) var planner: PlannerService?
    let errands = Errands()
    private(set) var isOver = false
    /// Nothing is left but tasks that have been cancelled.
    private(set) var isEnding = false
    private(set) var hasEnded = false

    private let scheduler: Scheduler
    private let transport: LifeTransport
    private let executor: LifeExecutor
    private let live: LiveSettings
    private let connectors: ConnectorSet
    private let world: Seams.World
    private var admission: Admission?
    private(set) var watcher: Watcher?
    private var root: Task<Void, Never>?
    /// What waits for an answer of this life, told when it dies.
    private var callers: [Int: () -> Void] = [:]
    private var lastCaller = 0

    /// Opens the journal; throws what opening throws.
    init(
        number: Int, configuration: Configuration, disk: SimulatedDisk, network: SimulatedNetwork, wallError: Int64,
        dice: Dice, flaw: Flaw?
    ) throws {
        self.number = number
        scheduler = network.scheduler
        time = VirtualTime(scheduler)
        time.error = wallError
        transport = LifeTransport(network: network, life: number)
        executor = LifeExecutor(scheduler)
        let logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        let http = FlawedWire.around(transport, flaw?.wire)
        let world = Seams.World(time: time, chance: dice, http: http)
        self.world = world
        live = LiveSettings(configuration.settings)
        connectors = ConnectorSet(
            ConnectorFactory.make(
                settings: configuration.settings, secrets: { configuration.secrets[$0] }, world: world))
        let journal = try Self.open(disk.path, JournalExecutor(scheduler))
        let rooms = Flaw.journals(journal, with: flaw)
        let book = TallyBook(settings: live, time: time)
        let runner = JobRunner(
            journal: rooms.work, connectors: connectors, settings: live, world: world, node: "local", logger: logger,
            trailURL: { "http://throughline.test/console/trail?id=\($0)" },
            onSettled: { book.countWork(destination: $0.call.destination, outcome: $1.attempt.outcome) })
        let planner = PlannerService(
            journal: rooms.planning, settings: live, connectors: connectors, time: time, chance: dice, logger: logger,
            onWork: { runner.wake() })
        let admission = Admission(
            journal: rooms.intake, logger: logger, time: time, onCommit: { _ in planner.wake() },
            onKept: { book.countArrivals($0) })
        watcher = Watcher(journal: journal, settings: live, book: book, time: time, chance: dice, logger: logger)
        intake = Intake(
            settings: live, secrets: configuration.secrets.bySource(configuration.settings), admission: admission,
            time: time, chance: dice, logger: logger)
        (self.journal, self.runner, self.planner, self.admission) = (journal, runner, planner, admission)
    }

    /// Small, so that the log is brought in many times in a run.
    private static let logLengthMax = 50

    /// A program that this process starts meanwhile holds what is open here, the lock too, until it has begun: a moment of
    /// real time, which the run does not see.
    private static func open(_ path: String, _ executor: JournalExecutor) throws -> SQLiteJournal {
        for _ in 0..<200 {
            do {
                return try SQLiteJournal.open(path: path, executor: executor, logLengthMax: logLengthMax)
            } catch let failure as Failure where failure.code == .journalLocked {
                usleep(5000)
            }
        }
        return try SQLiteJournal.open(path: path, executor: executor, logLengthMax: logLengthMax)
    }

    func start() {
        guard let planner, let runner, let journal, let admission, let watcher else { return }
        root = Task(executorPreference: executor) { [errands, time] in
            await withDiscardingTaskGroup { group in
                let runnerEnded = Signal()
                // A service that throws ends its process in production; here the checkers find that nothing goes on.
                group.addTask { try? await admission.run() }
                group.addTask { try? await planner.run() }  // The same holds here,
                group.addTask { await watcher.runUntilCancelled() }
                group.addTask { await journal.tendLog(on: time) }
                group.addTask {
                    try? await runner.run()  // and here.
                    runnerEnded.raise()
                }
                while let errand = await errands.next() { group.addTask { await errand() } }
                // In order: what runs may end, then the others do.
                runner.stop()
                await runnerEnded.wait(upTo: .seconds(60), on: time)
                self.isEnding = true
                group.cancelAll()
            }
            // A journal that cannot be closed is found as it is by the next life.
            try? await journal.close()
            self.hasEnded = true
        }
    }

    // MARK: What the outside does with it

    /// Does something in the engine's process; `end` hears the outcome, or nil where the process died before.
    func perform<Value: Sendable>(
        _ work: @escaping @Sendable (EngineLife) async -> Value, end: @escaping (Value?) -> Void
    ) {
        guard !isOver else { return end(nil) }
        lastCaller += 1
        let caller = lastCaller
        callers[caller] = { end(nil) }
        let end = Ending(end)
        errands.add { [weak self] in
            guard let self else { return }
            let value = await work(self)
            guard !self.isOver, self.callers.removeValue(forKey: caller) != nil else { return }
            end.run(value)
        }
    }

    /// `@unchecked Sendable`: only the run's one thread touches it.
    private final class Ending<Value>: @unchecked Sendable {
        private let end: (Value?) -> Void
        init(_ end: @escaping (Value?) -> Void) { self.end = end }
        func run(_ value: Value?) { end(value) }
    }

    /// As on SIGHUP.
    func reload(_ configuration: Configuration) {
        live.replace(with: configuration.settings)
        connectors.replace(
            with: ConnectorFactory.make(
                settings: configuration.settings, secrets: { configuration.secrets[$0] }, world: world))
        intake?.replaceSecrets(configuration.secrets.bySource(configuration.settings))
        runner?.reload()
        planner?.wake()
    }

    // MARK: Its end

    /// The process is gone from one step to the next.
    ///
    /// Its disk must be stopped. Its tasks are run to their ends, where nothing that they do reaches anything. False
    /// where they do not end.
    func die() -> Bool {
        isOver = true
        time.isOver = true
        transport.isOver = true
        root?.cancel()
        errands.close()
        let hasEnded = scheduler.settle { self.hasEnded }
        release()
        return hasEnded
    }

    /// Begins an orderly end: nothing new is taken, what runs may end.
    ///
    /// It `isEnding` some time later.
    func stop() { errands.close() }

    /// The last part of an orderly end; false where its tasks do not end.
    func end() -> Bool {
        let hasEnded = scheduler.settle { self.hasEnded }
        release()
        return hasEnded
    }

    /// Waiting callers hear nothing.
    private func release() {
        isOver = true
        let callers = callers.sorted { $0.key < $1.key }.map(\.value)
        self.callers = [:]
        (journal, intake, runner, planner, admission, watcher, root) = (nil, nil, nil, nil, nil, nil, nil)
        for caller in callers { caller() }
    }
}
