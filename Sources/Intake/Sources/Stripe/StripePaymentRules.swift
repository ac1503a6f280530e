internal import Model

/// Payment intents, and charges with and without one.
extension StripeEvent {
    var intentSucceeded: Statement? {
        // What was received is what was paid: a capture may be partial.
        let received = object.number("amount_received").flatMap { $0 > 0 ? $0 : nil }
        return intent(.paymentSucceeded, amount: received ?? object.number("amount"), reason: nil)
    }

    var intentFailed: Statement? {
        let error = object.object("last_payment_error")
        return intent(
            .paymentFailed, amount: object.number("amount"),
            reason: error["decline_code"] ?? error["code"] ?? error["message"])
    }

    var intentCanceled: Statement? {
        intent(.paymentCanceled, amount: object.number("amount"), reason: object["cancellation_reason"])
    }

    private func intent(_ type: EventType, amount: Int64?, reason: JSONValue?) -> Statement? {
        // API versions before 2022-11-15 list the charges, the newest first.
        let latest = object.list("charges").first ?? object.object("latest_charge")
        // A payment that succeeded may still carry the error of an earlier try.
        let error = type == .paymentFailed ? object.object("last_payment_error") : StripeObject([:])
        let payer = error.object("payment_method").billing
        let charge = error.id(of: "charge") ?? object.id(of: "latest_charge") ?? latest.id
        return Statement(
            type: type,
            data: .of([
                ("payment", .of(object.id)), ("amount", .of(amount)), ("currency", object["currency"]),
                ("customer", .of(object.id(of: "customer"))),
                ("email", object["receipt_email"] ?? latest.billing["email"] ?? payer["email"]),
                ("name", latest.billing["name"] ?? payer["name"]), ("invoice", .of(object.id(of: "invoice"))),
                ("charge", .of(charge)), ("reason", reason),
            ]), metadata: [object.metadata])
    }

    /// A captured charge of a payment intent adds to it; one without an intent is the payment.
    var chargeSucceeded: Statement? {
        // An authorisation is no payment yet; shapes without the field capture at once.
        let isCaptured = object["captured"]?.bool ?? true
        let isStatement = isDirectCharge && isCaptured && type != "charge.updated"
        let captured = object.number("amount_captured").flatMap { $0 > 0 ? $0 : nil }
        return charge(
            .paymentSucceeded, role: isStatement ? .states : .enriches, amount: captured ?? object.number("amount"),
            reason: nil)
    }

    var chargeFailed: Statement? {
        charge(
            .paymentFailed, role: isDirectCharge ? .states : .enriches, amount: object.number("amount"),
            reason: object.object("outcome")["reason"] ?? object["failure_code"] ?? object["failure_message"])
    }

    private var isDirectCharge: Bool { object.id(of: "payment_intent") == nil }

    private func charge(_ type: EventType, role: Event.Role, amount: Int64?, reason: JSONValue?) -> Statement {
        Statement(
            type: type, role: role,
            data: .of([
                ("payment", .of(object.id(of: "payment_intent") ?? object.id)), ("amount", .of(amount)),
                ("currency", object["currency"]), ("customer", .of(object.id(of: "customer"))),
                ("email", object["receipt_email"] ?? object.billing["email"]), ("name", object.billing["name"]),
                ("invoice", .of(object.id(of: "invoice"))), ("charge", .of(object.id)), ("reason", reason),
            ]), metadata: [object.metadata])
    }
}
