internal import Journal
internal import Model

/// What a subject's payments show, for the person who reads a ticket.
struct PaymentFacts {
    static let listedMax = 20
    /// Equal charges that lie closer together than this look like one that was made twice.
    static let doubleWithin: Duration = .seconds(86_400)

    var payments: [PaymentView]

    /// One line a payment, newest first, then what is odd about them.
    ///
    /// Empty where there are none.
    var lines: [String] {
        guard !payments.isEmpty else { return [] }
        let newestFirst = payments.sorted { ($0.at, $0.payment) > ($1.at, $1.payment) }
        var lines = ["Payments:"] + newestFirst.prefix(Self.listedMax).map(Self.line)
        if newestFirst.count > Self.listedMax { lines.append("- and \(newestFirst.count - Self.listedMax) more") }
        return lines + doubles
    }

    /// Charges of one amount that both succeeded within a day, each named with the one before it.
    var doubles: [String] {
        let charges = Dictionary(grouping: payments.filter { $0.status == "succeeded" }, by: \.money)
        return charges.values.flatMap { equal in
            let ordered = equal.sorted { ($0.at, $0.payment) < ($1.at, $1.payment) }
            return zip(ordered, ordered.dropFirst()).filter { earlier, later in
                earlier.payment != later.payment && later.at - earlier.at <= Self.doubleWithin
            }
        }
        .sorted { ($0.0.at, $0.0.payment) < ($1.0.at, $1.0.payment) }
        .prefix(Self.listedMax)
        .map { earlier, later in
            "possible double charge: \(earlier.payment) and \(later.payment), \(earlier.money.text) each, "
                + "\(Self.words(for: later.at - earlier.at)) apart"
        }
    }

    private static func line(_ payment: PaymentView) -> String {
        "- \(payment.payment): \(payment.money.text), \(payment.status), \(payment.at)"
            + (payment.isProven ? "" : ", matched by address, unproven")
    }

    private static func words(for duration: Duration) -> String {
        let seconds = duration.milliseconds / 1000
        let (count, unit) =
            switch seconds {
            case ..<120: (seconds, "second")
            case ..<7200: (seconds / 60, "minute")
            default: (seconds / 3600, "hour")
            }
        return "\(count) \(unit)\(count == 1 ? "" : "s")"
    }
}
