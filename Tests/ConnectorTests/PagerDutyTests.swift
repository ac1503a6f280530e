import ConnectorKit
import Connectors
import Journal
import Model
import Seams
import Settings
import TestKit
import Testing

@Suite struct `A pager` {
    private static let key = "R015ABCDEF0123456789ABCDEF012345"

    static let alert: JSONObject = [
        "alert": "tal_1", "key": "dead_letters:crm", "severity": "critical", "title": "crm has dead letters",
        "detail": "2 jobs were given up.", "cost": "2 leads not in the CRM (crm)", "since": "2026-11-23T09:00:00Z",
        "product": "Acme", "told": 1,
    ]

    private func connector(_ http: any HTTPTransport, key: String? = key) -> PagerDutyConnector {
        PagerDutyConnector(
            settings: DestinationSettings(name: "pager", kind: .pagerduty(routingKey: .environment("K"))),
            routingKey: key.map { Redacted($0) },
            world: World(time: ManualTime(Fixture.now), chance: SeededChance(seed: 1), http: http))
    }

    @Test func `is triggered at an alert's opening and resolved at its end, under one key`() async throws {
        let http = ScriptedTransport(status: 202, body: #"{"status":"success"}"#)
        for type in [EventType.alertOpened, .alertChanged, .alertEnded] {
            let effect = Fixture.effect("event", type: type, data: Self.alert, fields: [:])
            let report = try await connector(http).make(effect)
            #expect(Kind(report.verdict) == .succeeded)
        }
        let sent = try http.requests.map { try JSONValue(parsing: $0.body) }
        #expect(http.requests.map(\.url) == Array(repeating: "https://events.pagerduty.com/v2/enqueue", count: 3))
        #expect(sent.map { $0["event_action"]?.string } == ["trigger", "trigger", "resolve"])
        #expect(sent.allSatisfy { $0["dedup_key"] == "tal_1" && $0["routing_key"]?.string == Self.key })
        let payload = try #require(sent.first?["payload"])
        #expect(payload["severity"] == "critical" && payload["summary"] == "crm has dead letters")
        #expect(payload["custom_details"]?["cost"] == "2 leads not in the CRM (crm)")
    }

    @Test func `keeps its key out of what is kept`() throws {
        let effect = Fixture.effect("event", type: .alertOpened, data: Self.alert, fields: [:])
        let request = try connector(ScriptedTransport(status: 202)).prepare(effect)
        #expect(!String(decoding: request.body, as: UTF8.self).contains(Self.key))
    }

    @Test(arguments: [
        (400, #"{"status":"invalid event","errors":["'routing_key' is invalid"]}"#, Kind.credentials),
        (400, #"{"status":"invalid event","errors":["'payload.severity' is invalid"]}"#, .permanent),
        (429, "{}", .slowDown), (500, "{}", .transient),
    ])
    func `reads answers`(status: Int, body: String, kind: Kind) async throws {
        let report = try await connector(ScriptedTransport(status: status, body: body))
            .make(Fixture.effect("event", type: .alertOpened, data: Self.alert, fields: [:]))
        #expect(Kind(report.verdict) == kind)
    }

    @Test func `pauses where its key is not there`() async throws {
        let report = try await connector(ScriptedTransport(status: 202), key: nil)
            .make(Fixture.effect("event", type: .alertOpened, data: Self.alert, fields: [:]))
        #expect(Kind(report.verdict) == .credentials)
    }
}
