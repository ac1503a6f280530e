import ConnectorKit
import Connectors
import Intake
import Jobs
import Journal
import JournalPostgres
import JournalSQLite
import Logging
import Model
import Planning
import Reconciliation
import Sandbox
import Seams
import ServiceLifecycle
import Settings
import Synchronization
import TestKit
import Testing

/// Real clocks, of which the wall clock can be set ahead.
final class ShiftedTime: TimeSource {
    private let shift = Mutex(Duration.zero)
    private let system = SystemTime()

    var now: Instant { system.now + shift.withLock { $0 } }
    var uptime: Duration { system.uptime }
    func sleep(for duration: Duration) async throws { try await system.sleep(for: duration) }
    func advance(by duration: Duration) { shift.withLock { $0 += duration } }
}

/// A journal of either kind, with what takes it away afterwards.
enum Store: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case sqlite, postgres

    static var all: [Store] { PostgresServer.isInstalled ? allCases : [.sqlite] }
    var testDescription: String { rawValue }

    /// The journal, and its address where it has one.
    func open(in folder: TemporaryFolder, world: World) async throws -> (journal: any JournalStore, url: String?) {
        switch self {
        case .sqlite: return (try SQLiteJournal.open(path: folder.file("journal.db")), nil)
        case .postgres:
            let url = try await PostgresServer.shared.makeDatabase()
            _ = try await OwnThread.run { try PostgresJournal.migrate(url: url) }
            return (try PostgresJournal.open(url: url, node: "n", world: world), url)
        }
    }
}

/// The whole engine over stand-ins: intake, planner, runner and reconciler, each as it is.
final class Shop: Sendable {
    static let secret = "whsec_stripe-of-a-test"

    let time = ShiftedTime()
    let services: StandInSet
    let journal: any JournalStore
    let live: LiveSettings
    let connectors: ConnectorSet
    let histories: HistorySet
    let intake: Intake
    let admission: Admission
    let planner: PlannerService
    let runner: JobRunner
    let reconciler: Reconciler
    let world: World
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let databaseURL: String?
    private let folder: TemporaryFolder

    static let flows = [
        Flow(
            id: "new-lead", name: "new lead", on: [.leadCaptured],
            calls: [Flow.Call(destination: "crm", action: "upsert_contact")]),
        Flow(
            id: "payment-status", name: "payment status", on: [.paymentSucceeded],
            calls: [Flow.Call(destination: "crm", action: "set_payment_status")]),
        Flow(
            id: "complaint", name: "complaint", on: [.supportEscalated],
            calls: [Flow.Call(destination: "desk", action: "open_ticket")]),
    ]

    static func settings(flows: [Flow] = flows) -> Settings {
        Settings(
            product: "Acme",
            sources: [
                SourceSettings(
                    name: "stripe", kind: .stripe(payments: .intents), secrets: [],
                    api: ProviderAPI(key: .environment("STRIPE_API_KEY"))),
                SourceSettings(name: "chat", kind: .events, secrets: []),
            ],
            destinations: [
                DestinationSettings(name: "crm", kind: .hubspot(token: .environment("HUBSPOT_TOKEN"))),
                DestinationSettings(
                    name: "desk",
                    kind: .zendesk(subdomain: "acme", email: "ops@acme.example", token: .environment("ZENDESK_TOKEN"))),
            ], flows: flows)
    }

    init(_ store: Store, flows: [Flow] = flows) async throws {
        folder = try TemporaryFolder()
        var limits = HubSpotStandIn.Limits()
        limits.callsPerTenSeconds = 100_000
        var desk = ZendeskStandIn.Limits()
        (desk.callsPerMinute, desk.ticketUpdatesPerMinute) = (100_000, 100_000)
        services = StandInSet([
            "hubspot": HubSpotStandIn(token: "hubspot", limits: limits),
            "zendesk": ZendeskStandIn(email: "ops@acme.example", token: "zendesk", limits: desk),
            "stripe": StripeStandIn(key: "rk_test"),
        ])
        world = World(
            time: time, chance: SystemChance(), http: SandboxTransport(services, time: time))
        (journal, databaseURL) = try await store.open(in: folder, world: world)
        let settings = Self.settings(flows: flows)
        live = LiveSettings(settings)
        func secret(_ reference: SecretReference) -> Redacted<String>? {
            switch reference {
            case .environment("STRIPE_API_KEY"): Redacted("rk_test")
            case .environment("HUBSPOT_TOKEN"): Redacted("hubspot")
            default: Redacted("zendesk")
            }
        }
        connectors = ConnectorSet(ConnectorFactory.make(settings: settings, secrets: secret, world: world))
        histories = HistorySet(ConnectorFactory.histories(settings: settings, secrets: secret, world: world))
        let (journal, live, connectors) = (journal, live, connectors)
        runner = JobRunner(
            journal: journal, connectors: connectors, settings: live, world: world, node: "n", logger: logger)
        let runner = runner
        planner = PlannerService(
            journal: journal, settings: live, connectors: connectors, time: time, chance: world.chance, logger: logger,
            onWork: { runner.wake() })
        let planner = planner
        admission = Admission(journal: journal, logger: logger, time: time, onCommit: { _ in planner.wake() })
        intake = Intake(
            settings: live, secrets: ["stripe": [Redacted(Self.secret)]], admission: admission, time: time,
            chance: world.chance, logger: logger)
        reconciler = Reconciler(
            journal: journal, connectors: connectors, histories: histories, settings: live,
            intake: Door(intake: intake), world: world, logger: logger, onEvents: { planner.wake() },
            onJobs: { runner.wake() })
    }

    /// Opens for as long as `body` takes.
    static func open(
        _ store: Store, flows: [Flow] = flows, prepare: (Shop) async throws -> Void = { _ in },
        _ body: @escaping @Sendable (Shop) async throws -> Void
    ) async throws {
        let shop = try await Shop(store, flows: flows)
        try await prepare(shop)
        let group = ServiceGroup(
            services: [shop.admission, shop.planner, shop.runner], logger: shop.logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            do {
                try await body(shop)
            } catch {
                await group.triggerGracefulShutdown()
                throw error
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
        try await shop.journal.close()
    }

    func path(_ name: String) -> String { folder.file(name) }

    // MARK: What happens

    /// Stripe says it, and its webhook brings it.
    func deliver(_ event: Sandbox.StripeEvent) async throws {
        record(event)
        let delivery = StripeSender(secrets: [Self.secret]).delivery(event, at: time.now)
        let answer = await intake.receive(
            source: "stripe", headers: delivery.headers.map { ($0.name, $0.value) }, body: delivery.body)
        #expect(answer.status == 200)
    }

    /// Stripe says it, and its webhook is lost.
    func record(_ event: Sandbox.StripeEvent) {
        _ = services.change("stripe", as: StripeStandIn.self) { $0.record(event) }
    }

    @discardableResult
    func chat(
        _ type: EventType, _ id: String, session: String? = nil, user: String? = nil, _ data: JSONObject
    ) async throws -> EventID {
        var body: JSONObject = ["id": .string(id), "type": .string(type.name), "data": .object(data)]
        body["session"] = .string(session ?? "s-\(id)")
        body["user"] = user.map { .string($0) }
        let answer = await intake.receiveEvents(
            source: "chat", contentType: "application/json", body: body.encoded, boundSource: nil)
        return try #require(answer.event)
    }

    func purchase(_ tag: String, email: String? = nil) -> StripePurchase {
        StripePurchase(
            tag: tag, email: email ?? "\(tag)@example.com", name: "Ada", amount: 4900, startedAt: time.now)
    }

    /// Waits until nothing is planned or worked any more.
    func settle() async throws {
        let end = SystemTime().uptime + .seconds(240)
        let pulse = Signal()
        while SystemTime().uptime < end {
            let figures = try await journal.figures(now: time.now)
            let isBusy = figures.openJobs.values.contains { states in
                states.contains { [.available, .running, .retryable].contains($0.key) && $0.value > 0 }
            }
            if figures.pending == 0, !isBusy { return }
            await pulse.wait(upTo: .milliseconds(50), on: SystemTime())
        }
        Issue.record("the shop did not come to rest")
    }

    /// All of one kind of job, of any state.
    func jobs(_ states: Set<JobState>) async throws -> [JobRow] {
        var (all, cursor): ([JobRow], String?) = ([], nil)
        repeat {
            let page = try await journal.jobs(
                JobFilter(states: states), page: PageRequest(limit: Limits.pageMax, cursor: cursor))
            all += page.items
            cursor = page.next
        } while cursor != nil
        return all
    }

    // MARK: Reconciling

    /// Compares all places; by place, the run and its differences.
    func reconcile() async throws -> [String: (run: Reconciliation, differences: [Difference])] {
        let ordered = try await reconciler.order(place: nil, since: nil, by: "ada")
        await reconciler.performAll()
        var told: [String: (run: Reconciliation, differences: [Difference])] = [:]
        for run in ordered {
            let ended = try #require(await journal.reconciliation(run.id))
            #expect(ended.state == .completed, "\(run.place): \(ended.reason ?? "")")
            told[run.place] = (ended, try await differences(of: run.id))
        }
        return told
    }

    func differences(of run: ReconciliationID) async throws -> [Difference] {
        var (all, cursor): ([Difference], String?) = ([], nil)
        repeat {
            let page = try await journal.differences(
                of: run, DifferenceFilter(), page: PageRequest(limit: Limits.pageMax, cursor: cursor))
            all += page.items
            cursor = page.next
        } while cursor != nil
        return all
    }
}

private struct Door: Recovering {
    let intake: Intake

    func assess(_ payload: [UInt8], of source: String) -> Assessment {
        switch intake.reading(of: payload, source: source) {
        case .event: .event
        case .ignored: .ignored
        case .unusable: .unusable
        }
    }

    func recover(_ payload: [UInt8], of source: String) async -> Recovery {
        recovery(await intake.recover(payload, source: source))
    }

    func replay(_ kept: KeptDelivery) async -> Recovery { recovery(await intake.replay(kept)) }

    private func recovery(_ answer: IntakeAnswer) -> Recovery {
        guard let event = answer.event else { return .refused(reason: "\(answer.body.encodedText)") }
        return answer.body["status"] == "duplicate" ? .duplicate(event) : .accepted(event)
    }
}
