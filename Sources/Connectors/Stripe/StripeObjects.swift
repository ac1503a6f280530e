internal import ConnectorKit
internal import Model

/// Stripe's objects as they are listed: which fact of ours each must have left, and the event that would tell it.
///
/// Pure.
enum StripeObjects {
    enum Kind: String, CaseIterable {
        case paymentIntents = "payment_intents"
        case charges, refunds, subscriptions

        /// By the prefix that Stripe gives to ids of that kind; nil for events and all else.
        init?(id: String) {
            switch id.prefix(while: { $0 != "_" }) {
            case "pi": self = .paymentIntents
            case "ch", "py": self = .charges
            case "re", "pyr": self = .refunds
            case "sub": self = .subscriptions
            default: return nil
            }
        }
    }

    static func event(_ object: JSONObject) -> ToldEvent? {
        guard let id = object["id"]?.string, let type = object["type"]?.string,
            let created = object["created"]?.int, let about = object["data"]?["object"]?.object
        else { return nil }
        return ToldEvent(
            id: id, type: type, at: Instant(seconds: created), payload: object.encoded, object: subject(of: about))
    }

    /// The object of which an event's object speaks, as `told` names it.
    private static func subject(of object: JSONObject) -> String? {
        switch object["object"]?.string {
        case "payment_intent": named("payment", object["id"])
        case "charge": named("payment", object["payment_intent"]) ?? named("payment", object["id"])
        case "refund": named("refund", object["id"])
        case "subscription": named("subscription", object["id"])
        default: nil
        }
    }

    private static func named(_ kind: String, _ value: JSONValue?) -> String? {
        (value?.string ?? value?["id"]?.string).map { "\(kind):\($0)" }
    }

    /// What must be known of the object here; nil where nothing must be (not paid yet, or told by another object).
    static func told(_ object: JSONObject, as kind: Kind) -> ToldObject? {
        guard let id = object["id"]?.string, let created = object["created"]?.int else { return nil }
        let at = Instant(seconds: created)
        func told(_ name: String, _ trace: ToldObject.Trace) -> ToldObject {
            ToldObject(id: id, object: "\(name):\(id)", at: at, trace: trace)
        }
        switch kind {
        case .paymentIntents:
            return object["status"]?.string == "succeeded" ? told("payment", .fact("payment_succeeded:\(id)")) : nil
        case .charges:
            let isDirect = object.present("payment_intent") == nil
            let isPaid = object["paid"]?.bool == true && object["captured"]?.bool != false
            return isDirect && isPaid ? told("payment", .fact("payment_succeeded:\(id)")) : nil
        case .refunds:
            return object["status"]?.string == "succeeded" ? told("refund", .fact("payment_refunded:\(id)")) : nil
        case .subscriptions: return object["status"]?.string.map { told("subscription", .status($0)) }
        }
    }

    /// The event that Stripe would send of the object as it stands now.
    ///
    /// Its id is ours, so that it never takes the place of one of Stripe's own; two that tell the same have the same.
    static func event(of object: JSONObject, as kind: Kind, now: Instant) -> JSONObject? {
        guard let id = object["id"]?.string else { return nil }
        let status = object["status"]?.string ?? ""
        let type =
            switch kind {
            case .paymentIntents: "payment_intent.succeeded"
            case .charges: "charge.succeeded"
            case .refunds: "refund.created"
            case .subscriptions:
                status == "canceled" ? "customer.subscription.deleted" : "customer.subscription.updated"
            }
        // A state is as of now: it must stand above whatever older states were told.
        let created = kind == .subscriptions ? now.seconds : object["created"]?.int ?? now.seconds
        return [
            "id": .string("recovered-\(id)-\(status)"), "object": "event", "type": .string(type),
            "created": .int(created), "data": ["object": .object(object)],
        ]
    }
}
