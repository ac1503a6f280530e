internal import Model

/// Subscriptions and customers.
extension StripeEvent {
    func subscription(_ type: EventType) -> Statement {
        let items = object.list("items")
        // Since 2025-03-31 each item has its period; the subscription runs until the last of them ends.
        let end = items.compactMap { $0.number("current_period_end") }.max() ?? object.number("current_period_end")
        let periodEnd = end.flatMap(StripeObject.instant)?.description
        let isEnding = object["cancel_at_period_end"]?.bool == true
        return Statement(
            type: type,
            data: .of([
                ("subscription", .of(object.id)), ("status", object["status"]),
                ("customer", .of(object.id(of: "customer"))), ("plan", plan(items)), ("amount", .of(amount(items))),
                ("currency", object["currency"] ?? price(items.first)["currency"]), ("period_end", .of(periodEnd)),
                ("cancel_at", .of(object.time("cancel_at") ?? (isEnding ? periodEnd : nil))),
            ]), metadata: [object.metadata])
    }

    private func price(_ item: StripeObject?) -> StripeObject {
        guard let item else { return object.object("plan") }
        return StripeObject(item["price"]?.object ?? item["plan"]?.object ?? [:])
    }

    /// The name that people gave the price, else its id.
    private func plan(_ items: [StripeObject]) -> JSONValue? {
        let price = price(items.first)
        return price["nickname"] ?? price["lookup_key"] ?? price["id"]
    }

    /// What one period costs; nil where a price has tiers or is measured.
    private func amount(_ items: [StripeObject]) -> Int64? {
        let items: [StripeObject?] = items.isEmpty ? [nil] : items
        return items.reduce(Int64?(0)) { total, item in
            let price = price(item)
            guard let total, let unit = price.number("unit_amount") ?? price.number("amount") else { return nil }
            let (cost, isTooMuch) = unit.multipliedReportingOverflow(by: item?.number("quantity") ?? 1)
            let (sum, isOverflow) = total.addingReportingOverflow(cost)
            return isTooMuch || isOverflow ? nil : sum
        }
    }

    var customer: Statement? {
        Statement(
            type: .userIdentified,
            data: .of([
                ("customer", .of(object.id)), ("email", object["email"]), ("phone", object["phone"]),
                ("name", object["name"]),
            ]), metadata: [object.metadata])
    }
}
