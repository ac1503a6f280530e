import Crypto
import Foundation
import Model
import Sandbox
import Seams
import TestKit
import Testing

@Suite struct `The Slack stand-in` {
    private let path = "/services/T00000000/B00000000/sandbox"

    @Test func `answers ok and keeps the message`() {
        var caller = Caller(SlackStandIn(), authorization: nil)
        let answer = caller.call("POST", path, ["text": "hello"])
        #expect(answer.status == 200)
        #expect(answer.text == "ok")
        #expect(caller.standIn.messages.map(\.text) == ["hello"])
    }

    @Test func `refuses what says nothing, what is no JSON and what goes to no webhook`() {
        var caller = Caller(SlackStandIn(), authorization: nil)
        #expect(caller.call("POST", path, ["text": ""]).text == "no_text")
        #expect(caller.call("POST", path, ["text": 5]).text == "invalid_payload")
        #expect(caller.call("POST", path).text == "invalid_payload")
        #expect(caller.call("POST", "/services/T0/B0/x", ["text": "hello"]).status == 404)
        caller.standIn.isRemoved = true
        #expect(caller.call("POST", path, ["text": "hello"]).text == "no_service")
        #expect(caller.standIn.messages.isEmpty)
    }

    @Test func `takes a burst and then one message a second`() {
        var caller = Caller(SlackStandIn(burst: 3), authorization: nil)
        for _ in 1...3 { #expect(caller.call("POST", path, ["text": "x"]).status == 200) }
        let refused = caller.call("POST", path, ["text": "x"])
        #expect(refused.status == 429)
        #expect(refused.header("retry-after") == "1")
        caller.now = start + .seconds(1)
        #expect(caller.call("POST", path, ["text": "x"]).status == 200)
        #expect(caller.call("POST", path, ["text": "x"]).status == 429)
    }
}

@Suite struct `The webhook receiver` {
    private let secret = "whsec_" + Data("a secret of twenty-four bytes".utf8).base64EncodedString()
    private let body = Array(#"{"type":"lead_captured"}"#.utf8)

    /// Signs with the standard's own recipe, not with the sandbox's code.
    private func headers(id: String = "m1", at seconds: Int64 = start.seconds) -> [OutboundRequest.Header] {
        let key = SymmetricKey(data: Data("a secret of twenty-four bytes".utf8))
        let mark = HMAC<SHA256>.authenticationCode(for: Data("\(id).\(seconds).".utf8) + Data(body), using: key)
        return [
            .init("webhook-id", id), .init("webhook-timestamp", String(seconds)),
            .init("webhook-signature", "v2,other v1," + Data(mark).base64EncodedString()),
        ]
    }

    private func send(
        _ receiver: inout WebhookReceiver, _ headers: [OutboundRequest.Header], body: [UInt8]? = nil
    ) -> Int {
        receiver.respond(
            to: OutboundRequest(method: "POST", url: "/", headers: headers, body: body ?? self.body), at: start
        ).status
    }

    @Test func `keeps a signed message once, however often it comes`() {
        var receiver = WebhookReceiver(secrets: ["whsec_b3RoZXI=", secret])
        #expect(send(&receiver, headers()) == 200)
        #expect(send(&receiver, headers()) == 200)
        #expect(receiver.messages.map(\.body) == [body])
        #expect(receiver.duplicates == 1)
    }

    @Test func `refuses what is changed, unsigned, doubled, old or early`() {
        var receiver = WebhookReceiver(secrets: [secret])
        #expect(send(&receiver, headers(), body: body + [32]) == 401)
        #expect(send(&receiver, []) == 401)
        #expect(send(&receiver, headers() + headers()) == 401)
        #expect(send(&receiver, headers(at: start.seconds - 301)) == 401)
        #expect(send(&receiver, headers(at: start.seconds + 301)) == 401)
        #expect(send(&receiver, headers(at: start.seconds - 300)) == 200)
        receiver.isGone = true
        #expect(send(&receiver, headers(id: "m2")) == 410)
        #expect(receiver.messages.count == 1)
    }
}

@Suite struct `The generic API` {
    @Test func `makes one item per key, for as long as the key lives`() {
        var caller = Caller(GenericAPIStandIn(token: "t"), authorization: "Bearer t")
        let key = [OutboundRequest.Header("Idempotency-Key", "k")]
        let first = caller.call("POST", "/orders", ["marker": "m"], headers: key)
        #expect(caller.call("POST", "/orders", ["marker": "m"], headers: key).body == first.body)
        #expect(caller.call("POST", "/orders", ["marker": "other"], headers: key).status == 422)
        #expect(caller.standIn.items["orders"]?.count == 1)
        caller.now = start + .seconds(86_400)
        #expect(caller.call("POST", "/orders", ["marker": "m"], headers: key).status == 201)
        #expect(caller.call("GET", "/orders?marker=m").json["items"]?.array?.count == 2)
    }

    @Test func `replaces an item under a key of the caller's and refuses strangers`() {
        var caller = Caller(GenericAPIStandIn(token: "t"), authorization: "Bearer t")
        #expect(caller.call("PUT", "/people/7", ["name": "Ada"]).status == 201)
        #expect(caller.call("PUT", "/people/7", ["name": "Augusta"]).status == 200)
        #expect(caller.standIn.items["people"]?.map(\.body) == [["name": "Augusta"]])
        caller.authorization = "Bearer x"
        #expect(caller.call("PUT", "/people/7", ["name": "Eve"]).status == 401)
    }
}
