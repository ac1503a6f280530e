import ConnectorKit
import Connectors
import Journal
import Model
import Seams
import Settings
import Testing

@Suite struct `Slack` {
    private func text(_ effect: Effect) throws -> String {
        let request = try Fixture.connector("team", ScriptedTransport(status: 200)).prepare(effect)
        return try #require(try JSONValue(parsing: request.body)["text"]?.string)
    }

    @Test func `tells a payment in one line with a link to its trail`() throws {
        let data: JSONObject = ["payment": "pi_1", "amount": 4900, "currency": "usd", "email": "ada@example.com"]
        let text = try text(Fixture.effect("notify", type: .paymentSucceeded, data: data))
        #expect(text == "ada@example.com paid 49.00 USD (pi_1) <\(Fixture.trail)|trail>")
    }

    @Test func `tells an escalation with its urgency, reason and double charge`() throws {
        let data: JSONObject = ["reason": "refund", "urgency": "high", "email": "ada@example.com"]
        let payments = [Fixture.payment("pi_1"), Fixture.payment("pi_2", after: .seconds(60))]
        let text = try text(Fixture.effect("notify", type: .supportEscalated, data: data, payments: payments))
        #expect(text.hasPrefix("HIGH: ada@example.com needs a person: refund"))
        #expect(text.contains("possible double charge: pi_1 and pi_2"))
    }

    @Test(arguments: EventCatalogue.builtIn.map(\.type))
    func `has words for every event type`(_ type: EventType) throws {
        let empty = try text(Fixture.effect("notify", type: type, data: [:]))
        #expect(empty.count > 10)
        #expect(!empty.contains("Optional"))
    }

    @Test func `prefers the flow's own words`() throws {
        #expect(try text(Fixture.effect("notify", set: ["text": "hello"])).hasPrefix("hello <"))
    }

    @Test func `lets nobody call the channel`() throws {
        let text = try text(Fixture.effect("notify", set: ["text": "<!channel> a & b"]))
        #expect(text.hasPrefix("&lt;!channel&gt; a &amp; b"))
    }

    @Test func `cuts long words and keeps the link`() throws {
        let text = try text(Fixture.effect("notify", set: ["text": .string(String(repeating: "<", count: 5_000))]))
        #expect(text.count < 4_000)
        #expect(text.hasSuffix("&lt;… <\(Fixture.trail)|trail>"))
    }

    @Test(arguments: [
        (404, "no_service", Kind.blocked), (410, "channel_is_archived", .blocked), (403, "invalid_token", .credentials),
        (403, "action_prohibited", .blocked), (400, "invalid_payload", .permanent), (500, "rollup_error", .transient),
        (429, "rate_limited", .slowDown),
    ])
    func `reads plain words`(_ status: Int, _ word: String, _ kind: Kind) async throws {
        let http = ScriptedTransport(status: status, body: word)
        let report = try await Fixture.connector("team", http).make(Fixture.effect("notify"))
        #expect(Kind(report.verdict) == kind)
        #expect(report.verdict.trouble?.message.contains(word) == true)
    }

    @Test func `keeps the secret path behind another base address`() async throws {
        let http = ScriptedTransport(status: 200, body: "ok")
        let settings = DestinationSettings(
            name: "team", kind: .slack(url: .environment("S")), baseURL: "http://127.0.0.1:9000")
        let connector = SlackConnector(
            settings: settings, url: Redacted(Fixture.slackURL),
            world: World(time: SystemTime(), chance: SystemChance(), http: http))
        _ = try await connector.make(Fixture.effect("notify"))
        #expect(http.requests.first?.url == "http://127.0.0.1:9000/services/T00000000/B00000000/sandbox")
    }
}
