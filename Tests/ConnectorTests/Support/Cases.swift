import ConnectorKit
import Journal
import Model
import Seams
import Testing

/// One action of one connector, with an effect that it can make and an answer that means success.
struct ActionCase: Sendable, CustomTestStringConvertible {
    var destination: String
    var effect: Effect
    var success: InboundResponse

    var testDescription: String { "\(destination).\(effect.action)" }

    private init(_ destination: String, _ effect: Effect, _ status: Int, _ body: JSONValue) {
        self.destination = destination
        self.effect = effect
        success = InboundResponse(status: status, body: body.encoded)
    }

    static let all = [
        ActionCase("crm", Fixture.effect("upsert_contact"), 200, upserted),
        ActionCase("crm", Fixture.effect("set_payment_status", state: Fixture.paymentState), 200, upserted),
        ActionCase(
            "crm", Fixture.effect("add_note", records: [ExternalRecord(kind: "contact", id: "512")]), 200, upserted),
        ActionCase("desk", Fixture.effect("open_ticket", type: .supportEscalated), 201, ["ticket": ["id": 35436]]),
        ActionCase("desk", Fixture.effect("comment", records: [Fixture.ticket]), 200, ["ticket": ["id": 35436]]),
        ActionCase(
            "desk", Fixture.effect("set_status", set: ["status": "solved"], records: [Fixture.ticket]), 200,
            ["ticket": ["id": 35436]]),
        ActionCase("team", Fixture.effect("notify"), 200, [:]),
        ActionCase("hook", Fixture.effect("send"), 200, [:]),
        ActionCase("pager", Fixture.effect("event"), 202, ["status": "success"]),
        ActionCase("api", Fixture.effect("create"), 201, ["id": "7"]),
        ActionCase("api", Fixture.effect("mark"), 201, ["id": "8"]),
        ActionCase("api", Fixture.effect("put"), 200, ["id": "9"]),
        ActionCase("api", Fixture.effect("ring"), 200, [:]),
    ]

    static let upserted: JSONValue = ["status": "COMPLETE", "results": [["id": "512", "new": true]]]

    func connector(_ http: any HTTPTransport, hasSecrets: Bool = true) throws -> any Connector {
        try #require(Fixture.connectors(http, hasSecrets: hasSecrets)[destination])
    }
}
