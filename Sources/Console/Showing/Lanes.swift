internal import Journal
internal import Model
internal import Settings
internal import Trail

/// Where in a trail a step stands: with whom it happened.
enum Lane: String, CaseIterable {
    case chat, payment, crm, support, throughline

    var title: String {
        switch self {
        case .chat: "Chat"
        case .payment: "Payment"
        case .crm: "CRM"
        case .support: "Support"
        case .throughline: "Throughline"
        }
    }

    /// Events stand where they were told, effects where they happen, and what was decided with ourselves; a notice to the
    /// team is ours too.
    static func of(_ item: TrailItem, settings: Settings) -> Lane {
        switch item.kind {
        case .event: of(eventType: item.type)
        case .decision: .throughline
        case .job, .attempt, .record:
            switch item.destination.flatMap({ settings.destination($0) })?.kind.name {
            case "hubspot": .crm
            case "zendesk": .support
            default: .throughline
            }
        }
    }

    private static func of(eventType type: String) -> Lane {
        let payments = ["payment_", "checkout_", "subscription_"]
        if payments.contains(where: { type.hasPrefix($0) }) { return .payment }
        return type.hasPrefix("ticket_") || type.hasPrefix("support_") ? .support : .chat
    }
}
