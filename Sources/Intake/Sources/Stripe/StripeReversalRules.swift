internal import Model

/// Refunds and disputes.
extension StripeEvent {
    /// A refund is made when it succeeded; before that, and where it failed later, its events only add to it.
    ///
    /// A refund that fails days after it succeeded is kept with its new status; there is no type for it.
    var refund: Statement? {
        let isMade = object["status"]?.string == "succeeded" && type != "refund.failed"
        return refund(object, of: nil, role: isMade ? .states : .enriches)
    }

    /// Tells of the same refund as `refund.created`.
    ///
    /// API versions before 2022-11-15 put the refunds into the charge;
    /// newer ones name none, and the event only adds to the payment.
    var chargeRefunded: Statement? {
        let newest = object.list("refunds").max { ($0.number("created") ?? 0) < ($1.number("created") ?? 0) }
        if let newest {
            return refund(newest, of: object, role: newest["status"]?.string == "succeeded" ? .states : .enriches)
        }
        let before = previous.number("amount_refunded") ?? 0
        let amount = object.number("amount_refunded").map { $0.subtractingReportingOverflow(before).partialValue }
        return Statement(
            type: .paymentRefunded, role: .enriches,
            data: .of([
                ("payment", .of(object.id(of: "payment_intent") ?? object.id)), ("charge", .of(object.id)),
                ("amount", .of(amount)), ("currency", object["currency"]),
                ("customer", .of(object.id(of: "customer"))),
                ("email", object["receipt_email"] ?? object.billing["email"]),
            ]), metadata: [object.metadata])
    }

    private func refund(_ refund: StripeObject, of charge: StripeObject?, role: Event.Role) -> Statement {
        Statement(
            type: .paymentRefunded, role: role,
            data: .of([
                ("refund", .of(refund.id)),
                ("payment", .of(refund.id(of: "payment_intent") ?? charge?.id(of: "payment_intent"))),
                ("charge", .of(refund.id(of: "charge") ?? charge?.id)), ("amount", .of(refund.number("amount"))),
                ("currency", refund["currency"]), ("status", refund["status"]),
                ("reason", refund["failure_reason"] ?? refund["reason"]),
                ("customer", .of(refund.id(of: "customer") ?? charge?.id(of: "customer"))),
                ("email", charge?["receipt_email"] ?? charge?.billing["email"] ?? refund["instructions_email"]),
            ]), metadata: [refund.metadata, charge?.metadata])
    }

    var dispute: Statement? {
        Statement(
            type: .paymentDisputed,
            data: .of([
                ("dispute", .of(object.id)), ("payment", .of(object.id(of: "payment_intent"))),
                ("charge", .of(object.id(of: "charge"))), ("amount", .of(object.number("amount"))),
                ("currency", object["currency"]), ("status", object["status"]), ("reason", object["reason"]),
                ("email", object.object("evidence")["customer_email_address"]),
            ]), metadata: [object.metadata])
    }
}
