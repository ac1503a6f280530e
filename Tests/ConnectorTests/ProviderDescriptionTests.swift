import ConnectorKit
import Connectors
import Journal
import Model
import Sandbox
import Seams
import Settings
import TestKit
import Testing

/// Every request that a connector makes, checked against the provider's own description of its API.
@Suite struct `By the provider's own description` {
    private static let hubspot = [
        "contacts-v3", "notes-v3", "properties-v3", "associations-v4", "account-info-v3",
    ].map { "providers/hubspot/\($0).json" }
    private static let zendesk = "providers/zendesk/support-openapi.yaml"

    private func check(_ requests: [OutboundRequest], _ descriptions: [APIDescription]) {
        for request in requests {
            let problems = descriptions.lazy.compactMap { $0.problems(with: request) }.first
            #expect(problems == [], "\(request.method) \(request.url)\n\(request.text)")
        }
    }

    @Test(.enabled(if: hubspot.allSatisfy { ReferenceData.isPresent($0) }))
    func `HubSpot takes what we send`() async throws {
        let time = ManualTime(Fixture.now)
        let services = StandInSet(["hubspot": HubSpotStandIn(token: Fixture.token)])
        let http = RecordingTransport(SandboxTransport(services, time: time))
        let connector = try Fixture.connector("crm", http, time: time)
        let calls = ["set_payment_status", "add_note"].map { Flow.Call(destination: "crm", action: $0) }
        let flow = Flow(id: "f", name: "f", on: [.leadCaptured], calls: calls)
        #expect(Kind(await connector.probe()) == .succeeded)
        _ = await connector.missingRequirements(for: [flow], isCreating: true)
        for effect in [
            Fixture.effect("add_note"), Fixture.effect("upsert_contact", set: ["email": "b@example.com"]),
            Fixture.effect("set_payment_status", state: Fixture.paymentState),
        ] {
            #expect(Kind(try await connector.make(effect).verdict) == .succeeded)
        }
        let conflict = ScriptedTransport { _, index in
            index == 0 ? .answer(409, ["category": "CONFLICT", "message": "Existing ID: 51"]) : .answer(200)
        }
        _ = try await Fixture.connector("crm", conflict).make(Fixture.effect("upsert_contact"))
        let sent = http.requests + conflict.requests
        #expect(sent.count >= 14)
        check(sent, try Self.hubspot.compactMap { try APIDescription($0) })
    }

    @Test(.enabled(if: ReferenceData.isPresent(zendesk)))
    func `Zendesk takes what we send`() async throws {
        let time = ManualTime(Fixture.now)
        let standIn = ZendeskStandIn(email: "ops@acme.example", token: "zd-token-000111222")
        let http = RecordingTransport(SandboxTransport(StandInSet(["zendesk": standIn]), time: time))
        let connector = try Fixture.connector("desk", http, time: time)
        #expect(Kind(await connector.probe()) == .succeeded)
        let escalation = Fixture.effect(
            "open_ticket", type: .supportEscalated, set: ["priority": "high", "tags": "vip", "type": "problem"],
            payments: [Fixture.payment("pi_1")])
        guard case .succeeded(let ticket?) = try await connector.make(escalation, approach: .lookFirst).verdict else {
            Issue.record("no ticket was made")
            return
        }
        for effect in [
            Fixture.effect("comment", records: [ticket]),
            Fixture.effect("set_status", set: ["status": "solved"], records: [ticket]),
        ] {
            #expect(Kind(try await connector.make(effect, approach: .lookFirst).verdict) == .succeeded)
        }
        #expect(http.requests.count == 6)
        check(http.requests, [try #require(try APIDescription(Self.zendesk))])
    }
}

@Suite struct `The checker of descriptions` {
    private let description = APIDescription(root: [
        "paths": [
            "/things/{id}": [
                "put": [
                    "requestBody": [
                        "content": ["application/json": ["schema": ["$ref": "#/components/schemas/Thing"]]]
                    ]
                ]
            ]
        ],
        "components": [
            "schemas": [
                "Thing": [
                    "allOf": [["type": "object", "required": ["name"]]],
                    "properties": [
                        "name": ["type": "string"], "size": ["type": "string", "enum": ["s", "m"]],
                        "parts": ["type": "array", "items": ["type": "integer"]],
                    ], "additionalProperties": false,
                ]
            ]
        ],
    ])

    private func problems(_ body: JSONValue, _ method: String = "PUT", _ path: String = "/things/7") -> [String]? {
        description.problems(
            with: OutboundRequest(method: method, url: "https://x.example\(path)?q=1", body: body.encoded))
    }

    @Test func `takes what fits`() {
        #expect(problems(["name": "a", "size": "m", "parts": [1, 2]]) == [])
    }

    @Test func `sees what does not`() {
        #expect(problems(["size": "s"]) == ["body.name is missing"])
        #expect(problems(["name": 1]) == ["body.name is no string"])
        #expect(problems(["name": "a", "size": "xl"])?.count == 1)
        #expect(problems(["name": "a", "parts": [1, "2"]]) == ["body.parts[1] is no integer"])
        #expect(problems(["name": "a", "other": true]) == ["body.other is unknown"])
    }

    @Test func `knows no other path or method`() {
        #expect(problems(["name": "a"], "POST") == nil)
        #expect(problems(["name": "a"], "PUT", "/things") == nil)
    }
}
