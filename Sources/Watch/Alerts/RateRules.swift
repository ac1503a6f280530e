internal import Journal
internal import Model
internal import Settings

/// Rules about shares of what is counted.
///
/// An alert opens when the share is passed over the whole window and over its last part, so that trouble that is over
/// opens nothing; it ends when the last part has fallen to half the share.
extension AlertRules {
    var failedWork: [String: Finding] {
        guard let share = settings.alerts.failedWork else { return [:] }
        return rates(.work, rule: .failedWork, share: share, least: Self.leastWork) { key, sum in
            NewAlert(
                key: key, title: "\(Self.percent(sum)) of the calls to \(sum.name) fail",
                detail: "\(sum.failed) of \(sum.total) calls in the last hour failed, more than "
                    + "\(Self.percent(share)). What may succeed later is tried again, what was refused for good is a dead letter; "
                    + "nothing is lost. `throughline issues list` says why they fail.", at: now)
        }
    }

    var failedDeliveries: [String: Finding] {
        guard let share = settings.alerts.failedDeliveries else { return [:] }
        return rates(.delivery, rule: .failedDeliveries, share: share, least: Self.leastDeliveries) { key, sum in
            NewAlert(
                key: key, title: "\(Self.percent(sum)) of the deliveries of \(sum.name) are turned away",
                detail: "\(sum.failed) of \(sum.total) deliveries in the last 15 minutes were not taken, more than "
                    + "\(Self.percent(share)). A wrong or rotated secret is the usual cause; the log says which check "
                    + "failed. The sender tries again for a while.", severity: .critical, at: now)
        }
    }

    var slowAcknowledgements: [String: Finding] {
        let share = 0.05
        return rates(.ack, rule: .slowAcknowledgements, share: share, least: Self.leastAcknowledgements) { key, sum in
            NewAlert(
                key: key, title: "Acknowledgements are slow",
                detail: "\(Self.percent(sum)) of \(sum.total) deliveries in the last 15 minutes waited longer than "
                    + "\(settings.alerts.ackP95.milliseconds) ms for their answer, more than \(Self.percent(share)). "
                    + "Look at the disk's sync time and at the load of the machine.", at: now)
        }
    }

    private func rates(
        _ kind: Tally.Kind, rule: AlertKey.Rule, share: Double, least: Int, alert: (String, TallySum) -> NewAlert
    ) -> [String: Finding] {
        var findings: [String: Finding] = [:]
        for sum in figures.sums where sum.kind == kind {
            let key = rule.key(sum.name)
            findings[key] =
                switch Self.standing(sum, share: share, least: least) {
                case .bad: .trouble(alert(key, sum))
                case .unsure: .lingering
                case .good: .fine
                }
        }
        return findings
    }

    enum Standing: Sendable, Hashable { case bad, unsure, good }

    static func standing(_ sum: TallySum, share: Double, least: Int) -> Standing {
        let whole = rate(sum.failed, of: sum.total)
        let recent = rate(sum.recentFailed, of: sum.recentTotal)
        if sum.recentTotal > 0, recent <= share / 2 { return .good }
        if sum.recentTotal == 0 { return whole <= share ? .good : .unsure }
        let isEnough = sum.total >= least && sum.failed >= leastFailures
        return isEnough && whole > share && recent > share ? .bad : .unsure
    }

    private static func rate(_ failed: Int, of total: Int) -> Double { total > 0 ? Double(failed) / Double(total) : 0 }

    private static func percent(_ sum: TallySum) -> String { percent(rate(sum.failed, of: sum.total)) }

    /// `2.1 %`, without a fraction that says nothing.
    static func percent(_ share: Double) -> String {
        let tenths = Int((share * 1000).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10) %" : "\(tenths / 10).\(tenths % 10) %"
    }
}
