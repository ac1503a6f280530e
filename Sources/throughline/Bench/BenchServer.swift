import API
import Foundation
import Journal
import Logging
import Model
import Sandbox
import Seams
import ServiceLifecycle

/// One server on a fresh journal in a folder of its own, for as long as a measurement lasts.
struct BenchServer: Sendable {
    static let stripeSecret = "whsec_bench_stripe"
    static let emptyPath = "/bench/empty"
    static let intakePath = "/in/stripe"

    let installation: Installation
    let destination: InstantDestination
    let port: Int
    /// From opening the journal to the first `/readyz` that says so.
    let startDuration: Duration
    /// Resident bytes once it is ready, before any request of the measurement.
    let idleBytes: Int?

    /// Runs `body` against a server and removes its place afterwards.
    static func with(_ place: BenchPlace, isPlanning: Bool, _ body: @Sendable (BenchServer) async throws -> Void)
        async throws
    {
        defer { place.remove() }
        try await keeping(place, isPlanning: isPlanning, body)
    }

    /// Runs `body` against a server on the journal of that place, which is made where there is none, and leaves it.
    ///
    /// It works jobs where it plans, unless told otherwise. Effects end in the process, or go on to `standIn`, at most
    /// `concurrency` at once.
    static func keeping(
        _ place: BenchPlace, isPlanning: Bool, isWorking: Bool? = nil, standIn: InstantDestination.StandIn? = nil,
        concurrency: Int = 64, _ body: @Sendable (BenchServer) async throws -> Void
    ) async throws {
        try write(place, concurrency: concurrency)
        let start = ContinuousClock.now
        let time = SystemTime()
        let destination = InstantDestination(time: time, standIn: standIn)
        let loaded = try ConfigurationLoader.load(place.folder + "/throughline.yaml", needsSecrets: true)
        let world = World(time: time, chance: SystemChance(), http: destination)
        let installation = try Installation(loaded, world: world, logger: Logger.product(level: .error))
        let result = await Result {
            try await serve(installation, isPlanning: isPlanning, isWorking: isWorking ?? isPlanning) { port in
                try await waitUntilReady(port: port, time: time)
                let duration = ContinuousClock.now - start
                try await body(
                    BenchServer(
                        installation: installation, destination: destination, port: port, startDuration: duration,
                        idleBytes: Machine.residentBytes))
            }
        }
        try await installation.journal.close()
        try result.get()
    }

    private static func serve(
        _ installation: Installation, isPlanning: Bool, isWorking: Bool,
        _ body: @Sendable (_ port: Int) async throws -> Void
    ) async throws {
        let empty = Route("POST", emptyPath, .open, media: .json, bodySizeMax: Limits.deliverySizeMax) { _ in
            .json(["status": "ok"])
        }
        let (ports, listening) = AsyncStream.makeStream(of: Int.self)
        let server = installation.application(
            routes: Routes.all(installation.dependencies) + [empty], host: "127.0.0.1", port: 0,
            onListening: { listening.yield($0) })
        var quiet = installation.logger
        quiet.logLevel = .critical
        let tending: [any Service] = installation.logTending.map { [$0] } ?? []
        let planning: [any Service] = isPlanning ? [installation.planner] : []
        let working: [any Service] = isWorking ? [installation.runner] : []
        var configuration = ServiceGroupConfiguration(
            services: [installation.admission] + tending + planning + working + [server], logger: quiet)
        configuration.maximumGracefulShutdownDuration = .seconds(30)
        let services = ServiceGroup(configuration: configuration)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { listening.finish() }
                try await services.run()
            }
            for await port in ports {
                let result = await Result { try await body(port) }
                await services.triggerGracefulShutdown()
                if case .failure = result { try await group.waitForAll() }
                try result.get()
            }
            try await group.waitForAll()
        }
    }

    private static func waitUntilReady(port: Int, time: any TimeSource) async throws {
        let http = OutboundHTTP()
        let result = await Result {
            for _ in 0..<1000 {
                let request = OutboundRequest(method: "GET", url: "http://127.0.0.1:\(port)/readyz")
                if try await http.send(request).status == 200 { return }
                try await time.sleep(for: .milliseconds(2))
            }
            throw Failure(.unavailable, "The server did not become ready within two seconds.")
        }
        try await http.shutdown()
        try result.get()
    }

    private static func write(_ place: BenchPlace, concurrency: Int) throws {
        let folder = place.folder
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let settings = """
            product: Benchmark
            journal: \(place.journal)
            sources:
              stripe: { kind: stripe, secrets: [env:STRIPE_WEBHOOK_SECRET] }
            destinations:
              hook: { kind: webhook, url: "https://destination.example", secret: env:HOOK_SECRET, concurrency: \(concurrency), rate: 100000/1s }
            flows:
              - name: payment
                on: payment_succeeded
                do: hook.send
            """
        let secrets = """
            STRIPE_WEBHOOK_SECRET=\(stripeSecret)
            HOOK_SECRET=\(StandInSet.Credentials().hookSecret)
            \(place.secrets)
            """
        try PrivateFile.write(Array(settings.utf8), to: folder + "/throughline.yaml")
        try PrivateFile.write(Array(secrets.utf8), to: folder + "/.env")
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
