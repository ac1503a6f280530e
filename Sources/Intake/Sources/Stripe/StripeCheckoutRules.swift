internal import Model

/// Checkout sessions.
extension StripeEvent {
    /// `payment_status` says whether money came: `unpaid` at completion means a method that pays later.
    func checkout(_ type: EventType) -> Statement {
        Statement(type: type, data: session, metadata: [object.metadata])
    }

    /// The end of a delayed payment; a session without a payment intent (a subscription's) only adds to it.
    func delayedPayment(_ type: EventType) -> Statement {
        let role: Event.Role = object.id(of: "payment_intent") == nil ? .enriches : .states
        return Statement(type: type, role: role, data: session, metadata: [object.metadata])
    }

    private var session: JSONObject {
        let details = object.object("customer_details")
        return .of([
            ("checkout", .of(object.id)), ("amount", .of(object.number("amount_total"))),
            ("currency", object["currency"]), ("customer", .of(object.id(of: "customer"))),
            ("email", details["email"] ?? object["customer_email"]), ("name", details["name"]),
            ("phone", details["phone"]), ("payment", .of(object.id(of: "payment_intent"))),
            ("invoice", .of(object.id(of: "invoice"))), ("subscription", .of(object.id(of: "subscription"))),
            ("client_reference", object["client_reference_id"]), ("payment_status", object["payment_status"]),
        ])
    }
}
