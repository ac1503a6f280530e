package import Journal
internal import Model
package import Settings

/// What trouble costs, as a sentence: "12 leads and 7 paying customers are not in crm".
package enum CostText {
    /// Nobody: nil.
    package static func text(_ cost: Cost, of scope: CostScope, settings: Settings) -> String? {
        let groups = cost.groups.filter { !EventType.ofAlerts.contains($0.type) }
        guard !groups.isEmpty else { return nil }
        let least = cost.isCut ? "at least " : ""
        let who = least + list(groups.prefix(3).map(words))
        let rest = groups.count > 3 ? " and others" : ""
        switch scope {
        case .waiting(let name):
            let isOne = groups.count == 1 && groups[0].subjects == 1
            return "\(who)\(rest) \(isOne ? "waits" : "wait") for \(name); nothing is lost"
        case .dead(let name): return "\(who)\(rest) \(missing(at: name, settings))"
        case .cause(let cause): return "\(who)\(rest) \(missing(at: cause.destination, settings))"
        }
    }

    private static func words(_ group: Cost.Group) -> String {
        let (one, many): (String, String)
        switch group.type {
        case .leadCaptured: (one, many) = ("lead", "leads")
        case .paymentSucceeded, .checkoutCompleted, .subscriptionStarted:
            (one, many) = ("paying customer", "paying customers")
        case .paymentFailed, .paymentCanceled: (one, many) = ("failed payment", "failed payments")
        case .paymentRefunded: (one, many) = ("refund", "refunds")
        case .paymentDisputed: (one, many) = ("dispute", "disputes")
        case .subscriptionChanged, .subscriptionCanceled: (one, many) = ("subscriber", "subscribers")
        case .supportEscalated: (one, many) = ("person who asked for help", "people who asked for help")
        case .bookingConfirmed: (one, many) = ("booking", "bookings")
        case .checkoutAbandoned: (one, many) = ("abandoned checkout", "abandoned checkouts")
        default: (one, many) = ("\(group.type) event", "\(group.type) events")
        }
        return "\(group.subjects) \(group.subjects == 1 ? one : many)"
    }

    private static func missing(at name: String, _ settings: Settings) -> String {
        switch settings.destination(name)?.kind {
        case .hubspot: "not in the CRM (\(name))"
        case .zendesk: "without a ticket (\(name))"
        case .slack, .email, .pagerduty: "of whom \(name) was not told"
        case .webhook, .http, nil: "not sent to \(name)"
        }
    }

    private static func list(_ parts: [String]) -> String {
        guard let last = parts.last, parts.count > 1 else { return parts.first ?? "" }
        return parts.dropLast().joined(separator: ", ") + " and " + last
    }

    /// A size that is another one only when the trouble has grown tenfold: 0, 10, 100, 1000.
    package static func magnitude(_ cost: Cost?) -> Int {
        guard let jobs = cost?.jobs else { return 0 }
        return [10, 100, 1000].last { $0 <= jobs } ?? 0
    }
}
