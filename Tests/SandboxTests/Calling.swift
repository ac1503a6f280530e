import Model
import Sandbox
import Seams
import TestKit

/// The moment at which these tests begin.
let start = Instant(seconds: 1_795_000_000)

/// A stand-in with a caller who has its credential.
struct Caller<S: StandIn> {
    var standIn: S
    var authorization: String?
    var now = start

    init(_ standIn: S, authorization: String?) {
        self.standIn = standIn
        self.authorization = authorization
    }

    @discardableResult
    mutating func call(
        _ method: String, _ path: String, _ body: JSONObject? = nil, headers: [OutboundRequest.Header] = []
    ) -> InboundResponse {
        var all = headers
        if let authorization { all.append(.init("authorization", authorization)) }
        if body != nil { all.append(.init("content-type", "application/json")) }
        return standIn.respond(
            to: OutboundRequest(method: method, url: path, headers: all, body: body?.encoded ?? []), at: now)
    }
}

extension InboundResponse {
    /// The body as JSON; null where it is none, which no expectation below takes for an answer.
    var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }
}

func hubspot(_ limits: HubSpotStandIn.Limits = .init()) -> Caller<HubSpotStandIn> {
    Caller(HubSpotStandIn(token: "pat-test", limits: limits), authorization: "Bearer pat-test")
}

func zendesk(_ limits: ZendeskStandIn.Limits = .init()) -> Caller<ZendeskStandIn> {
    // Base64 of "ops@acme.example/token:secret".
    Caller(
        ZendeskStandIn(email: "ops@acme.example", token: "secret", limits: limits),
        authorization: "Basic b3BzQGFjbWUuZXhhbXBsZS90b2tlbjpzZWNyZXQ=")
}
