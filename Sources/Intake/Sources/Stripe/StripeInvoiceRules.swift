internal import Model
internal import Settings

/// Invoices and the payments of invoices.
extension StripeEvent {
    /// States a payment only where no payment intent can: nothing was due, it was paid outside Stripe, or the source
    /// says that invoices are its payments.
    ///
    /// Otherwise it is kept as entitlement, linked by its subscription.
    var invoicePaid: Statement? {
        let paid = object.number("amount_paid") ?? 0
        let outside = object.number("amount_paid_off_stripe") ?? 0
        let isOutside = outside > 0 || object["paid_out_of_band"]?.bool == true
        let isStatement = payments == .invoices || isOutside || (paid == 0 && invoicedPayment == nil)
        guard isStatement else { return invoiceEnriching(.paymentSucceeded) }
        let due = isOutside ? object.number("total") : 0
        let amount = paid > 0 ? paid : outside > 0 ? outside : due
        return invoice(.paymentSucceeded, role: .states, amount: amount)
    }

    /// The payment intent tells of the same failure; the invoice adds when it is tried again.
    var invoiceFailed: Statement? {
        guard payments == .invoices else { return invoiceEnriching(.paymentFailed) }
        return invoice(.paymentFailed, role: .states, amount: object.number("amount_due"))
    }

    func invoiceEnriching(_ type: EventType) -> Statement {
        let isPaid = type == .paymentSucceeded
        return invoice(type, role: .enriches, amount: object.number(isPaid ? "amount_paid" : "amount_due"))
    }

    private func invoice(_ type: EventType, role: Event.Role, amount: Int64?) -> Statement {
        // Since 2025-03-31 the subscription, and a copy of its metadata, stand under `parent`.
        let details = object.object("parent").object("subscription_details")
        let payment = invoicedPayment ?? (role == .states ? object.id : nil)
        return Statement(
            type: type, role: role,
            data: .of([
                ("payment", .of(payment)), ("amount", .of(amount)), ("currency", object["currency"]),
                ("customer", .of(object.id(of: "customer"))), ("email", object["customer_email"]),
                ("name", object["customer_name"]), ("invoice", .of(object.id)),
                ("subscription", .of(details.id(of: "subscription") ?? object.id(of: "subscription"))),
                ("charge", .of(object.id(of: "charge") ?? named("charge"))), ("attempt", object["attempt_count"]),
                ("next_attempt_at", .of(object.time("next_payment_attempt"))),
                ("billing_reason", object["billing_reason"]),
            ]),
            metadata: [object.metadata, details.metadata, object.object("subscription_details").metadata])
    }

    /// The payment that the invoice itself names: directly before 2025-03-31, in `payments` (where expanded) since.
    private var invoicedPayment: String? { object.id(of: "payment_intent") ?? named("payment_intent") }

    private func named(_ kind: String) -> String? {
        object.list("payments").lazy.compactMap { $0.object("payment").id(of: kind) }.first
    }

    /// Joins an invoice to its payment, which the invoice itself no longer names.
    var invoicePayment: Statement? {
        let payment = object.object("payment")
        guard let id = payment.id(of: "payment_intent") ?? payment.id(of: "charge") else { return nil }
        return Statement(
            type: .paymentSucceeded, role: .enriches,
            data: .of([
                ("payment", .string(id)), ("charge", .of(payment.id(of: "charge"))),
                ("invoice", .of(object.id(of: "invoice"))), ("amount", .of(object.number("amount_paid"))),
                ("currency", object["currency"]),
            ]))
    }
}
