package import Journal
package import Model

/// Whom an event is about, as far as it says.
///
/// Pure.
package struct EventIdentifiers: Sendable, Hashable {
    /// What hangs at the subject from now on.
    package var own: [SubjectIdentifier]
    /// Under what else it may be known: a checkout's reference is some session's or user's id, and the other way round.
    package var aliases: [SubjectIdentifier]

    package init(own: [SubjectIdentifier], aliases: [SubjectIdentifier] = []) {
        self.own = own
        self.aliases = aliases
    }

    package var lookups: [SubjectIdentifier] { own + aliases }
}

extension EventIdentifiers {
    /// Identifiers of a checked event.
    ///
    /// Of a type that the user declared only fields that were declared as ids count, so that a `customer` that holds
    /// somebody's name joins nobody.
    package init(of event: Event, catalogue: EventCatalogue) {
        self.init(own: [])
        add(.session, event.session, .proven)
        add(.user, event.user, .proven)
        for (field, kind) in Self.kinds where Self.isID(field, in: event, catalogue) {
            add(kind, event.data.id(field), Self.basis(of: kind, in: event))
        }
        add(.email, event.data.id("email").flatMap(Address.email), .claimed)
        add(.phone, event.data.id("phone").flatMap(Address.phone), .claimed)
        aliases = own.flatMap(Self.aliases)
    }

    private static let kinds: [(String, SubjectIdentifier.Kind)] = [
        ("user", .user), ("customer", .customer), ("payment", .payment), ("charge", .charge),
        ("checkout", .checkout), ("subscription", .subscription), ("invoice", .invoice), ("refund", .refund),
        ("dispute", .dispute), ("ticket", .ticket), ("reference", .booking), ("client_reference", .reference),
    ]
    private static let ofMoney: Set<EventType> = [
        .paymentSucceeded, .paymentFailed, .paymentCanceled, .paymentRefunded, .paymentDisputed, .checkoutCompleted,
        .checkoutAbandoned, .subscriptionStarted, .subscriptionChanged, .subscriptionCanceled,
    ]
    private static let moneyKinds: Set<String> = [
        "customer", "payment", "charge", "checkout", "subscription", "invoice", "refund", "dispute",
        "client_reference",
    ]

    private static func isID(_ field: String, in event: Event, _ catalogue: EventCatalogue) -> Bool {
        if ofMoney.contains(event.type) { return moneyKinds.contains(field) }
        return catalogue[event.type]?.fields.contains { $0.name == field && $0.kind == .id } ?? false
    }

    /// Anybody can put a reference into a payment link, and say any payment's id in a conversation.
    private static func basis(of kind: SubjectIdentifier.Kind, in event: Event) -> SubjectIdentifier.Basis {
        kind == .reference || event.type == .supportEscalated ? .claimed : .proven
    }

    private static func aliases(of identifier: SubjectIdentifier) -> [SubjectIdentifier] {
        switch identifier.kind {
        case .session, .user: [SubjectIdentifier(.reference, identifier.value, .claimed)]
        case .reference: [.session, .user].map { SubjectIdentifier($0, identifier.value, .claimed) }
        default: []
        }
    }

    private mutating func add(_ kind: SubjectIdentifier.Kind, _ value: String?, _ basis: SubjectIdentifier.Basis) {
        guard let value, !value.isEmpty, value.utf8.count <= Limits.idLengthMax else { return }
        if !own.contains(where: { $0.kind == kind && $0.value == value }) {
            own.append(SubjectIdentifier(kind, value, basis))
        }
    }
}
