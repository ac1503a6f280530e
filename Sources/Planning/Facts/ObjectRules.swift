package import Model

/// What an event tells of an object that other facts are about as well: kept in the object's row, whoever came first.
package enum ObjectRules {
    /// Members that are true of the object whatever happened to it.
    ///
    /// An amount, a status or a reason belongs to one fact and never fills another: the failure of a payment is no part
    /// of its success.
    static let shared: Set<String> = [
        "payment", "charge", "invoice", "subscription", "checkout", "customer", "client_reference", "email", "name",
        "firstname", "lastname", "phone", "company", "metadata",
    ]

    /// The object and what the event knows of it; nil where it adds nothing but the object's own id.
    ///
    /// A completed checkout speaks of its payment, which mostly was told a moment before without an address.
    package static func row(of event: Event) -> (object: String, data: JSONObject)? {
        let payment = event.data.id("payment").map { "payment:\($0)" }
        let object =
            event.type == .checkoutCompleted ? payment : FactRules.statement(of: event).object ?? payment
        guard let object, let end = object.firstIndex(of: ":"), sharesObject(event) else { return nil }
        let own = String(object[..<end])
        let known = event.data.members.filter { shared.contains($0.key) && !$0.value.isAbsent }
        guard known.contains(where: { $0.key != own }) else { return nil }
        return (object, JSONObject(members: known))
    }

    /// Objects of which one fact is all there is need no row beside it.
    private static func sharesObject(_ event: Event) -> Bool {
        switch event.type {
        case .checkoutCompleted, .paymentSucceeded, .paymentFailed, .paymentCanceled, .paymentRefunded,
            .paymentDisputed:
            true
        default: event.role == .enriches
        }
    }
}
