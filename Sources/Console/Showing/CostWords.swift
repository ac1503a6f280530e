internal import Journal
internal import Model
internal import Settings

/// What it means for the business that something is not done.
enum CostWords {
    /// `12 leads`, `3 payments`: what those jobs are about, by the flows that planned them.
    static func matters(_ jobs: [JobRow], settings: Settings) -> String {
        let nouns = jobs.map { noun(of: settings.flow($0.flow)) }
        guard let first = nouns.first, nouns.allSatisfy({ $0 == first }) else { return Shown.count(jobs.count, "job") }
        return Shown.count(jobs.count, first)
    }

    static func noun(of flow: Flow?) -> String {
        guard let flow, let first = flow.on.first else { return "job" }
        let noun = noun(of: first)
        return flow.on.allSatisfy { self.noun(of: $0) == noun } ? noun : "job"
    }

    /// `7 payments, 12 leads`: what hangs on an issue.
    static func text(_ cost: Cost) -> String {
        let parts = cost.groups.prefix(4).map { Shown.count($0.jobs, noun(of: $0.type)) }
        return parts.joined(separator: ", ") + (cost.isCut ? " and more" : "")
    }

    private static func noun(of type: EventType) -> String {
        switch type.name {
        case "lead_captured": "lead"
        case "booking_confirmed": "booking"
        case "support_escalated": "complaint"
        case "ticket_created", "ticket_closed": "ticket"
        case let name where name.hasPrefix("payment_"): "payment"
        case let name where name.hasPrefix("checkout_"): "checkout"
        case let name where name.hasPrefix("subscription_"): "subscription"
        default: "job"
        }
    }

    /// `12 leads are not in HubSpot`: what it means that jobs of this action are dead.
    static func ofDead(_ count: Int, kind: String, destination: String, action: String) -> String {
        let place = Shown.name(ofKind: kind, destination: destination)
        let isOne = count == 1
        switch action.prefix(while: { $0 != "#" }) {
        case "upsert_contact": return "\(Shown.count(count, "lead")) \(isOne ? "is" : "are") not in \(place)"
        case "set_payment_status":
            return "\(Shown.count(count, "payment")) \(isOne ? "is" : "are") not shown in \(place)"
        case "open_ticket": return "\(Shown.count(count, "complaint")) \(isOne ? "has" : "have") no ticket in \(place)"
        case "notify": return "\(Shown.count(count, "notice")) did not reach \(place)"
        default: return "\(Shown.count(count, "effect")) at \(place) did not happen"
        }
    }
}
