package import Model

/// Payments out of what was told of them.
package enum PaymentViews {
    package static func newest(of facts: [Fact], isProven: (SubjectID) -> Bool) -> [PaymentView] {
        var newest: [String: (fact: Fact, view: PaymentView)] = [:]
        for fact in facts {
            guard let view = view(of: fact, isProven: isProven(fact.subject)) else { continue }
            guard let known = newest[view.payment], !supersedes(fact, view, known.fact, known.view) else {
                newest[view.payment] = (fact, view)
                continue
            }
        }
        return newest.values.map(\.view).sorted { ($0.at, $0.payment) > ($1.at, $1.payment) }
    }

    private static func view(of fact: Fact, isProven: Bool) -> PaymentView? {
        guard let type = fact.type, type.name.hasPrefix("payment_"),
            let payment = fact.data.present("payment")?.text ?? fact.object.flatMap(name(of:))
        else { return nil }
        let money = Money(
            amount: fact.data.present("amount")?.int ?? 0, currency: fact.data.present("currency")?.string ?? "")
        return PaymentView(
            payment: payment, status: String(type.name.dropFirst("payment_".count)), money: money, at: fact.occurredAt,
            isProven: isProven)
    }

    /// `payment:pi_1` -> `pi_1`.
    private static func name(of object: String) -> String? {
        object.firstIndex(of: ":").map { String(object[object.index(after: $0)...]) }
    }

    /// Providers' times are whole seconds: within one second what lies further along a payment's life is newer.
    private static func supersedes(_ fact: Fact, _ view: PaymentView, _ known: Fact, _ knownView: PaymentView) -> Bool {
        (fact.occurredAt.seconds, rank(view), fact.occurredAt.milliseconds, fact.key)
            > (known.occurredAt.seconds, rank(knownView), known.occurredAt.milliseconds, known.key)
    }

    private static func rank(_ view: PaymentView) -> Int {
        switch view.status {
        case "succeeded": 1
        case "refunded": 2
        case "disputed": 3
        default: 0
        }
    }
}
