import API
import ConnectorKit
import Connectors
import Console
import Foundation
import Hummingbird
import Intake
import Jobs
import Journal
import JournalPostgres
import JournalSQLite
import Logging
import Model
import Planning
import Reconciliation
import Seams
import ServiceLifecycle
import Settings
import Watch

/// Everything of one running Throughline, wired: the one place that knows all rooms.
struct Installation: Sendable {
    let world: World
    let live: LiveSettings
    let connectors: ConnectorSet
    let journal: any JournalStore
    let admission: Admission
    let intake: Intake
    let planner: PlannerService
    let runner: JobRunner
    let maintenance: Maintenance
    let histories: HistorySet
    let reconciler: Reconciler
    let watcher: Watcher
    /// Sends traces; nil where nobody collects them.
    let exporter: TraceExporter?
    let secretMarks: SecretMarks
    let readiness: Readiness
    let dependencies: Dependencies
    let console: Console
    let backstage: ConsoleBackstage
    let tallying: WorkTallying
    let credential: Redacted<String>
    let logger: Logger

    /// Opens the journal and wires the rooms; nothing runs yet.
    ///
    /// Blocks while the journal recovers.
    init(_ loaded: LoadedConfiguration, world: World, logger: Logger) throws {
        let settings = loaded.settings
        var world = world
        self.logger = logger
        live = LiveSettings(settings)
        let book = TallyBook(settings: live, time: world.time)
        let meters = Meters(book: book)
        let collector = TraceExporter.Collector(
            settings, secrets: loaded.secrets, environment: ProcessInfo.processInfo.environment)
        exporter = collector.map { [world] in
            TraceExporter(
                $0, resource: [.init("service.name", "throughline"), .init("service.version", Version.text)],
                http: world.http, time: world.time, meters: meters, logger: logger)
        }
        if let exporter { world.spans = exporter }
        self.world = world
        connectors = ConnectorSet(
            ConnectorFactory.make(settings: settings, secrets: { loaded.secrets[$0] }, world: world))
        let node = JournalPlace.nodeName(world.chance)
        journal = try loaded.journal.open(as: node, world: world)
        let live = live
        let followers = Followers()
        let runner = JobRunner(
            journal: journal, connectors: connectors, settings: live, world: world, node: node, logger: logger,
            trailURL: { "\(Self.publicURL(of: live.current.http))/console/trail?id=\($0)" },
            onSettled: { Self.tell($1, of: $0, meters, followers) })
        let planner = PlannerService(
            journal: journal, settings: live, connectors: connectors, time: world.time, chance: world.chance,
            logger: logger, spans: world.spans, onWork: { runner.wake() })
        admission = Admission(
            journal: journal, logger: logger, time: world.time, onCommit: { _ in planner.wake() },
            onKept: { book.countArrivals($0) })
        intake = Intake(
            settings: live, secrets: loaded.secrets.bySource(settings), admission: admission, time: world.time,
            chance: world.chance, logger: logger)
        (self.runner, self.planner) = (runner, planner)
        histories = HistorySet(
            ConnectorFactory.histories(settings: settings, secrets: { loaded.secrets[$0] }, world: world))
        reconciler = Reconciler(
            journal: journal, connectors: connectors, histories: histories, settings: live,
            intake: RecoveryDoor(intake: intake), world: world, logger: logger, onEvents: { planner.wake() },
            onJobs: { runner.wake() })
        maintenance = Maintenance(journal: journal, settings: live, time: world.time, logger: logger)
        let marks = SecretMarks(loaded.secrets)
        secretMarks = marks
        watcher = Watcher(
            journal: journal, settings: live, book: book, time: world.time, chance: world.chance, logger: logger,
            secrets: { marks.current },
            matches: { [journal] in
                try await AlertRules.Match.newest(of: journal.reconciliations(page: PageRequest(limit: 100)).items)
            },
            onTold: { planner.wake() })
        readiness = Readiness()
        credential = Redacted(Crockford.encode(world.chance.bytes(32)))
        let passwords = Passwords(chance: world.chance, blocking: BlockingThreads())
        dependencies = Dependencies(
            settings: live, reading: journal, operating: journal, receiving: IntakeDoor(intake: intake),
            destinations: RunnerControl(runner: runner), meters: meters,
            keys: KeyRing(journal: journal, time: world.time, localCredential: credential), readiness: readiness,
            time: world.time, chance: world.chance, logger: logger, wakePlanning: { planner.wake() },
            wakeWork: { runner.wake() }, hashPassword: { try await passwords.hash($0) },
            followers: followers,
            aftercare: Aftercare(
                reconciling: ReconcilerControl(reconciler: reconciler), runs: journal, subjects: journal,
                pruning: journal,
                receipts: ReceiptDesk(journal: journal, time: world.time, chance: world.chance)),
            alertTesting: AlertTest(settings: live, connectors: connectors, world: world), spans: world.spans)
        tallying = WorkTallying(journal: journal, time: world.time, logger: logger)
        backstage = ConsoleBackstage(
            journal: journal, settings: live, connectors: connectors, world: world, loaded: loaded)
        console = try Console(
            dependencies: dependencies, survey: journal, backstage: backstage,
            sessions: Sessions(time: world.time, chance: world.chance), passwords: passwords, http: world.http)
    }

    /// Does `body` and closes the journal, however `body` ends.
    ///
    /// A journal that is let go of without being closed leaves a record of a log that is gone, and the next start would
    /// take that for a loss.
    func closing(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch {
            // What went wrong before is what is told.
            try? await journal.close()
            throw error
        }
        try await journal.close()
    }

    /// Keeps the embedded journal's log short; nil where another program keeps the journal.
    var logTending: LogTending? {
        (journal as? SQLiteJournal).map { LogTending(journal: $0, time: world.time) }
    }

    /// Hints of other nodes, where there may be others.
    var hints: HintService? {
        guard let journal = journal as? PostgresJournal else { return nil }
        let (planner, runner) = (planner, runner)
        return HintService(
            journal: journal, time: world.time, onEvents: { planner.wake() }, onJobs: { runner.wake() })
    }

    private static func publicURL(of http: HTTPSettings) -> String {
        http.publicURL ?? "http://\(http.host):\(http.port)"
    }

    /// What the metrics and those who follow are told of an attempt.
    private static func tell(_ settlement: Settlement, of job: ClaimedJob, _ meters: Meters, _ followers: Followers) {
        let (destination, action, end) = (job.call.destination, job.call.action, settlement.attempt)
        meters.countAttempt(
            destination: destination, action: action, outcome: end.outcome.rawValue,
            end.outcome == .notMade ? nil : .milliseconds(end.durationMilliseconds))
        switch settlement.result {
        case .completed: meters.countJob(destination: destination, action: action, state: JobState.completed.rawValue)
        case .dead: meters.countJob(destination: destination, action: action, state: JobState.dead.rawValue)
        case .retry, .waiting, .held: followers.attempted(job.id)
        }
    }

    /// Takes over another configuration as a whole.
    ///
    /// What needs a restart (journal, listening address) stays.
    func reload(_ loaded: LoadedConfiguration) {
        live.replace(with: loaded.settings)
        connectors.replace(
            with: ConnectorFactory.make(settings: loaded.settings, secrets: { loaded.secrets[$0] }, world: world))
        histories.replace(
            with: ConnectorFactory.histories(
                settings: loaded.settings, secrets: { loaded.secrets[$0] }, world: world))
        backstage.reload(loaded)
        intake.replaceSecrets(loaded.secrets.bySource(loaded.settings))
        secretMarks.replace(with: loaded.secrets)
        runner.reload()
        planner.wake()
    }

    /// The server of the whole API and the console; `port` 0 lets the system choose.
    ///
    /// A node that only works takes no events. `portSetting` is what chooses the port.
    func server(
        host: String, port: Int, portSetting: String = "http.port", isReceiving: Bool = true,
        onListening: @escaping @Sendable (Int) async -> Void
    ) -> some Service {
        let routes = isReceiving ? Routes.all(dependencies) : Routes.withoutIntake(dependencies)
        return Listening(host: host, port: port, hostSetting: "http.host", portSetting: portSetting) { isListening in
            application(routes: routes + console.routes, host: host, port: port) { port in
                isListening()
                await onListening(port)
            }
        }
    }

    /// `/metrics` on a listener of its own.
    func metricsServer(_ listener: HTTPSettings.Listener) -> some Service {
        Listening(
            host: listener.host, port: listener.port, hostSetting: "http.metrics", portSetting: "http.metrics"
        ) { isListening in
            application(routes: Routes.metricsOnly(dependencies), host: listener.host, port: listener.port) { _ in
                isListening()
            }
        }
    }

    func application(
        routes: [Route], host: String, port: Int, limits: ConnectionLimits = OpenFiles.connectionLimits,
        onListening: @escaping @Sendable (Int) async -> Void
    ) -> some Service {
        var quiet = logger
        quiet.logLevel = .warning
        let connections = ConnectionCount(limits, time: world.time, chance: world.chance, logger: logger)
        return Application(
            responder: Responder(
                routes: routes, keys: dependencies.keys, meters: dependencies.meters, time: world.time,
                chance: world.chance, logger: logger),
            server: connections.server,
            configuration: ApplicationConfiguration(address: .hostname(host, port: port), serverName: "throughline"),
            onServerRunning: { channel in await onListening(channel.localAddress?.port ?? port) }, logger: quiet)
    }
}

/// Keeps the journal's log short.
struct LogTending: Service {
    let journal: SQLiteJournal
    let time: any TimeSource

    func run() async throws {
        await cancelWhenGracefulShutdown { await journal.tendLog(on: time) }
    }
}

/// Refuses new work as soon as a shutdown begins, while what is on its way is finished.
struct DrainNotice: Service {
    let readiness: Readiness
    let logger: Logger

    func run() async throws {
        // Its end by cancellation or by shutdown means the same: close the door.
        try? await gracefulShutdown()
        readiness.close("the server is shutting down")
        logger.info("stopping; what is under way has up to half a minute to end")
    }
}

extension Logger {
    /// The product's own logger: to standard error, masked.
    static func product(level: Logger.Level, isJSON: Bool = false) -> Logger {
        Logger(label: "throughline") { label in
            RedactingLogHandler(label: label, level: level, format: isJSON ? .json : .text, time: SystemTime())
        }
    }
}
