import Intake
import Journal
import Model
import Settings
import TestKit
import Testing

@Suite struct `A Stripe event` {
    static func read(
        _ type: String, _ object: JSONObject, previous: JSONObject = [:], payments: StripePayments = .intents
    ) -> Reception {
        let body = JSONValue.object([
            "id": "evt_1", "object": "event", "type": .string(type), "created": 1_795_457_040, "livemode": false,
            "data": ["object": .object(object), "previous_attributes": .object(previous)],
        ]).encoded
        return Sender.reader(.stripe(payments: payments), secrets: [Sender.stripeSecret])
            .read(Sender.stripe(body), at: Sender.now, mint: Sender.mint())
    }

    private static let intent: JSONObject = [
        "id": "pi_1", "object": "payment_intent", "amount": 5000, "amount_received": 4900, "currency": "usd",
        "customer": "cus_1", "receipt_email": "ada@example.com", "latest_charge": "ch_1",
        "metadata": ["session_id": "sess_1", "supabase_user_id": "u_1"],
    ]
    private static let charge: JSONObject = [
        "id": "ch_1", "object": "charge", "amount": 4900, "currency": "usd", "captured": true,
        "payment_intent": "pi_1", "billing_details": ["email": "ada@example.com", "name": "Ada"], "customer": "cus_1",
    ]
    private static let invoice: JSONObject = [
        "id": "in_1", "object": "invoice", "amount_paid": 4900, "amount_due": 4900, "currency": "usd",
        "customer": "cus_1", "customer_email": "ada@example.com", "status": "paid", "attempt_count": 1,
        "parent": ["subscription_details": ["subscription": "sub_1", "metadata": ["user": "u_9"]]],
    ]

    private static func with(_ object: JSONObject, _ changes: JSONObject) -> JSONObject {
        var object = object
        for member in changes.members { object[member.key] = member.value }
        return object
    }

    @Test func `of a payment intent states the payment with what was received`() throws {
        let event = try #require(Self.read("payment_intent.succeeded", Self.intent).event)
        #expect(event.type == .paymentSucceeded && event.role == .states)
        #expect(
            event.data == [
                "payment": "pi_1", "amount": 4900, "currency": "usd", "customer": "cus_1", "email": "ada@example.com",
                "charge": "ch_1",
            ])
        #expect(event.session == "sess_1" && event.user == "u_1")
        #expect(event.occurredAt == Instant(seconds: 1_795_457_040))
        #expect(event.externalID == "evt_1" && event.externalType == "payment_intent.succeeded")
    }

    @Test func `of a failed payment intent says why and by which charge`() throws {
        let object = Self.with(
            Self.intent,
            [
                "latest_charge": nil, "receipt_email": nil,
                "last_payment_error": [
                    "code": "card_declined", "decline_code": "insufficient_funds", "charge": "ch_2",
                    "payment_method": ["billing_details": ["email": "Ada@Example.COM"]],
                ],
            ])
        let event = try #require(Self.read("payment_intent.payment_failed", object).event)
        #expect(event.type == .paymentFailed)
        #expect(event.data["reason"] == "insufficient_funds")
        #expect(event.data["charge"] == "ch_2")
        #expect(event.data["email"] == "Ada@example.com")
    }

    @Test func `of a canceled payment intent states that`() throws {
        let object = Self.with(Self.intent, ["cancellation_reason": "abandoned"])
        let event = try #require(Self.read("payment_intent.canceled", object).event)
        #expect(event.type == .paymentCanceled && event.data["reason"] == "abandoned" && event.data["amount"] == 5000)
    }

    @Test func `of a charge adds to its payment intent, old shape and new`() throws {
        for intent: JSONValue in ["pi_1", ["id": "pi_1", "object": "payment_intent"]] {
            let event = try #require(
                Self.read("charge.succeeded", Self.with(Self.charge, ["payment_intent": intent])).event)
            #expect(event.type == .paymentSucceeded && event.role == .enriches)
            #expect(event.data["payment"] == "pi_1" && event.data["email"] == "ada@example.com")
        }
    }

    @Test func `of a direct charge is the payment`() throws {
        let direct = Self.with(Self.charge, ["payment_intent": nil])
        let paid = try #require(Self.read("charge.succeeded", direct).event)
        #expect(paid.role == .states && paid.data["payment"] == "ch_1")
        let failed = Self.read("charge.failed", Self.with(direct, ["failure_code": "card_declined"])).event
        #expect(failed?.type == .paymentFailed && failed?.role == .states)
        #expect(failed?.data["reason"] == "card_declined")
        let authorised = Self.read("charge.succeeded", Self.with(direct, ["captured": false])).event
        #expect(authorised?.role == .enriches)
        #expect(Self.read("charge.captured", direct).event?.role == .states)
    }

    @Test func `of a paid invoice adds to the payment where there is one`() throws {
        let event = try #require(Self.read("invoice.paid", Self.invoice).event)
        #expect(event.role == .enriches && event.data["payment"] == nil)
        #expect(event.data["subscription"] == "sub_1" && event.data["invoice"] == "in_1" && event.user == "u_9")
        let old = Self.with(Self.invoice, ["parent": nil, "subscription": "sub_1", "payment_intent": "pi_1"])
        #expect(Self.read("invoice.paid", old).event?.data["payment"] == "pi_1")
        let expanded: JSONObject = ["payments": ["data": [["payment": ["payment_intent": "pi_1"]]]]]
        #expect(Self.read("invoice.paid", Self.with(Self.invoice, expanded)).event?.data["payment"] == "pi_1")
    }

    @Test(
        arguments: [
            (["amount_paid": 0], 0), (["paid_out_of_band": true, "amount_paid": 0, "total": 700], 700),
            (["amount_paid": 0, "amount_paid_off_stripe": 800], 800),
        ] as [(JSONObject, Int64)])
    func `of a paid invoice is the payment where no intent can be`(changes: JSONObject, amount: Int64) throws {
        let event = try #require(Self.read("invoice.paid", Self.with(Self.invoice, changes)).event)
        #expect(event.role == .states && event.data["payment"] == "in_1" && event.data["amount"] == .int(amount))
    }

    @Test func `of an invoice is the payment where the source says so`() throws {
        let paid = Self.read("invoice.paid", Self.invoice, payments: .invoices).event
        #expect(paid?.role == .states && paid?.data["payment"] == "in_1" && paid?.data["amount"] == 4900)
        let failed = Self.read("invoice.payment_failed", Self.invoice, payments: .invoices).event
        #expect(failed?.type == .paymentFailed && failed?.role == .states)
    }

    @Test func `of a failed invoice adds when it is tried again`() throws {
        let object = Self.with(Self.invoice, ["next_payment_attempt": 1_795_500_000, "attempt_count": 2])
        let event = try #require(Self.read("invoice.payment_failed", object).event)
        #expect(event.type == .paymentFailed && event.role == .enriches)
        #expect(event.data["attempt"] == 2 && event.data["next_attempt_at"] == "2026-11-24T06:00:00Z")
    }

    @Test func `of an invoice payment joins invoice and intent`() throws {
        let object: JSONObject = [
            "invoice": "in_1", "payment": ["type": "payment_intent", "payment_intent": "pi_1"], "currency": "usd",
        ]
        let event = try #require(Self.read("invoice_payment.paid", object).event)
        #expect(event.role == .enriches && event.data["payment"] == "pi_1" && event.data["invoice"] == "in_1")
    }

    @Test func `of a checkout session keeps what links it to the chat`() throws {
        let object: JSONObject = [
            "id": "cs_1", "amount_total": 4900, "currency": "usd", "payment_intent": "pi_1",
            "client_reference_id": "sess_7", "payment_status": "paid",
            "customer_details": ["email": "ada@example.com", "name": "Ada", "phone": "+44123"],
            "metadata": ["chat_session": "sess_8"],
        ]
        let event = try #require(Self.read("checkout.session.completed", object).event)
        #expect(event.type == .checkoutCompleted && event.role == .states && event.session == "sess_8")
        #expect(event.data["payment"] == "pi_1" && event.data["client_reference"] == "sess_7")
        #expect(event.data["email"] == "ada@example.com" && event.data["payment_status"] == "paid")
        #expect(Self.read("checkout.session.expired", object).event?.type == .checkoutAbandoned)
        let later = Self.read("checkout.session.async_payment_succeeded", object).event
        #expect(later?.type == .paymentSucceeded && later?.role == .states)
        #expect(Self.read("checkout.session.async_payment_failed", object).event?.type == .paymentFailed)
        let recurring = Self.with(object, ["payment_intent": nil, "subscription": "sub_1"])
        #expect(Self.read("checkout.session.async_payment_succeeded", recurring).event?.role == .enriches)
    }

    @Test(arguments: [
        ("refund.created", "succeeded", Event.Role.states), ("refund.updated", "succeeded", .states),
        ("refund.created", "pending", .enriches), ("refund.updated", "failed", .enriches),
        ("refund.failed", "failed", .enriches), ("charge.refund.updated", "succeeded", .states),
    ])
    func `of a refund states it once it succeeded`(type: String, status: String, role: Event.Role) throws {
        let object: JSONObject = [
            "id": "re_1", "charge": "ch_1", "payment_intent": nil, "amount": 100, "currency": "usd",
            "status": .string(status),
        ]
        let event = try #require(Self.read(type, object).event)
        #expect(event.type == .paymentRefunded && event.role == role)
        #expect(event.data["refund"] == "re_1" && event.data["charge"] == "ch_1")
    }

    @Test func `of a refunded charge tells of the newest refund where the charge holds it`() throws {
        let refunds: JSONValue = [
            "data": [
                ["id": "re_1", "amount": 100, "currency": "usd", "status": "succeeded", "created": 5],
                ["id": "re_2", "amount": 200, "currency": "usd", "status": "succeeded", "created": 9],
            ]
        ]
        let old = try #require(Self.read("charge.refunded", Self.with(Self.charge, ["refunds": refunds])).event)
        #expect(old.role == .states && old.data["refund"] == "re_2" && old.data["amount"] == 200)
        #expect(old.data["payment"] == "pi_1" && old.data["email"] == "ada@example.com")
        let new = Self.with(Self.charge, ["amount_refunded": 300])
        let event = try #require(Self.read("charge.refunded", new, previous: ["amount_refunded": 100]).event)
        #expect(event.role == .enriches && event.data["amount"] == 200 && event.data["refund"] == nil)
    }

    @Test(arguments: ["created", "updated", "closed", "funds_withdrawn", "funds_reinstated"])
    func `of a dispute states it by its id`(step: String) throws {
        let object: JSONObject = [
            "id": "dp_1", "charge": "ch_1", "payment_intent": "pi_1", "amount": 100, "currency": "usd",
            "status": "needs_response", "reason": "fraudulent",
        ]
        let event = try #require(Self.read("charge.dispute.\(step)", object).event)
        #expect(event.type == .paymentDisputed && event.role == .states)
        #expect(event.data["dispute"] == "dp_1" && event.data["status"] == "needs_response")
    }

    @Test func `of a subscription reads both shapes`() throws {
        let price: JSONValue = ["id": "price_1", "nickname": "Team", "unit_amount": 2000, "currency": "usd"]
        let new: JSONObject = [
            "id": "sub_1", "status": "active", "customer": "cus_1", "currency": "usd", "cancel_at_period_end": true,
            "items": ["data": [["price": price, "quantity": 3, "current_period_end": 1_798_049_081]]],
        ]
        let event = try #require(Self.read("customer.subscription.updated", new).event)
        #expect(event.type == .subscriptionChanged)
        #expect(
            event.data == [
                "subscription": "sub_1", "status": "active", "customer": "cus_1", "plan": "Team", "amount": 6000,
                "currency": "usd", "period_end": "2026-12-23T18:04:41Z", "cancel_at": "2026-12-23T18:04:41Z",
            ])
        let old: JSONObject = [
            "id": "sub_1", "status": "canceled", "current_period_end": 1_798_049_081,
            "plan": ["id": "pro", "amount": 2500, "currency": "eur"],
        ]
        let ended = try #require(Self.read("customer.subscription.deleted", old).event)
        #expect(ended.type == .subscriptionCanceled && ended.data["plan"] == "pro" && ended.data["amount"] == 2500)
        #expect(ended.data["period_end"] == "2026-12-23T18:04:41Z" && ended.data["currency"] == "eur")
        for step in ["paused", "resumed", "trial_will_end"] {
            #expect(Self.read("customer.subscription.\(step)", new).event?.type == .subscriptionChanged)
        }
        #expect(Self.read("customer.subscription.created", new).event?.type == .subscriptionStarted)
    }

    @Test func `of a customer identifies the user`() throws {
        let object: JSONObject = ["id": "cus_1", "email": "ada@example.com", "metadata": ["user_id": 12]]
        let event = try #require(Self.read("customer.created", object).event)
        #expect(event.type == .userIdentified && event.user == "12" && event.data["customer"] == "cus_1")
        #expect(Self.read("customer.deleted", object).word == "ignored")
    }

    @Test func `with a nonsensical address is no less a payment`() throws {
        let event = try #require(
            Self.read("payment_intent.succeeded", Self.with(Self.intent, ["receipt_email": "nonsense"])).event)
        #expect(event.data["email"] == nil && event.data["payment"] == "pi_1")
    }

    @Test func `of our map that lacks what it must have is quarantined with the field`() {
        let reception = Self.read("payment_intent.succeeded", Self.with(Self.intent, ["currency": nil]))
        #expect(reception.word == "quarantined" && reception.field == "data.currency")
    }

    @Test func `of no interest is ignored and kept under its id`() throws {
        guard case .ignored(let kept) = Self.read("radar.early_fraud_warning.created", ["id": "x"]) else {
            Issue.record("it was not ignored")
            return
        }
        #expect(kept.externalID == "evt_1" && kept.externalType == "radar.early_fraud_warning.created")
        #expect(kept.kind == .ignored && !kept.payload.isEmpty)
    }

    @Test func `that is thin is ignored with the reason`() {
        let body = Array(
            #"{"id":"evt_2","object":"v2.core.event","type":"v1.x","created":"2026-11-23T10:00:00Z"}"#.utf8)
        let reader = Sender.reader(.stripe(payments: .intents), secrets: [Sender.stripeSecret])
        let reception = reader.read(Sender.stripe(body), at: Sender.now, mint: Sender.mint())
        #expect(reception.word == "ignored" && reception.code == "thin_event")
    }

    @Test(arguments: 0..<30)
    func `of any shape is read without a trap`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let types = [
            "payment_intent.succeeded", "charge.refunded", "invoice.paid", "customer.subscription.updated",
            "checkout.session.completed", "charge.dispute.created", "invoice_payment.paid", "refund.created",
            "payment_intent.payment_failed", "customer.created",
        ]
        let names = [
            "id", "amount", "amount_received", "currency", "customer", "items", "refunds", "payments", "metadata",
            "parent", "current_period_end", "status", "payment_intent", "payment", "plan", "data", "price", "quantity",
            "unit_amount", "last_payment_error", "billing_details", "created", "cancel_at", "amount_refunded",
        ]
        func value(_ depth: Int) -> JSONValue {
            switch Int.random(in: 0..<(depth > 3 ? 6 : 9), using: &generator) {
            case 0: return nil
            case 1: return .int(Int64.random(in: .min ... .max, using: &generator))
            case 2: return .double(Double.random(in: -1e300...1e300, using: &generator))
            case 3: return "pi_1"
            case 4: return "usd"
            case 5: return true
            case 6: return .array((0..<3).map { _ in value(depth + 1) })
            default:
                var object = JSONObject()
                for _ in 0..<6 { object[names.randomElement(using: &generator) ?? ""] = value(depth + 1) }
                return .object(object)
            }
        }
        for _ in 0..<100 {
            guard let object = value(0).object, let type = types.randomElement(using: &generator) else { continue }
            let reception = Self.read(type, object)
            #expect(["event", "quarantined", "ignored"].contains(reception.word), "seed \(seed)")
        }
    }
}
