internal import ConnectorKit
internal import Journal
internal import Model
internal import Planning
internal import Seams
internal import Settings
internal import TestKit

/// A connector of which only the description counts here.
struct SilentConnector: Connector {
    let actions: [ActionDescription]
    func prepare(_ effect: Effect) throws(EffectRefusal) -> StoredRequest {
        throw .impossible(errorClass: "silent", "")
    }
    func perform(_ request: StoredRequest, for effect: Effect, approach: Approach, deadline: Duration) async -> Report {
        Report(.succeeded(nil))
    }
    func probe() async -> Verdict { .succeeded(nil) }
    func missingRequirements(for calls: [Flow], isCreating: Bool) async -> RequirementReport { RequirementReport() }

    static var crm: SilentConnector {
        let email = Flow.Assignment(name: "email", value: .path(Path(steps: ["email"])))
        return SilentConnector(actions: [
            ActionDescription(name: "upsert_contact", effectClass: .upsert, required: ["email"], defaults: [email]),
            ActionDescription(
                name: "set_payment_status", effectClass: .upsert, isStateSetting: true, required: ["email"],
                defaults: [email]),
            ActionDescription(name: "notify", effectClass: .unsafe),
        ])
    }
}

/// A journal in memory, a clock and a planner.
final class Scene {
    let journal = MemoryJournal()
    let time = ManualTime()
    let mint: IDMint
    var settings: Settings

    init(_ flows: [Flow] = [], order: LaneOrder = .subject, seed: UInt64 = 1) {
        mint = IDMint(time: time, chance: SeededChance(seed: seed))
        settings = Settings(
            product: "Acme",
            destinations: [DestinationSettings(name: "crm", kind: .slack(url: .environment("URL")), order: order)],
            flows: flows)
    }

    /// An event of this second, unless told otherwise; every call makes another one.
    func event(
        _ type: EventType, _ data: JSONObject = [:], role: Event.Role = .states, at seconds: Int64 = 0,
        session: String? = nil, user: String? = nil
    ) -> Event {
        let id: EventID = mint.make()
        return Event(
            id: id, source: "test", externalID: "evt_\(id)", externalType: type.name, type: type, role: role,
            occurredAt: Instant(seconds: 1_795_000_000 + seconds), receivedAt: time.now, session: session, user: user,
            data: data)
    }

    func plan(_ event: Event) throws {
        journal.events[event.id] = event
        let connectors = ConnectorSet(["crm": SilentConnector.crm])
        try Planner(settings: settings, connectors: connectors, mint: mint).plan(event, in: journal, now: time.now)
    }

    @discardableResult
    func tell(
        _ type: EventType, _ data: JSONObject = [:], role: Event.Role = .states, at seconds: Int64 = 0,
        session: String? = nil, user: String? = nil
    ) throws -> Event {
        let event = event(type, data, role: role, at: seconds, session: session, user: user)
        try plan(event)
        return event
    }

    func root(of event: Event) -> SubjectID? { journal.homes[event.id].map { journal.root(of: $0) } }
    func outcomes(of event: Event) -> [Decision.Outcome] {
        journal.decisions.filter { $0.event == event.id }.map(\.outcome)
    }
}

extension Flow {
    static func to(
        _ action: String, on type: EventType, when: Condition = .always, set: [Assignment]? = nil,
        rollout: Rollout = .on, after: Duration = .zero, id: String = "flow"
    ) -> Flow {
        Flow(
            id: id, name: id, on: [type], when: when, calls: [Call(destination: "crm", action: action)], set: set,
            rollout: rollout, after: after)
    }
}

func payment(_ id: String = "pi_1", _ more: JSONObject = [:]) -> JSONObject {
    var data: JSONObject = ["payment": .string(id), "amount": 4900, "currency": "usd"]
    data.fill(from: more)
    return data
}
