import ArgumentParser
import Foundation
import Journal
import Logging
import Model
import Sandbox
import Seams
import ServiceLifecycle

struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows the main job on this machine, against stand-in providers.",
        discussion: """
            A fresh journal, the server with its console, stand-ins for HubSpot, Zendesk and Slack on loopback, and \
            simulated users. Nothing is configured and nothing leaves the machine.

            Example:
              throughline demo
            """)
    @Option(help: "The server's port; 0 lets the system choose.") var port = 8080
    @Option(help: "How many people chat.") var people = 12
    @Flag(help: "End when the story is told.") var once = false

    func validate() throws {
        guard (1...10_000).contains(people) else { throw ValidationError("--people is from 1 to 10,000.") }
    }

    func run() async throws {
        let terminal = Terminal()
        let folder = FileManager.default.temporaryDirectory.path + "/throughline-demo-\(getpid())"
        defer {
            // A leftover in the temporary folder is cleared by the system.
            try? FileManager.default.removeItem(atPath: folder)
        }
        try await OutboundHTTP.with { try await tell(folder: folder, http: $0, terminal) }
    }

    private func tell(folder: String, http: OutboundHTTP, _ terminal: Terminal) async throws {
        let time = SystemTime()
        let standIns = StandInSet.usual()
        let (ports, listening) = AsyncStream.makeStream(of: Int.self)
        let logger = Logger.product(level: .error)
        let sandbox = SandboxServer(standIns, port: 0, time: time, logger: logger) { listening.yield($0) }
        let services = ServiceGroup(configuration: .init(services: [sandbox], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { listening.finish() }
                try await services.run()
            }
            for await sandboxPort in ports {
                do {
                    try DemoConfiguration.write(folder: folder, port: port, sandbox: sandboxPort)
                    try await serve(folder: folder, http: http, standIns: standIns, logger: logger, terminal)
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

    private func serve(
        folder: String, http: OutboundHTTP, standIns: StandInSet, logger: Logger, _ terminal: Terminal
    ) async throws {
        let file = folder + "/throughline.yaml"
        let loaded = try ConfigurationLoader.load(file, needsSecrets: true)
        let world = World(time: SystemTime(), chance: SystemChance(), http: http, mail: http)
        let installation = try Installation(loaded, world: world, logger: logger)
        let story = DemoStory(
            installation: installation, standIns: standIns, file: file, isOnce: once, people: people,
            terminal: terminal)
        try await installation.closing {
            try await Serve.run(installation, loaded, option: file, portSetting: "--port", also: [story]) { port in
                story.begin(port: port)
            }
        }
    }
}
