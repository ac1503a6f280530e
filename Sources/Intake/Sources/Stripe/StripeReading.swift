internal import Model
internal import Settings

/// Stripe's snapshot events in our words, in the shapes of API versions before and after 2025-03-31 ("basil").
///
/// One payment arrives as four or five events. The payment intent states it (a direct charge where there is none);
/// charges, invoices and checkout sessions that speak of the same payment only enrich it.
struct StripeReading {
    let payments: StripePayments
    let catalogue: EventCatalogue

    /// What a Stripe event says: a statement, or what it adds to one.
    struct Statement {
        var type: EventType
        var role: Event.Role = .states
        var data: JSONObject
        /// Where the product may have left its own ids.
        var metadata: [JSONValue?] = []
    }

    func read(_ payload: JSONObject) -> Reading {
        if payload["object"]?.string == "v2.core.event" {
            return .ignored(
                Problem("thin_event", "a thin event carries no data; set the endpoint's payload to snapshot"))
        }
        guard let type = payload.present("type")?.string else {
            return .quarantined(Problem("missing_type", "the event has no type", field: "type"))
        }
        guard let rule = Self.rule(for: type) else {
            return .ignored(Problem("unmapped", "this event type is of no interest"))
        }
        let data = payload["data"]
        guard let object = data?["object"]?.object else {
            return .quarantined(Problem("invalid_field", "the event has no object", field: "data.object"))
        }
        let previous = data?["previous_attributes"]?.object ?? [:]
        let statement = rule(
            StripeEvent(
                type: type, object: StripeObject(object), previous: StripeObject(previous), payments: payments))
        guard let statement else {
            return .ignored(Problem("unlinked", "the object names nothing that this could be added to"))
        }
        return draft(statement, created: payload["created"]?.int)
    }

    private func draft(_ statement: Statement, created: Int64?) -> Reading {
        guard let shape = catalogue[statement.type] else {
            return .quarantined(Problem("unknown_type", "\(statement.type) is unknown"))
        }
        do throws(ShapeError) {
            let data = try shape.fitted(statement.data, isComplete: statement.role == .states)
            return .draft(
                EventDraft(
                    type: statement.type, role: statement.role, occurredAt: created.flatMap(StripeObject.instant),
                    session: Self.metadata(["session", "session_id", "chat_session"], in: statement.metadata),
                    user: Self.metadata(["user", "user_id", "supabase_user_id"], in: statement.metadata), data: data))
        } catch {
            return .quarantined(Problem(error))
        }
    }

    private static func metadata(_ names: [String], in places: [JSONValue?]) -> String? {
        for case let place? in places {
            for name in names {
                if let id = ProviderText.id(place[name]) { return id }
            }
        }
        return nil
    }

    private typealias Rule = (StripeEvent) -> Statement?

    private static func rule(for type: String) -> Rule? {
        switch type {
        case "payment_intent.succeeded": { $0.intentSucceeded }
        case "payment_intent.payment_failed": { $0.intentFailed }
        case "payment_intent.canceled": { $0.intentCanceled }
        case "charge.succeeded", "charge.captured", "charge.updated": { $0.chargeSucceeded }
        case "charge.failed": { $0.chargeFailed }
        case "charge.refunded": { $0.chargeRefunded }
        case "refund.created", "refund.updated", "refund.failed", "charge.refund.updated": { $0.refund }
        case "charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed",
            "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated":
            { $0.dispute }
        case "checkout.session.completed": { $0.checkout(.checkoutCompleted) }
        case "checkout.session.expired": { $0.checkout(.checkoutAbandoned) }
        case "checkout.session.async_payment_succeeded": { $0.delayedPayment(.paymentSucceeded) }
        case "checkout.session.async_payment_failed": { $0.delayedPayment(.paymentFailed) }
        case "invoice.paid": { $0.invoicePaid }
        case "invoice.payment_succeeded": { $0.invoiceEnriching(.paymentSucceeded) }
        case "invoice.payment_failed": { $0.invoiceFailed }
        case "invoice.payment_action_required": { $0.invoiceEnriching(.paymentFailed) }
        case "invoice_payment.paid": { $0.invoicePayment }
        case "customer.subscription.created": { $0.subscription(.subscriptionStarted) }
        case "customer.subscription.updated", "customer.subscription.paused", "customer.subscription.resumed",
            "customer.subscription.trial_will_end":
            { $0.subscription(.subscriptionChanged) }
        case "customer.subscription.deleted": { $0.subscription(.subscriptionCanceled) }
        case "customer.created", "customer.updated": { $0.customer }
        default: nil
        }
    }
}
