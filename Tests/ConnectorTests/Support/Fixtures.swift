import ConnectorKit
import Connectors
import Journal
import Model
import Seams
import Settings
import TestKit
import Testing

/// Effects, destinations and worlds with valid defaults.
enum Fixture {
    static let now = Instant(rfc3339: "2026-11-23T10:00:00Z") ?? Instant(milliseconds: 0)
    static let token = "pat-na1-0123456789abcdef"
    static let webhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    static let slackURL = "https://hooks.slack.com/services/T00000000/B00000000/sandbox"
    static let trail = "https://hooks.acme.example/trail/tev_1"

    static func effect(
        _ action: String, type: EventType = .leadCaptured, data: JSONObject = leadData, set: JSONObject? = nil,
        fields: JSONObject? = nil, identifiers: [SubjectIdentifier] = [],
        state: [String: SubjectState.Register] = [:], payments: [PaymentView] = [], records: [ExternalRecord] = [],
        fact: String = "lead_captured:sess_81/ada@example.com", now: Instant = now
    ) -> Effect {
        Effect(
            key: EffectKey(flow: "flow", call: .init(destination: "it", action: action), fact: fact),
            action: action,
            event: Event(
                id: EventID(at: Self.now, random: (1, 2)), source: "chat", externalID: "e1", externalType: type.name,
                type: type, occurredAt: Self.now, receivedAt: Self.now, session: "sess_81", user: "u_12", data: data),
            data: data, fields: set ?? fields ?? data, hasOwnFields: set != nil,
            subject: SubjectView(
                id: SubjectID(at: Self.now, random: (3, 4)), identifiers: identifiers,
                state: SubjectState(registers: state)),
            payments: payments, records: records, now: now, trailURL: trail)
    }

    static let leadData: JSONObject = [
        "email": "ada@example.com", "name": "Ada Lovelace", "company": "Analytical Engines",
        "message": "How much is the <b>team</b> plan?",
    ]

    static func payment(
        _ id: String, after: Duration = .zero, amount: Int64 = 4900, status: String = "succeeded",
        isProven: Bool = true
    ) -> PaymentView {
        PaymentView(
            payment: id, status: status, money: Money(amount: amount, currency: "usd"), at: now + after,
            isProven: isProven)
    }

    static let paymentState: [String: SubjectState.Register] = [
        "payment": .init(
            at: now, rank: 3, of: "pi_1",
            fields: ["status": "succeeded", "payment": "pi_1", "amount": 4900, "currency": "usd"])
    ]

    static let ticket = ExternalRecord(kind: "ticket", id: "35436")

    // MARK: Destinations

    static let kinds: [String: DestinationKind] = [
        "crm": .hubspot(token: .environment("HUBSPOT_TOKEN")),
        "desk": .zendesk(subdomain: "acme", email: "ops@acme.example", token: .environment("ZENDESK_TOKEN")),
        "team": .slack(url: .environment("SLACK_URL")),
        "hook": .webhook(url: "https://sandbox/hook", secret: .environment("HOOK_SECRET")),
        "api": .http(api), "pager": .pagerduty(routingKey: .environment("PAGER_KEY")),
    ]

    static let secretNames = [
        "crm": "HUBSPOT_TOKEN", "desk": "ZENDESK_TOKEN", "team": "SLACK_URL", "hook": "HOOK_SECRET",
        "api": "API_TOKEN", "pager": "PAGER_KEY",
    ]

    static let secrets = [
        "HUBSPOT_TOKEN": token, "ZENDESK_TOKEN": "zd-token-000111222", "SLACK_URL": slackURL,
        "HOOK_SECRET": webhookSecret + "\n", "API_TOKEN": "api-token-333444",
        "PAGER_KEY": "R015ABCDEF0123456789ABCDEF012345",
    ]

    static let api = HTTPDestination(
        url: "https://sandbox/api",
        headers: [
            .init(name: "Authorization", value: .secret(.environment("API_TOKEN"), prefix: "Bearer ")),
            .init(name: "X-Product", value: .literal("acme")),
        ],
        actions: [
            HTTPAction(
                name: "create", path: .literal("/leads"),
                body: .object([.init(name: "who", value: .path(Path(steps: ["email"])))]),
                safety: .keyed(header: "Idempotency-Key", lifetime: .seconds(86_400)), record: Path(steps: ["id"]),
                recordKind: "lead", required: ["email"]),
            HTTPAction(
                name: "mark",
                path: .literal("/notes"),
                body: .object([.init(name: "marker", value: .path(Path(root: .effect, steps: ["key"])))]),
                safety: .findable(
                    path: .text([.literal("/notes?marker="), .path(Path(root: .effect, steps: ["key"]))]),
                    exists: Path(steps: ["items", "0", "id"]), lag: .seconds(2)),
                record: Path(steps: ["id"]), recordKind: "note"),
            HTTPAction(
                name: "put", method: "PUT", path: .text([.literal("/people/"), .path(Path(steps: ["email"]))]),
                body: .object([.init(name: "name", value: .path(Path(steps: ["name"])))]), safety: .upsert,
                record: Path(steps: ["id"])),
            HTTPAction(name: "ring", path: .literal("/bells"), body: .object([]), safety: .unsafe),
        ])

    static func connectors(
        _ http: any HTTPTransport, time: any TimeSource = ManualTime(now), hasSecrets: Bool = true
    ) -> [String: any Connector] {
        let settings = Settings(
            product: "Acme", destinations: kinds.map { DestinationSettings(name: $0.key, kind: $0.value) })
        return ConnectorFactory.make(
            settings: settings,
            secrets: { reference in
                guard hasSecrets, case .environment(let name) = reference else { return nil }
                return secrets[name].map { Redacted($0) }
            }, world: World(time: time, chance: SeededChance(seed: 1), http: http))
    }

    static func connector(
        _ name: String, _ http: any HTTPTransport, time: any TimeSource = ManualTime(now)
    ) throws -> any Connector {
        try #require(connectors(http, time: time)[name])
    }
}

extension Connector {
    /// Prepares and performs, as a worker does.
    func make(_ effect: Effect, approach: Approach = .first, deadline: Duration = .seconds(15)) async throws -> Report {
        await perform(try prepare(effect), for: effect, approach: approach, deadline: deadline)
    }
}
