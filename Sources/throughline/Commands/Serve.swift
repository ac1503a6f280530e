import ArgumentParser
import Console
import Foundation
import Journal
import Logging
import Model
import Seams
import ServiceLifecycle
import Settings
import UnixSignals

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs Throughline: intake, planning, jobs, console.",
        discussion: """
            SIGTERM or Ctrl-C ends it in order: intake closes, what runs is finished, jobs are handed back. SIGHUP \
            reads the configuration again, as a whole or not at all.

            Example:
              throughline serve --config /etc/throughline/throughline.yaml
              throughline serve --role work
            """)

    /// What a node does; several share one journal in Postgres.
    enum Role: String, CaseIterable, ExpressibleByArgument {
        /// Receives, plans and works.
        case all
        /// Receives events and answers people and programs; others plan and work.
        case ingest
        /// Plans and works; takes no events.
        case work
    }

    @Option(help: "all, ingest (receives events) or work (plans and calls out); needs a journal in Postgres.")
    var role = Role.all
    @Option(help: "debug, info, warning or error.") var logLevel = "info"
    @Option(help: "text, or json: one object a line (default: what `logs` says in the configuration).")
    var logFormat: LogFormat?
    @OptionGroup var common: CommonOptions

    func run() async throws {
        guard let level = Logger.Level(rawValue: logLevel) else {
            throw Failure(.usage, "--log-level is debug, info, warning or error, not \"\(logLevel)\".")
        }
        let loaded = try ConfigurationLoader.load(common.config, needsSecrets: true)
        let logger = Logger.product(level: level, isJSON: (logFormat ?? loaded.settings.logs) == .json)
        try OpenFiles.raiseLimit()
        if role != .all, try !loaded.journal.isShared {
            throw Failure(
                .usage, "--role shares the work among nodes; that needs a journal in Postgres (docs/postgres.md).")
        }
        for warning in loaded.warnings { logger.warning("configuration", metadata: ["warning": "\(warning)"]) }
        try await OutboundHTTP.with { try await serve(loaded, http: $0, logger: logger) }
    }

    private func serve(_ loaded: LoadedConfiguration, http: OutboundHTTP, logger: Logger) async throws {
        let world = World(time: SystemTime(), chance: SystemChance(), http: http, mail: http)
        let installation = try Installation(loaded, world: world, logger: logger)
        defer { LocalServer.remove(folder: loaded.folder) }
        try await installation.closing {
            try await Self.run(installation, loaded, option: common.config, role: role)
        }
    }

    /// Runs all services until a signal ends them.
    static func run(
        _ installation: Installation, _ loaded: LoadedConfiguration, option: String?, role: Role = .all,
        portSetting: String = "http.port",
        also: [any Service] = [], onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) async throws {
        let logger = installation.logger
        let settings = loaded.settings.http
        let announcement = Announcement(folder: loaded.folder, time: installation.world.time, logger: logger)
        let server = installation.server(
            host: settings.host, port: settings.port, portSetting: portSetting, isReceiving: role != .work
        ) { port in
            let local = LocalServer(
                address: "http://\(settings.host == "0.0.0.0" ? "127.0.0.1" : settings.host):\(port)",
                credential: installation.credential, process: getpid())
            announcement.make(local)
            logger.info("serving", metadata: ["address": "\(local.address)", "console": "\(local.address)/console"])
            await onListening(port)
        }
        var services: [any Service] = role == .work ? [] : [installation.admission]
        if role != .ingest {
            services += [
                installation.planner, installation.runner, installation.maintenance, installation.tallying,
                installation.reconciler,
            ]
        }
        if role != .ingest, let hints = installation.hints { services.append(hints) }
        services.append(installation.watcher)
        if let exporter = installation.exporter { services.append(exporter) }
        if let tending = installation.logTending { services.append(tending) }
        services += [
            Reloader(installation: installation, option: option, started: loaded.settings), announcement,
        ]
        services += try installation.drains(loaded)
        if let metrics = settings.metrics { services.append(installation.metricsServer(metrics)) }
        services += installation.console.services
        services += also
        services += [server, DrainNotice(readiness: installation.readiness, logger: logger)]
        var quiet = logger
        quiet.logLevel = .warning
        var configuration = ServiceGroupConfiguration(
            services: services.map { .init(service: $0, successTerminationBehavior: .ignore) },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet)
        configuration.maximumGracefulShutdownDuration = .seconds(30)
        try await ServiceGroup(configuration: configuration).run()
        logger.info("stopped")
    }
}

extension LogFormat: ExpressibleByArgument {}

/// Reads the configuration again at SIGHUP.
struct Reloader: Service {
    let installation: Installation
    let option: String?
    /// The settings with which the server was started.
    let started: Settings

    /// The keys that differ and are read at the start alone.
    static func changesForRestart(from started: Settings, to new: Settings) -> [String] {
        let changes = [
            ("journal", started.journal != new.journal), ("http.host", started.http.host != new.http.host),
            ("http.port", started.http.port != new.http.port),
            ("http.metrics", started.http.metrics != new.http.metrics),
            ("sources of kind inbox", inboxes(started) != inboxes(new)), ("logs", started.logs != new.logs),
            ("traces", started.traces != new.traces),
        ]
        return changes.filter(\.1).map(\.0)
    }

    private static func inboxes(_ settings: Settings) -> [SourceSettings] {
        settings.sources.filter(\.kind.isInbox)
    }

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            do {
                let loaded = try ConfigurationLoader.load(option, needsSecrets: true)
                let waiting = Self.changesForRestart(from: started, to: loaded.settings)
                installation.reload(loaded)
                if !waiting.isEmpty {
                    installation.logger.warning(
                        "some changes wait for a restart", metadata: ["keys": "\(waiting.joined(separator: ", "))"])
                }
                installation.logger.info("configuration reloaded")
            } catch {
                installation.logger.error(
                    "the old configuration stays in force", metadata: ["reason": "\(error)"])
            }
        }
    }
}

/// Leaves beside the configuration where the server is, and tries again while that fails (a full disk, say).
struct Announcement: Service {
    static let interval: Duration = .seconds(1)

    private let folder: String
    private let time: any TimeSource
    private let logger: Logger
    private let failed: AsyncStream<LocalServer>
    private let retrying: AsyncStream<LocalServer>.Continuation

    init(folder: String, time: any TimeSource, logger: Logger) {
        self.folder = folder
        self.time = time
        self.logger = logger
        (failed, retrying) = AsyncStream.makeStream()
    }

    /// Tries once, at once, so that the first command finds the server.
    func make(_ local: LocalServer) {
        do {
            try local.write(folder: folder)
        } catch {
            logger.error("commands do not find this server yet", metadata: ["error": "\(error)"])
            retrying.yield(local)
        }
    }

    func run() async throws {
        for await local in failed.cancelOnGracefulShutdown() {
            await cancelWhenGracefulShutdown { await retry(local) }
        }
    }

    private func retry(_ local: LocalServer) async {
        while !Task.isCancelled {
            // A sleep that is cut short by the end of the server ends this too.
            try? await time.sleep(for: Self.interval)
            do {
                try local.write(folder: folder)
                return logger.notice("commands find this server now")
            } catch { continue }  // Told once; the next second tries again.
        }
    }
}
