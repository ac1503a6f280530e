import ConnectorKit
import Connectors
import Crypto
import Foundation
import Journal
import Model
import Seams
import Settings
import TestKit
import Testing

@Suite struct `A webhook` {
    @Test func `is signed over its id, the time of the attempt and its bytes`() async throws {
        let http = ScriptedTransport(status: 204)
        let time = ManualTime(Fixture.now)
        let connector = try Fixture.connector("hook", http, time: time)
        let effect = Fixture.effect("send")
        let request = try connector.prepare(effect)
        for _ in 0..<2 {
            _ = await connector.perform(request, for: effect, approach: .first, deadline: .seconds(15))
            time.advance(by: .seconds(90))
        }
        let encoded = String(Fixture.webhookSecret.dropFirst("whsec_".count))
        let key = SymmetricKey(data: try #require(Data(base64Encoded: encoded)))
        for (sent, seconds) in zip(http.requests, [Fixture.now.seconds, Fixture.now.seconds + 90]) {
            let id = try #require(sent.header("webhook-id"))
            let signed = Data("\(id).\(seconds).".utf8) + sent.body
            let code = HMAC<SHA256>.authenticationCode(for: signed, using: key)
            #expect(sent.header("webhook-timestamp") == "\(seconds)")
            #expect(sent.header("webhook-signature") == "v1," + Data(code).base64EncodedString())
        }
    }

    // The published example of the Standard Webhooks specification.
    @Test func `fits the published signature`() throws {
        let signer = try #require(WebhookSigner(secret: Redacted("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")))
        let headers = signer.headers(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek", body: Array(#"{"test": 2432232314}"#.utf8),
            at: Instant(seconds: 1_614_265_330))
        #expect(headers.last?.value == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    }

    @Test(arguments: ["", "whsec_", "whsec_!!!"]) func `refuses a secret that is no key`(_ secret: String) {
        #expect(WebhookSigner(secret: Redacted(secret)) == nil)
    }

    @Test func `pauses for a secret that is no key`() async throws {
        let http = ScriptedTransport(status: 200)
        let connector = WebhookConnector(
            settings: DestinationSettings(
                name: "h", kind: .webhook(url: "https://x.example", secret: .environment("S"))),
            url: "https://x.example", secret: Redacted("not base64!"),
            world: World(time: ManualTime(), chance: SeededChance(seed: 1), http: http))
        #expect(Kind(try await connector.make(Fixture.effect("send")).verdict) == .credentials)
        #expect(http.requests.isEmpty)
    }

    @Test func `carries the canonical event`() throws {
        let request = try Fixture.connector("hook", ScriptedTransport(status: 200)).prepare(Fixture.effect("send"))
        let body = try JSONValue(parsing: request.body)
        #expect(body["type"] == "lead_captured")
        #expect(body["timestamp"] == "2026-11-23T10:00:00Z")
        #expect(body["data"]?["session"] == "sess_81")
        #expect(body["data"]?["user"] == "u_12")
        #expect(body["data"]?["data"] == .object(Fixture.leadData))
    }
}
