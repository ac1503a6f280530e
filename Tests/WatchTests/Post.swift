import ConnectorKit
import Journal
import JournalPostgres
import JournalSQLite
import Logging
import Model
import Planning
import Seams
import Settings
import TestKit
import Watch

let start = Instant(seconds: 1_795_000_000)
let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

enum Store: String, CaseIterable, Sendable {
    case sqlite, postgres
    static var all: [Store] { PostgresServer.isInstalled ? allCases : [.sqlite] }
}

/// A destination that tells people; nobody calls it here.
struct Teller: Connector {
    var actions: [ActionDescription] { [ActionDescription(name: "notify", effectClass: .unsafe)] }
    func prepare(_ effect: Effect) throws(EffectRefusal) -> StoredRequest {
        StoredRequest(method: "POST", path: "", body: [], renderedAt: effect.now)
    }
    func perform(_ request: StoredRequest, for effect: Effect, approach: Approach, deadline: Duration) async -> Report {
        Report(.succeeded(nil))
    }
    func probe() async -> Verdict { .succeeded(nil) }
    func missingRequirements(for flows: [Flow], isCreating: Bool) async -> RequirementReport { RequirementReport() }
}

/// A journal under watch, with a clock that the test moves, and one node or more.
final class Post: Sendable {
    struct Node: Sendable {
        let journal: any JournalStore
        let watcher: Watcher
        let book: TallyBook
    }

    let time = ManualTime(start)
    let nodes: [Node]
    let settings: Settings
    private let chance = SeededChance(seed: 11)
    private let folder: TemporaryFolder
    private let planner: Planner

    init(_ store: Store, nodes count: Int = 1, alerts: AlertSettings = Post.alerts) async throws {
        folder = try TemporaryFolder()
        var settings = Settings(
            product: "Acme",
            sources: [SourceSettings(name: "chat", kind: .events, secrets: [])],
            destinations: [
                DestinationSettings(name: "crm", kind: .hubspot(token: .environment("T"))),
                DestinationSettings(name: "team", kind: .slack(url: .environment("S"))),
            ], alerts: alerts)
        if let flow = alerts.flow { settings.flows.append(flow) }
        self.settings = settings
        let (time, chance, live) = (time, chance, LiveSettings(settings))
        var journals: [any JournalStore] = []
        switch store {
        case .sqlite: journals.append(try SQLiteJournal.open(path: folder.file("journal.db")))
        case .postgres:
            let url = try await PostgresServer.shared.makeDatabase()
            _ = try PostgresJournal.migrate(url: url)
            let world = World(time: SystemTime(), chance: SystemChance(), http: NoTransport())
            for number in 0..<count {
                journals.append(try PostgresJournal.open(url: url, node: "n\(number)", world: world))
            }
        }
        nodes = journals.map { journal in
            let book = TallyBook(settings: live, time: time)
            return Node(
                journal: journal,
                watcher: Watcher(
                    journal: journal, settings: live, book: book, time: time, chance: chance, logger: quiet), book: book
            )
        }
        planner = Planner(
            settings: settings, connectors: ConnectorSet(["team": Teller()]),
            mint: IDMint(time: time, chance: chance))
    }

    static let alerts = AlertSettings(to: ["team"], calls: [.init(destination: "team", action: "notify")])

    var journal: any JournalStore { nodes[0].journal }

    func close() async throws { for node in nodes { try await node.journal.close() } }

    func id<Tag>() -> Identifier<Tag> { Identifier(at: time.now, random: (chance.next(), chance.next())) }

    /// New leads, each with a job for the CRM.
    func leads(_ count: Int, on node: Int = 0) async throws {
        let now = time.now
        let events = (0..<count).map { _ in
            let id: EventID = id()
            return Event(
                id: id, source: "chat", externalID: "\(id)", externalType: "lead_captured", type: .leadCaptured,
                occurredAt: now, receivedAt: now, session: "\(id)", data: [:])
        }
        _ = try await nodes[node].journal.append(events.map { .event($0, payload: []) })
        try await plan(on: node)
    }

    /// So many deliveries of the chat are counted, whatever became of them.
    func arrive(_ count: Int) {
        let now = time.now
        nodes[0].book.countArrivals(
            (0..<count).map { _ in
                let id: EventID = id()
                return .event(
                    Event(
                        id: id, source: "chat", externalID: "\(id)", externalType: "lead_captured",
                        type: .leadCaptured, occurredAt: now, receivedAt: now, session: "\(id)", data: [:]), payload: []
                )
            })
    }

    /// Plans all that is pending: leads by hand, alerts by the planner itself.
    func plan(on node: Int = 0) async throws {
        let (now, planner, time, chance) = (time.now, planner, time, chance)
        while try await nodes[node].journal.planPending(
            limit: 256, now: now,
            plan: { event, tx in
                guard event.source == "chat" else { return try planner.plan(event, in: tx, now: now) }
                let mint = IDMint(time: time, chance: chance)
                let subject: SubjectID = mint.make()
                try tx.createSubject(subject, for: event.id, at: now)
                try tx.assign(event.id, to: subject)
                let call = Flow.Call(destination: "crm", action: "upsert_contact")
                try tx.insert(
                    NewJob(
                        id: mint.make(), effect: EffectKey(flow: "f", call: call, fact: "\(event.id)"), flow: "f",
                        call: call, event: event.id, fact: nil, subject: subject, lane: nil, startsAt: now), at: now)
            }
        ).isMore {}
    }

    /// Works all that may start; `fails` says of each call whether it does.
    @discardableResult
    func work(
        on node: Int = 0, limit: Int = 100, result: Settlement.Result? = nil, fails: (Int) -> Bool = { _ in false }
    ) async throws -> Int {
        let (journal, now) = (nodes[node].journal, time.now)
        let claimed = try await journal.exchange(
            [], claims: [ClaimRequest(destination: "crm", limit: limit)], node: "n\(node)", now: now
        ).claimed
        let settlements = claimed.enumerated().map { index, job in
            let isFailed = fails(index)
            nodes[node].book.countWork(destination: "crm", outcome: isFailed ? .transient : .succeeded)
            return Settlement(
                job: job.id, token: job.token,
                result: isFailed
                    ? result ?? .retry(at: now + .seconds(2), isSpent: true)
                    : .completed(nil, supersedesUpTo: nil),
                attempt: AttemptEnd(
                    outcome: isFailed ? .transient : .succeeded, endedAt: now, durationMilliseconds: 5,
                    errorClass: isFailed ? "http_500" : nil, error: isFailed ? "it hurts" : nil))
        }
        if !settlements.isEmpty {
            let exchange = try await journal.exchange(settlements, claims: [], node: "n\(node)", now: now)
            guard exchange.refused.isEmpty else { throw Failure(.conflict, "a settlement was refused") }
        }
        return claimed.count
    }

    func watch() async throws {
        for node in nodes { try await node.watcher.round() }
        try await plan()
    }

    var alerts: [AlertRow] {
        get async throws { try await journal.alerts(openOnly: false, page: PageRequest(limit: 500)).items }
    }

    /// What was told, the oldest first: the type and what it says.
    var told: [Event] {
        get async throws {
            var filter = EventFilter()
            filter.source = "throughline"
            return try await journal.events(filter, page: PageRequest(limit: 500)).items.map(\.event).reversed()
        }
    }
}

struct NoTransport: HTTPTransport {
    func send(_ request: OutboundRequest) async throws(TransportError) -> InboundResponse {
        throw TransportError(.connect, mayHaveArrived: false, "nothing is called here")
    }
}
