import Foundation
import Journal
import Logging
import Model
import Reconciliation
import Seams
import ServiceLifecycle

/// Gives a command a client of the API: the server that runs, a named one, or one of its own for as long as it lasts.
enum Session {
    /// `needsServer`: throws `unreachable` where none runs, instead of holding the journal for as long as the command
    /// lasts; a server could not start beside it.
    static func with(
        _ options: CommonOptions, needsServer: Bool = false, _ body: (APIClient, Terminal) async throws -> Void
    ) async throws {
        try await OutboundHTTP.with { http in
            try await reach(options, needsServer: needsServer, http: http, Terminal(), body)
        }
    }

    private static func reach(
        _ options: CommonOptions, needsServer: Bool, http: OutboundHTTP, _ terminal: Terminal,
        _ body: (APIClient, Terminal) async throws -> Void
    ) async throws {
        if let server = options.server {
            guard let key = options.key ?? ProcessInfo.processInfo.environment["THROUGHLINE_KEY"] else {
                throw Failure(.usage, "--server needs a key: --key tl_… or $THROUGHLINE_KEY.")
            }
            let base = server.hasSuffix("/") ? String(server.dropLast()) : server
            return try await body(APIClient(base: base, credential: Redacted(key), http: http), terminal)
        }
        let loaded = try ConfigurationLoader.load(options.config, needsSecrets: false)
        if let local = LocalServer.find(folder: loaded.folder) {
            return try await body(
                APIClient(base: local.address, credential: local.credential, http: http), terminal)
        }
        guard !needsServer else {
            throw Failure(
                .unreachable,
                "No server of this configuration runs here. Start one with `throughline serve`, or name "
                    + "one with --server URL --key KEY.")
        }
        let world = World(time: SystemTime(), chance: SystemChance(), http: http, mail: http)
        let installation = try await open(loaded, world: world)
        do {
            try await serve(installation, http: http) { client in try await body(client, terminal) }
        } catch {
            try await installation.journal.close()
            throw error
        }
        try await installation.journal.close()
    }

    /// Another command may hold the journal for a moment; a server holds it for good.
    private static func open(_ loaded: LoadedConfiguration, world: World) async throws -> Installation {
        let logger = Logger.product(level: .error)
        for _ in 0..<50 {
            do {
                return try Installation(loaded, world: world, logger: logger)
            } catch let failure as Failure where failure.code == .journalLocked {
                try await world.time.sleep(for: .milliseconds(100))
            }
        }
        return try Installation(loaded, world: world, logger: logger)
    }

    /// Serves the API on a loopback port of its own.
    ///
    /// Events are kept and planned; jobs wait for `serve`.
    private static func serve(
        _ installation: Installation, http: OutboundHTTP, _ body: (APIClient) async throws -> Void
    ) async throws {
        let (ports, listening) = AsyncStream.makeStream(of: Int.self)
        let server = installation.server(host: "127.0.0.1", port: 0) { listening.yield($0) }
        var quiet = installation.logger
        quiet.logLevel = .critical
        let services = ServiceGroup(
            configuration: .init(
                services: [
                    installation.admission, installation.planner, ReconcilerOnDemand(installation.reconciler), server,
                ], logger: quiet
            ))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { listening.finish() }
                try await services.run()
            }
            for await port in ports {
                let client = APIClient(
                    base: "http://127.0.0.1:\(port)", credential: installation.credential, http: http)
                do {
                    try await body(client)
                } catch {
                    await services.triggerGracefulShutdown()
                    try await group.waitForAll()
                    throw error
                }
                await services.triggerGracefulShutdown()
            }
            try await group.waitForAll()
        }
    }
}
