import Logging
import Model
import Sandbox
import Seams
import TestKit

@testable import throughline

/// A server of ours with its folder, and the services that it calls, on ports of their own.
struct Stage {
    static let chat = StandardWebhooksSender(secret: DemoConfiguration.chatSecret)
    static let stripe = StripeSender(secrets: [DemoConfiguration.stripeSecret])
    static let time = SystemTime()

    let server: ServerProcess
    let standIns: StandInSet
    /// The port of the services.
    let sandbox: Int
    var journal = "sqlite:throughline.db"
    var environment: [String: String] = [:]
    /// More of the configuration.
    var also = ""

    /// Sets the stage, with the custom properties made at the CRM and nothing running yet; takes it down in the end.
    static func set(
        journal: String = "sqlite:throughline.db", environment: [String: String] = [:], also: String = "",
        _ body: (Stage) async throws -> Void
    ) async throws {
        let standIns = generousStandIns
        let (ports, listening) = AsyncStream.makeStream(of: Int.self)
        var quiet = Logger(label: "stand-ins")
        quiet.logLevel = .critical
        let sandbox = SandboxServer(standIns, port: 0, time: time, logger: quiet) { listening.yield($0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { listening.finish() }
                try await sandbox.run()
            }
            for await port in ports {
                let stage = Stage(
                    server: try folder(sandbox: port, journal, environment, also), standIns: standIns, sandbox: port,
                    journal: journal, environment: environment, also: also)
                // The answers may take longer than a destination waits where the machine has much else to do.
                try await eventually("the configuration is sound", within: 60) {
                    try await stage.server.run("config", "check", "--connect", "--create").status == 0
                }
                do {
                    try await body(stage)
                } catch {
                    throw Trouble("\(error)\nthe server's log ends with:\n\(stage.server.log.suffix(1500))")
                }
                break
            }
            group.cancelAll()
        }
    }

    /// The services without the limits of small accounts, so that a test waits for us and not for them.
    private static var generousStandIns: StandInSet {
        let credentials = StandInSet.Credentials()
        var hubspot = HubSpotStandIn.Limits()
        hubspot.callsPerTenSeconds = 100_000
        var zendesk = ZendeskStandIn.Limits()
        zendesk.callsPerMinute = 100_000
        return StandInSet([
            "hubspot": HubSpotStandIn(token: credentials.hubspotToken, limits: hubspot),
            "zendesk": ZendeskStandIn(
                email: credentials.zendeskEmail, token: credentials.zendeskToken, limits: zendesk),
            "stripe": StripeStandIn(key: credentials.stripeKey),
            "slack": SlackStandIn(path: credentials.slackPath, burst: 10_000),
        ])
    }

    /// Another server with the same configuration, in a folder and on a port of its own.
    func another() throws -> ServerProcess { try Self.folder(sandbox: sandbox, journal, environment, also) }

    private static func folder(
        sandbox: Int, _ journal: String, _ environment: [String: String], _ also: String
    ) throws -> ServerProcess {
        let credentials = StandInSet.Credentials()
        return try ServerProcess(
            configuration: { configuration(port: $0, sandbox: sandbox, journal: journal) + "\n" + also },
            environment: [
                "STRIPE_WEBHOOK_SECRET": DemoConfiguration.stripeSecret, "CHAT_SECRET": DemoConfiguration.chatSecret,
                "STRIPE_API_KEY": credentials.stripeKey, "HUBSPOT_TOKEN": credentials.hubspotToken,
                "ZENDESK_TOKEN": credentials.zendeskToken,
                "SLACK_WEBHOOK_URL": "http://127.0.0.1:\(sandbox)/slack\(credentials.slackPath)",
            ].merging(environment) { $1 })
    }

    private static func configuration(port: Int, sandbox: Int, journal: String) -> String {
        """
        product: Acme Assistant
        journal: \(journal)
        http: { host: 127.0.0.1, port: \(port) }
        sources:
          stripe:
            kind: stripe
            secrets: [env:STRIPE_WEBHOOK_SECRET]
            api_key: env:STRIPE_API_KEY
            base_url: "http://127.0.0.1:\(sandbox)/stripe"
          chat: { kind: events, secrets: [env:CHAT_SECRET] }
        destinations:
          crm:
            kind: hubspot
            token: env:HUBSPOT_TOKEN
            base_url: "http://127.0.0.1:\(sandbox)/hubspot"
            rate: 1000/1s
            timeout: 2s
          desk:
            kind: zendesk
            subdomain: acme
            email: ops@acme.example
            token: env:ZENDESK_TOKEN
            base_url: "http://127.0.0.1:\(sandbox)/zendesk"
            rate: 1000/1s
            timeout: 2s
          team: { kind: slack, url: env:SLACK_WEBHOOK_URL, rate: 1000/1s, timeout: 2s }
        flows:
          - name: new lead
            on: lead_captured
            do: crm.upsert_contact
            set: { email: $.email, firstname: $.firstname, lifecyclestage: lead }
          - name: payment status
            on: [payment_succeeded, payment_failed]
            do: crm.set_payment_status
          - name: complaint
            on: support_escalated
            do: [desk.open_ticket, team.notify]
        retry: { first: 100ms, factor: 2, longest: 1s, give_up: 1h }
        """
    }

    // MARK: What the services hold

    var contacts: [HubSpotObject] { standIns.state(of: "hubspot", as: HubSpotStandIn.self)?.contacts ?? [] }
    var tickets: [ZendeskTicket] { standIns.state(of: "zendesk", as: ZendeskStandIn.self)?.allTickets ?? [] }
    var notices: [SlackStandIn.Message] { standIns.state(of: "slack", as: SlackStandIn.self)?.messages ?? [] }

    // MARK: Sending

    static func lead(_ number: Int) -> SimulatedDelivery {
        chat.delivery(
            id: "lead-\(number)", type: .leadCaptured, session: "sess_lead_\(number)",
            data: ["email": .string("lead\(number)@example.com"), "firstname": "Ada"], at: time.now)
    }

    static func escalation(_ number: Int) -> SimulatedDelivery {
        chat.delivery(
            id: "help-\(number)", type: .supportEscalated, session: "sess_help_\(number)",
            data: ["message": .string("complaint <\(number)>"), "email": .string("help\(number)@example.com")],
            at: time.now)
    }

    /// Delivers one; the answer's status, or nil where none came.
    ///
    /// `now` is the time by the sender's clock.
    func deliver(
        _ delivery: SimulatedDelivery, at now: Instant = time.now, patience: Duration = .seconds(20)
    ) async -> Int? {
        await Self.deliver(delivery, to: server.base, at: now, patience: patience)
    }

    static func deliver(
        _ delivery: SimulatedDelivery, to base: String, at now: Instant = time.now, patience: Duration = .seconds(20)
    ) async -> Int? {
        // Its sender sees no more than that the answer is missing.
        try? await ServerProcess.http.send(
            OutboundRequest(
                method: "POST", url: "\(base)/in/\(delivery.source)", headers: delivery.headers(at: now),
                body: delivery.body, timeout: patience)
        ).status
    }

    /// Delivers all, so many at once, and tells of each answer as it comes.
    func deliver(
        _ deliveries: [SimulatedDelivery], atOnce: Int, _ each: (SimulatedDelivery, Int?) async throws -> Void
    ) async throws {
        let base = server.base
        try await withThrowingTaskGroup(of: (SimulatedDelivery, Int?).self) { group in
            var waiting = deliveries[...]
            for delivery in waiting.prefix(atOnce) {
                group.addTask { (delivery, await Self.deliver(delivery, to: base)) }
            }
            waiting = waiting.dropFirst(atOnce)
            while let (delivery, status) = try await group.next() {
                if let next = waiting.popFirst() {
                    group.addTask { (next, await Self.deliver(next, to: base)) }
                }
                try await each(delivery, status)
            }
        }
    }

    // MARK: Waiting and reading

    /// Returns when every event is planned and no job is open.
    func settle(within seconds: Double = 20) async throws {
        try await eventually("nothing is on its way", within: seconds) {
            let status = try await server.api("GET", "/v1/status")
            guard status["pending"]?.int == 0 else { return false }
            return try await openJobs() == 0
        }
    }

    func openJobs() async throws -> Int64 {
        let status = try await server.api("GET", "/v1/status")
        let counts = (status["open_jobs"]?.object?.members ?? []).flatMap { $0.value.object?.members ?? [] }
        return counts.reduce(0) { $0 + ($1.value.int ?? 0) }
    }

    /// All items of a list, page by page.
    func all(_ path: String) async throws -> [JSONObject] {
        guard let local = LocalServer.find(folder: server.folder.path) else { throw Trouble("no server") }
        let client = APIClient(base: server.base, credential: local.credential, http: ServerProcess.http)
        var items: [JSONObject] = []
        try await client.list(path, limit: 100_000) { items.append($0) }
        return items
    }
}
