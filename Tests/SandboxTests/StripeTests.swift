import Foundation
import Model
import Sandbox
import Seams
import TestKit
import Testing

private func purchase() -> StripePurchase {
    StripePurchase(tag: "one", email: "ada@example.com", name: "Ada", amount: 4900, startedAt: start)
}

private func stripe() -> Caller<StripeStandIn> {
    var standIn = StripeStandIn(key: "rk_test_1")
    for index in 0..<25 {
        let at = start - .seconds(Int64(index) * 60)
        var purchase = purchase()
        (purchase.tag, purchase.startedAt) = ("tag\(index)", at)
        standIn.record(purchase.paymentSucceeded(at: at))
    }
    return Caller(standIn, authorization: "Bearer rk_test_1")
}

@Suite struct `The Stripe stand-in` {
    private func ids(_ answer: InboundResponse) -> [String] {
        answer.json["data"]?.array?.compactMap { $0["id"]?.string } ?? []
    }

    @Test func `lists events page by page, the newest first, each once`() {
        var caller = stripe()
        var (seen, after, times): ([String], String?, [Int64]) = ([], nil, [])
        repeat {
            let more = after.map { "&starting_after=\($0)" } ?? ""
            let answer = caller.call("GET", "/v1/events?limit=10\(more)")
            #expect(answer.json["object"] == "list" && answer.json["url"] == "/v1/events")
            seen += ids(answer)
            times += answer.json["data"]?.array?.compactMap { $0["created"]?.int } ?? []
            after = answer.json["has_more"] == true ? seen.last : nil
        } while after != nil
        #expect(seen.count == 25 && Set(seen).count == 25)
        #expect(times == times.sorted(by: >))
        #expect(ids(caller.call("GET", "/v1/events")).count == 10)
    }

    @Test func `filters by time and type, and refuses what it does not know`() {
        var caller = stripe()
        let from = start.seconds - 300
        #expect(
            ids(caller.call("GET", "/v1/events?limit=100&created[gte]=\(from)&created%5Blt%5D=\(start.seconds)")).count
                == 5)
        #expect(ids(caller.call("GET", "/v1/events?type=payment_intent.*")).count == 10)
        #expect(ids(caller.call("GET", "/v1/events?types[]=charge.refunded")).isEmpty)
        for wrong in [
            "limit=0", "limit=101", "limit=x", "created[after]=1", "type=a&types[]=b", "starting_after=evt_x",
        ] {
            let answer = caller.call("GET", "/v1/events?\(wrong)")
            #expect(answer.status == 400 && answer.json["error"]?["type"] == "invalid_request_error", "\(wrong)")
        }
    }

    @Test func `lets go of events after 30 days, and keeps the objects`() throws {
        var caller = stripe()
        let event = try #require(ids(caller.call("GET", "/v1/events?limit=1")).first)
        #expect(caller.call("GET", "/v1/events/\(event)").json["id"]?.string == event)
        caller.now = start + .seconds(31 * 86_400)
        #expect(ids(caller.call("GET", "/v1/events?limit=100")).isEmpty)
        #expect(caller.call("GET", "/v1/events/\(event)").status == 404)
        #expect(ids(caller.call("GET", "/v1/payment_intents?limit=100")).count == 25)
    }

    @Test func `lists ended subscriptions only when they are asked for`() {
        var caller = stripe()
        var purchase = purchase()
        purchase.isSubscription = true
        caller.standIn.record(purchase.subscriptionCreated(at: start))
        #expect(ids(caller.call("GET", "/v1/subscriptions")).count == 1)
        caller.standIn.setStatus("canceled", of: purchase.subscriptionID)
        #expect(ids(caller.call("GET", "/v1/subscriptions")).isEmpty)
        #expect(ids(caller.call("GET", "/v1/subscriptions?status=all")).count == 1)
    }

    @Test func `wants a key that may read the list, no more calls than it allows, and no writing`() {
        var caller = stripe()
        #expect(caller.call("POST", "/v1/events").status == 403)
        caller.standIn.permissions.remove("refunds")
        #expect(caller.call("GET", "/v1/refunds").status == 403)
        #expect(caller.call("GET", "/v1/customers").status == 404)
        for _ in 0..<22 { _ = caller.call("GET", "/v1/charges") }
        let refused = caller.call("GET", "/v1/charges")
        #expect(refused.status == 429 && refused.json["error"]?["type"] == "rate_limit_error")
        caller.now = start + .seconds(2)
        caller.authorization = "Bearer rk_test_2"
        #expect(caller.call("GET", "/v1/charges").status == 401)
        caller.authorization = nil
        #expect(caller.call("GET", "/v1/charges").status == 401)
    }

    private static let description = "providers/stripe/spec3-2023-08-16-trimmed.json"

    @Test(.enabled(if: ReferenceData.isPresent(description), "the reference data is not here"))
    func `answers in the envelope that the description has`() throws {
        let url = try #require(ReferenceData.url(Self.description))
        let root = try JSONValue(parsing: Array(Data(contentsOf: url)), depthMax: 500)
        var caller = stripe()
        for list in ["events", "payment_intents", "charges", "refunds", "subscriptions"] {
            let operation = try #require(root["paths"]?["/v1/\(list)"]?["get"])
            let schema = try #require(
                operation["responses"]?["200"]?["content"]?["application/json"]?["schema"])
            let answer = caller.call("GET", "/v1/\(list)?limit=3")
            #expect(answer.status == 200)
            for name in schema["required"]?.array?.compactMap(\.string) ?? [] {
                #expect(answer.json[name] != nil, "\(list) answers without \(name)")
            }
            let told = Set(answer.json.object?.keys ?? [])
            let described = Set(schema["properties"]?.object?.keys ?? [])
            #expect(told.isSubset(of: described))
            // Each parameter that is described is taken.
            for parameter in operation["parameters"]?.array ?? [] {
                guard let name = parameter["name"]?.string,
                    ["limit", "customer", "charge", "payment_intent"].contains(name)
                else { continue }
                #expect(caller.call("GET", "/v1/\(list)?\(name)=1").status == 200, "\(list) \(name)")
            }
            caller.now = caller.now + .seconds(2)
        }
    }
}
