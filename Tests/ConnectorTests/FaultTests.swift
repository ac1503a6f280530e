import ConnectorKit
import Connectors
import Journal
import Model
import Sandbox
import Seams
import Settings
import TestKit
import Testing

/// One effect, whatever happens to the calls that make it.
@Suite struct `Under random faults` {
    private struct Course: Sendable {
        var destination: String
        var effect: Effect
        /// Where in the ledger the effect shows, and how often it must be there.
        var place: [String]
        var count = 1
    }

    private static let courses: [Course] = [
        Course(
            destination: "crm", effect: Fixture.effect("upsert_contact", fields: ["email": "ada@example.com"]),
            place: ["hubspot", "contacts"]),
        Course(destination: "crm", effect: Fixture.effect("add_note"), place: ["hubspot", "notes"]),
        Course(destination: "desk", effect: Fixture.effect("open_ticket"), place: ["zendesk", "tickets"]),
        Course(destination: "hook", effect: Fixture.effect("send"), place: ["hook", "messages"]),
        Course(destination: "api", effect: Fixture.effect("create"), place: ["api", "leads"]),
        Course(destination: "api", effect: Fixture.effect("mark"), place: ["api", "notes"]),
        Course(destination: "api", effect: Fixture.effect("put"), place: ["api", "people"]),
    ]

    private static let faults: [Fault] = [
        Fault.before(.reset).share(0.1), Fault.before(.timeout).share(0.1), Fault.after(.reset).share(0.15),
        Fault.after(.timeout).share(0.15), Fault.status(500).share(0.1), Fault.status(429).share(0.1),
        Fault.truncated(to: 20).share(0.1),
    ]

    @Test(arguments: 0..<7, 0..<20)
    func `an effect is made once`(_ index: Int, _ seed: Int) async throws {
        let course = Self.courses[index]
        let time = ManualTime(Fixture.now)
        let services = StandInSet([
            "hubspot": HubSpotStandIn(token: Fixture.token),
            "zendesk": ZendeskStandIn(email: "ops@acme.example", token: "zd-token-000111222"),
            "hook": WebhookReceiver(secrets: [Fixture.webhookSecret]),
            "api": GenericAPIStandIn(token: "api-token-333444"),
        ])
        let connector = try Fixture.connector(
            course.destination, SandboxTransport(services, time: time), time: time)
        if course.effect.action == "add_note" {
            let flow = Flow(
                id: "f", name: "f", on: [], calls: [.init(destination: "crm", action: "add_note")])
            _ = await connector.missingRequirements(for: [flow], isCreating: true)
        }
        for service in services.names { services.setFaults(Self.faults, seed: UInt64(seed), for: service) }

        let action = try #require(connector.actions.first { $0.name == course.effect.action })
        let request = try connector.prepare(course.effect)
        var isUnknown = false
        for attempt in 0..<200 {
            var approach = Approach.first
            if isUnknown { approach = if case .findable = action.effectClass { .lookFirst } else { .repeatWithKey } }
            let report = await connector.perform(
                request, for: course.effect, approach: approach, deadline: .seconds(15))
            time.advance(by: .seconds(10))
            switch report.verdict {
            case .succeeded:
                let ledger = course.place.reduce(Optional(JSONValue.object(services.ledger))) { $0?[$1] }
                #expect(ledger?.array?.count == course.count, "seed \(seed), \(course.place), attempt \(attempt)")
                return
            case .transient(_, let mayHaveHappened, _): isUnknown = mayHaveHappened
            case .slowDown: break
            default:
                Issue.record("seed \(seed), attempt \(attempt): \(report)")
                return
            }
        }
        Issue.record("seed \(seed): never done")
    }
}
