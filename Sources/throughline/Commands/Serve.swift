import ArgumentParser
import Foundation
import JournalSQLite
import Logging
import Model
import NIOCore
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
            """)
    @Option(help: "debug, info, warning or error.") var logLevel = "info"
    @Flag(help: "Logs as JSON, one object a line.") var logJSON = false
    @OptionGroup var common: CommonOptions

    func run() async throws {
        guard let level = Logger.Level(rawValue: logLevel) else {
            throw Failure(.usage, "--log-level is debug, info, warning or error, not \"\(logLevel)\".")
        }
        let logger = Logger.product(level: level, isJSON: logJSON)
        let loaded = try ConfigurationLoader.load(common.config, needsSecrets: true)
        for warning in loaded.warnings { logger.warning("configuration", metadata: ["warning": "\(warning)"]) }
        try await OutboundHTTP.with { try await serve(loaded, http: $0, logger: logger) }
    }

    private func serve(_ loaded: LoadedConfiguration, http: OutboundHTTP, logger: Logger) async throws {
        let world = World(time: SystemTime(), chance: SystemChance(), http: http)
        let installation = try Installation(loaded, world: world, logger: logger)
        defer { LocalServer.remove(folder: loaded.folder) }
        do {
            try await Self.run(installation, loaded, option: common.config)
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            try await installation.journal.close()
            throw Failure(
                .unavailable,
                "Port \(loaded.settings.http.port) is taken by another program. Set http.port, or end that program.")
        }
        try await installation.journal.close()
    }

    /// Runs all services until a signal ends them.
    static func run(
        _ installation: Installation, _ loaded: LoadedConfiguration, option: String?,
        also: [any Service] = [], onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) async throws {
        let logger = installation.logger
        let settings = loaded.settings.http
        let server = installation.server(host: settings.host, port: settings.port) { port in
            let local = LocalServer(
                address: "http://\(settings.host == "0.0.0.0" ? "127.0.0.1" : settings.host):\(port)",
                credential: installation.credential, process: getpid())
            do {
                try local.write(folder: loaded.folder)
            } catch {
                logger.error("commands will not find this server", metadata: ["error": "\(error)"])
            }
            logger.info("serving", metadata: ["address": "\(local.address)", "console": "\(local.address)/console"])
            await onListening(port)
        }
        var services: [any Service] = [
            installation.admission, installation.planner, installation.runner,
            Reloader(installation: installation, option: option),
        ]
        if let metrics = settings.metrics { services.append(installation.metricsServer(metrics)) }
        services += also
        services += [server, DrainNotice(readiness: installation.readiness)]
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

/// Reads the configuration again at SIGHUP.
struct Reloader: Service {
    let installation: Installation
    let option: String?

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            do {
                installation.reload(try ConfigurationLoader.load(option, needsSecrets: true))
                installation.logger.info("configuration reloaded")
            } catch {
                installation.logger.error(
                    "the old configuration stays in force", metadata: ["reason": "\(error)"])
            }
        }
    }
}
