internal import ConnectorKit
internal import Journal
internal import Model

/// An event as one sentence for people: `ada@example.com paid 49.00 USD (pi_1)`.
///
/// Plain text, nothing escaped.
struct EventSummary {
    var effect: Effect

    private var data: JSONObject { effect.data }
    private func word(_ field: String) -> String? { data.present(field)?.text }

    /// Who it is about: the best name that is known.
    var who: String {
        let email = word("email") ?? effect.subject.newest(.email)
        return email ?? word("name") ?? effect.event.user.map { "user \($0)" }
            ?? effect.event.session.map { "chat session \($0)" } ?? "someone"
    }

    private var money: String {
        guard let amount = data["amount"]?.int, let currency = word("currency") else { return "an unknown amount" }
        return Money(amount: amount, currency: currency).text
    }

    private func named(_ fields: String...) -> String {
        fields.lazy.compactMap { word($0) }.first.map { " (\($0))" } ?? ""
    }

    private func because(_ field: String = "reason") -> String { word(field).map { ": \($0)" } ?? "" }

    var text: String {
        switch effect.event.type {
        case .chatStarted: "\(who) started a chat" + (word("page").map { " on \($0)" } ?? "")
        case .leadCaptured: lead
        case .bookingConfirmed: "\(who) booked" + (word("starts_at").map { " for \($0)" } ?? "") + named("reference")
        case .checkoutCompleted: "\(who) completed a checkout" + named("checkout")
        case .checkoutAbandoned: "\(who) abandoned a checkout" + named("checkout")
        case .paymentSucceeded: "\(who) paid \(money)" + named("payment")
        case .paymentFailed: "payment of \(money) by \(who) failed" + named("payment") + because()
        case .paymentCanceled: "payment of \(money) by \(who) was canceled" + named("payment") + because()
        case .paymentRefunded: "\(money) was refunded to \(who)" + named("payment", "charge") + because()
        case .paymentDisputed: "\(who) disputes \(money)" + named("payment", "charge") + because()
        case .subscriptionStarted, .subscriptionChanged, .subscriptionCanceled: subscription
        case .userIdentified: "\(who) is known now"
        case .supportEscalated: escalation
        case .ticketCreated: "ticket \(word("ticket") ?? "") was opened for \(who)"
        case .ticketClosed: "ticket \(word("ticket") ?? "") of \(who) was closed"
        case .alertOpened, .alertChanged, .alertEnded: AlertText(effect)?.text ?? effect.event.type.name
        default: "\(effect.event.type.name) of \(who)"
        }
    }

    private var lead: String {
        let company = word("company").map { " of \($0)" } ?? ""
        let name = word("name").map { " (\($0)\(company))" } ?? company
        return "new lead: \(who)\(name)" + because("message")
    }

    private var subscription: String {
        let change =
            switch effect.event.type {
            case .subscriptionStarted: "started"
            case .subscriptionCanceled: "canceled"
            default: "changed"
            }
        let status = word("status").map { ", now \($0)" } ?? ""
        return "subscription of \(who) \(change)\(status)" + named("plan", "subscription")
    }

    private var escalation: String {
        let urgency = word("urgency").map { "\($0.uppercased()): " } ?? ""
        let details = [word("reason") ?? word("intent"), word("message")].compactMap { $0 }
        let doubles = PaymentFacts(payments: effect.payments).doubles
        return "\(urgency)\(who) needs a person" + (details.isEmpty ? "" : ": " + details.joined(separator: ": "))
            + named("payment") + doubles.map { "\n\($0)" }.joined()
    }
}

extension SubjectView {
    /// The newest proven identifier of that kind, else the newest that someone typed; nil where there is none.
    func newest(_ kind: SubjectIdentifier.Kind) -> String? {
        let known = identifiers.filter { $0.kind == kind }
        return (known.last { $0.basis == .proven } ?? known.last)?.value
    }
}

extension Effect {
    /// The address that this effect is about: the flow's own field, the fact's, else the subject's.
    var email: String? {
        let said = fields.present("email") ?? data.present("email")
        return said?.text?.trimmed ?? subject.newest(.email)
    }

    /// The newest record of that kind which the destination made for the subject.
    func record(_ kind: String) -> ExternalRecord? { records.first { $0.kind == kind } }
}
