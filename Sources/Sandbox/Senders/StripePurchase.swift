package import Model

/// One purchase at Stripe and the events that tell of it; all its ids follow from `tag`.
package struct StripePurchase: Sendable, Hashable {
    package var tag: String
    package var email: String
    package var name: String
    package var amount: Int64
    package var currency: String
    /// What the product gave along to find its chat again.
    package var clientReference: String?
    package var metadata: [String: String]
    /// Whether it is the first payment of a subscription.
    package var isSubscription: Bool
    package var shape: StripeShape
    package var isLive: Bool
    package var startedAt: Instant

    package init(
        tag: String, email: String, name: String, amount: Int64, currency: String = "usd",
        clientReference: String? = nil, metadata: [String: String] = [:], isSubscription: Bool = false,
        shape: StripeShape = .current, isLive: Bool = false, startedAt: Instant
    ) {
        self.tag = tag
        self.email = email
        self.name = name
        self.amount = amount
        self.currency = currency
        self.clientReference = clientReference
        self.metadata = metadata
        self.isSubscription = isSubscription
        self.shape = shape
        self.isLive = isLive
        self.startedAt = startedAt
    }

    /// A person pays as the same customer each time.
    package var customerID: String { ProviderID.make("cus_", email, length: 14) }
    package var paymentIntentID: String { ProviderID.make("pi_3", tag) }
    package var chargeID: String { ProviderID.make("ch_3", tag) }
    package var checkoutID: String { ProviderID.make(isLive ? "cs_live_" : "cs_test_", tag, length: 58) }
    package var subscriptionID: String { ProviderID.make("sub_1", tag) }
    package var invoiceID: String { ProviderID.make("in_1", tag) }
    package var refundID: String { ProviderID.make("re_3", tag) }
    package var disputeID: String { ProviderID.make("du_1", tag) }
    var paymentMethodID: String { ProviderID.make("pm_1", tag) }

    // MARK: Events

    package func paymentSucceeded(at now: Instant) -> StripeEvent {
        event("payment_intent.succeeded", paymentIntent(status: "succeeded"), at: now)
    }

    /// `attempt` tells repeated failures of one payment apart.
    package func paymentFailed(
        code: String = "card_declined", declineCode: String = "insufficient_funds", attempt: Int = 1, at now: Instant
    ) -> StripeEvent {
        var intent = paymentIntent(status: "requires_payment_method")
        intent["last_payment_error"] = [
            "type": "card_error", "code": .string(code), "decline_code": .string(declineCode),
            "charge": .string(ProviderID.make("ch_3", "\(tag) failed \(attempt)")),
            "doc_url": .string("https://docs.stripe.com/error-codes/\(code)"), "message": "Your card was declined.",
            "payment_method": ["id": .string(paymentMethodID), "object": "payment_method", "type": "card"],
        ]
        return event("payment_intent.payment_failed", intent, occasion: String(attempt), at: now)
    }

    package func paymentCanceled(reason: String = "abandoned", at now: Instant) -> StripeEvent {
        var intent = paymentIntent(status: "canceled")
        intent["cancellation_reason"] = .string(reason)
        intent["canceled_at"] = .int(now.seconds)
        return event("payment_intent.canceled", intent, at: now)
    }

    package func chargeSucceeded(at now: Instant) -> StripeEvent {
        event("charge.succeeded", charge(refunded: 0), at: now)
    }

    package func checkoutCompleted(at now: Instant) -> StripeEvent {
        event("checkout.session.completed", checkoutSession(status: "complete", paymentStatus: "paid"), at: now)
    }

    package func checkoutExpired(at now: Instant) -> StripeEvent {
        event("checkout.session.expired", checkoutSession(status: "expired", paymentStatus: "unpaid"), at: now)
    }

    package func invoicePaid(at now: Instant) -> StripeEvent {
        event("invoice.paid", invoice(isPaid: true, attempt: 1), at: now)
    }

    package func invoicePaymentFailed(attempt: Int = 1, at now: Instant) -> StripeEvent {
        event(
            "invoice.payment_failed", invoice(isPaid: false, attempt: attempt), occasion: String(attempt), at: now)
    }

    package func subscriptionCreated(status: String = "active", at now: Instant) -> StripeEvent {
        event("customer.subscription.created", subscription(status: status, endedAt: nil), at: now)
    }

    package func subscriptionUpdated(status: String, from old: String, at now: Instant) -> StripeEvent {
        event(
            "customer.subscription.updated", subscription(status: status, endedAt: nil),
            previously: ["status": .string(old)], occasion: "\(old) \(status)", at: now)
    }

    package func subscriptionDeleted(at now: Instant) -> StripeEvent {
        event("customer.subscription.deleted", subscription(status: "canceled", endedAt: now), at: now)
    }

    package func refundCreated(amount: Int64? = nil, status: String = "succeeded", at now: Instant) -> StripeEvent {
        event("refund.created", refund(amount ?? self.amount, status: status, at: now), at: now)
    }

    package func chargeRefunded(amount: Int64? = nil, at now: Instant) -> StripeEvent {
        event(
            "charge.refunded", charge(refunded: amount ?? self.amount),
            previously: ["amount_refunded": 0, "refunded": false], at: now)
    }

    package func disputeCreated(reason: String = "fraudulent", at now: Instant) -> StripeEvent {
        event("charge.dispute.created", dispute(reason: reason, status: "needs_response", at: now), at: now)
    }

    package func disputeClosed(status: String, reason: String = "fraudulent", at now: Instant) -> StripeEvent {
        event(
            "charge.dispute.closed", dispute(reason: reason, status: status, at: now),
            previously: ["status": "under_review"], occasion: status, at: now)
    }

    private func event(
        _ type: String, _ object: JSONObject, previously: JSONObject? = nil, occasion: String = "", at now: Instant
    ) -> StripeEvent {
        StripeEvent(
            type, of: object, previously: previously, shape: shape, isLive: isLive, occasion: occasion, at: now)
    }

    var metadataJSON: JSONValue {
        .object(
            JSONObject(
                members: metadata.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: .string($0.value)) }))
    }
}
