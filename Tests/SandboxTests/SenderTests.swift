import Crypto
import Foundation
import Model
import Sandbox
import Seams
import TestKit
import Testing

@Suite struct `A delivery from Stripe` {
    private let sender = StripeSender(secrets: ["whsec_new", "whsec_old"])

    @Test func `is signed with each live secret over the time and the exact bytes`() throws {
        let delivery = sender.delivery(purchase().paymentSucceeded(at: start), at: start + .seconds(9))
        let header = try #require(delivery.headers.first { $0.name == "stripe-signature" }?.value)
        let marks = ["whsec_new", "whsec_old"].map { secret in
            let signed = Data("\(start.seconds + 9).".utf8) + Data(delivery.body)
            let mark = HMAC<SHA256>.authenticationCode(for: signed, using: SymmetricKey(data: Data(secret.utf8)))
            return ",v1=" + mark.map { String(format: "%02x", $0) }.joined()
        }
        #expect(header == "t=\(start.seconds + 9)" + marks.joined())
    }

    @Test func `is an event of a real size in the envelope of its shape`() throws {
        for shape in StripeShape.allCases {
            for event in events(of: purchase(shape: shape, isSubscription: true)) {
                let body = event.json.encoded
                #expect((700...9000).contains(body.count), "\(event.type) has \(body.count) bytes")
                let json = try JSONObject(parsing: body)
                #expect(json["object"]?.string == "event")
                #expect(json["api_version"]?.string == shape.rawValue)
                #expect(json["created"]?.int == start.seconds)
                #expect(json["data"]?["object"]?["id"]?.string?.isEmpty == false)
            }
        }
    }

    @Test func `keeps its id when it is told again, and has another for another occasion`() {
        let purchase = purchase()
        #expect(purchase.paymentSucceeded(at: start).id == purchase.paymentSucceeded(at: start + .seconds(1)).id)
        #expect(purchase.paymentFailed(attempt: 1, at: start).id != purchase.paymentFailed(attempt: 2, at: start).id)
        #expect(Set(events(of: purchase).map(\.id)).count == events(of: purchase).count)
    }

    @Test func `joins payment and invoice in the old shape only`() {
        let old = purchase(shape: .legacy, isSubscription: true)
        let new = purchase(shape: .current, isSubscription: true)
        func object(_ event: StripeEvent) -> JSONValue? { event.json["data"]?["object"] }
        #expect(object(old.paymentSucceeded(at: start))?["invoice"]?.string == old.invoiceID)
        #expect(object(new.paymentSucceeded(at: start))?["invoice"] == nil)
        #expect(object(old.invoicePaid(at: start))?["payment_intent"]?.string == old.paymentIntentID)
        #expect(object(new.invoicePaid(at: start))?["payment_intent"] == nil)
        let parent = object(new.invoicePaid(at: start))?["parent"]?["subscription_details"]
        #expect(parent?["subscription"]?.string == new.subscriptionID)
    }

    /// Stripe's own client lists each field of each object: ours must have all that are not optional and no other.
    @Test(.enabled(if: ReferenceData.isPresent(fieldsPath), "the reference data is not here"))
    func `has the fields that Stripe's client lists`() throws {
        let lists = try JSONValue(parsing: Array(Data(contentsOf: try #require(ReferenceData.url(fieldsPath)))))
        let names = [
            "payment_intent": "PaymentIntents.PaymentIntent", "charge": "Charges.Charge", "refund": "Refunds.Refund",
            "dispute": "Disputes.Dispute", "invoice": "Invoices.Invoice",
            "subscription": "Subscriptions.Subscription", "checkout.session": "Checkout/Sessions.Session",
        ]
        let types = Set((lists["v1_event_types"]?.array ?? []).compactMap(\.string))
        for isSubscription in [false, true] {
            for event in events(of: purchase(isSubscription: isSubscription)) {
                #expect(types.contains(event.type))
                let object = try #require(event.json["data"]?["object"]?.object)
                let kind = try #require(object["object"]?.string)
                let fields = try #require(lists["resources"]?[names[kind] ?? ""]?.object)
                let needed = fields.members.filter { $0.value["optional"]?.bool == false }.map(\.key)
                #expect(needed.filter { object[$0] == nil } == [], "\(event.type) lacks fields")
                #expect(object.keys.filter { fields[$0] == nil } == [], "\(event.type) has unknown fields")
                #expect(Set(object.keys).count == object.count)
            }
        }
    }

    /// Stripe's sample objects show the type of each field: what is a list there is a list here.
    @Test(.enabled(if: ReferenceData.isPresent(samplesPath), "the reference data is not here"))
    func `has fields of the kinds that Stripe's samples show`() throws {
        let samples = try JSONValue(parsing: Array(Data(contentsOf: try #require(ReferenceData.url(samplesPath)))))
        for event in events(of: purchase(isSubscription: true)) {
            let object = try #require(event.json["data"]?["object"]?.object)
            let sample = try #require(samples["resources"]?[object["object"]?.string ?? ""]?.object)
            for member in object.members {
                guard let other = sample[member.key], !other.isNull, !member.value.isNull else { continue }
                #expect(kind(member.value) == kind(other), "\(event.type).\(member.key)")
            }
        }
    }

    private func kind(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool: "bool"
        case .int, .double: "number"
        case .string: "text"
        case .array: "list"
        case .object: "object"
        }
    }

    private func purchase(shape: StripeShape = .current, isSubscription: Bool = false) -> StripePurchase {
        StripePurchase(
            tag: "one", email: "ada@example.com", name: "Ada Byron", amount: 4900, clientReference: "sess_1",
            metadata: ["chat_session": "sess_1"], isSubscription: isSubscription, shape: shape, startedAt: start)
    }

    private func events(of purchase: StripePurchase) -> [StripeEvent] {
        [
            purchase.paymentSucceeded(at: start), purchase.paymentFailed(at: start),
            purchase.paymentCanceled(at: start),
            purchase.chargeSucceeded(at: start), purchase.checkoutCompleted(at: start),
            purchase.checkoutExpired(at: start), purchase.invoicePaid(at: start),
            purchase.invoicePaymentFailed(at: start), purchase.subscriptionCreated(at: start),
            purchase.subscriptionUpdated(status: "past_due", from: "active", at: start),
            purchase.subscriptionDeleted(at: start), purchase.refundCreated(at: start),
            purchase.chargeRefunded(at: start), purchase.disputeCreated(at: start),
            purchase.disputeClosed(status: "lost", at: start),
        ]
    }
}

private let fieldsPath = "providers/stripe/stripe-node-fields-2026-07-29.json"
private let samplesPath = "providers/stripe/fixtures3.json"

@Suite struct `Simulated chat traffic` {
    private static let secret = "whsec_" + Data("a secret of twenty-four bytes".utf8).base64EncodedString()

    private func traffic(_ seed: UInt64) -> ChatTraffic {
        ChatTraffic(
            seed: seed, chat: StandardWebhooksSender(secret: Self.secret), stripe: StripeSender(secrets: ["whsec_x"]))
    }

    private func stories(_ seed: UInt64, _ count: Int) -> [ChatTraffic.Story] {
        var traffic = traffic(seed)
        return (0..<count).map { traffic.next(startingAt: start + .seconds(Int64($0))) }
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func `tells the same stories for the same seed`(seed: UInt64) {
        let first = stories(seed, 50).map(\.deliveries)
        #expect(first == stories(seed, 50).map(\.deliveries), "seed \(seed)")
        #expect(first != stories(seed + 1, 50).map(\.deliveries), "seed \(seed)")
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func `tells stories in which everything happens, to people who differ`(seed: UInt64) {
        let all = stories(seed, 400)
        #expect(Set(all.map(\.person.email)).count == 400, "seed \(seed)")
        let isVaried = all.contains { $0.isDoubleCharged } && all.contains { $0.isEscalated && !$0.isDoubleCharged }
        #expect(isVaried, "seed \(seed)")
        #expect(all.contains { $0.isLead && $0.purchases.isEmpty }, "seed \(seed)")
        #expect(all.allSatisfy { !$0.isDoubleCharged || $0.isEscalated }, "seed \(seed)")
        let types = Set(all.flatMap(\.deliveries).map(\.type))
        let usual: Set = [
            "chat_started", "lead_captured", "support_escalated", "payment_intent.succeeded", "charge.succeeded",
            "checkout.session.completed", "checkout.session.expired", "invoice.paid", "payment_intent.payment_failed",
            "customer.subscription.created",
        ]
        #expect(types == usual, "seed \(seed)")
    }

    @Test func `sends canonical events in the strict shape, signed`() throws {
        let catalogue = EventCatalogue()
        var receiver = WebhookReceiver(secrets: [Self.secret])
        for delivery in stories(3, 60).flatMap(\.deliveries) where delivery.source == "chat" {
            let json = try JSONObject(parsing: delivery.body)
            #expect(json.keys.filter { !["id", "type", "occurred_at", "session", "data"].contains($0) } == [])
            let shape = try #require(catalogue[EventType(json["type"]?.string ?? "")])
            let data = try #require(json["data"]?.object)
            #expect(shape.required.filter { data.present($0) == nil } == [])
            let answer = receiver.respond(
                to: OutboundRequest(method: "POST", url: "/", headers: delivery.headers, body: delivery.body),
                at: delivery.at)
            #expect(answer.status == 200)
        }
        #expect(receiver.duplicates == 0)
    }
}
