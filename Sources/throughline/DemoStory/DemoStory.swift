import ConnectorKit
import Console
import Foundation
import Journal
import Model
import Sandbox
import Seams
import ServiceLifecycle
import Settings

/// Tells the story of the demo once the server listens, and says where to look.
struct DemoStory: Service {
    let installation: Installation
    let standIns: StandInSet
    let file: String
    let isOnce: Bool
    let people: Int
    let terminal: Terminal
    private let ports = AsyncStream.makeStream(of: Int.self)

    init(
        installation: Installation, standIns: StandInSet, file: String, isOnce: Bool, people: Int, terminal: Terminal
    ) {
        self.installation = installation
        self.standIns = standIns
        self.file = file
        self.isOnce = isOnce
        self.people = people
        self.terminal = terminal
    }

    func begin(port: Int) {
        ports.continuation.yield(port)
        ports.continuation.finish()
    }

    func run() async throws {
        for await port in ports.stream.cancelOnGracefulShutdown() {
            try await tell(base: "http://127.0.0.1:\(port)")
        }
        if isOnce {
            kill(getpid(), SIGTERM)
        }
        try await gracefulShutdown()
    }

    private func tell(base: String) async throws {
        terminal.line("Serving at \(base), with stand-ins for HubSpot, Zendesk and Slack.")
        for connector in installation.connectors.all.values {
            // What `config check --connect --create` does: the custom properties of the CRM.
            _ = await connector.missingRequirements(for: installation.live.current.flows, isCreating: true)
        }
        let traffic = DemoTraffic(base: base, http: installation.world.http, time: installation.world.time)
        let story = try await traffic.run(stories: people, pace: .milliseconds(isOnce ? 5 : 40), terminal: terminal)
        try await settle()
        report(story, base: base)
    }

    /// Waits until nothing is on its way any more, at most half a minute.
    private func settle() async throws {
        for _ in 0..<300 {
            let figures = try await installation.journal.figures(now: installation.world.time.now)
            let open = figures.openJobs.values.flatMap(\.values).reduce(0, +)
            if figures.pending == 0 && open == 0 { return }
            terminal.progress("\(open) jobs on their way")
            try await installation.world.time.sleep(for: .milliseconds(100))
        }
        terminal.endProgress()
    }

    private func report(_ story: ChatTraffic.Story?, base: String) {
        let contacts = standIns.state(of: "hubspot", as: HubSpotStandIn.self)?.contacts.count ?? 0
        let tickets = standIns.state(of: "zendesk", as: ZendeskStandIn.self)?.allTickets.count ?? 0
        let messages = standIns.state(of: "slack", as: SlackStandIn.self)?.messages.count ?? 0
        terminal.line(
            "\(counted(contacts, "contact", "contacts")) in the CRM, \(counted(tickets, "ticket", "tickets")) at the "
                + "desk, \(counted(messages, "notice", "notices")) to the team.")
        // The console and the journal end with this.
        if isOnce { return }
        terminal.line()
        terminal.line(terminal.styled("Console", .bold) + "  \(base)\(installation.console.makeSignInPath())")
        terminal.line("         (signs in once; it is valid for a quarter of an hour)")
        if let story {
            let binary = ProcessInfo.processInfo.arguments[0]
            terminal.line(
                terminal.styled("Trail", .bold) + "    \(binary) trace \(story.person.email) --config \(file)")
            terminal.line("         somebody who was charged twice and complained")
        }
        terminal.line("\nCtrl-C ends the demo and removes its folder.")
    }
}
