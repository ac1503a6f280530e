internal import Journal
internal import Model
internal import Sandbox

/// A contact shows the newest payment that was written to it, whatever the order in which events came.
enum StateChecker {
    private static let property = "throughline_payment_amount"
    /// Stripe tells whole seconds: what lies closer together has no order that anybody could know.
    private static let tie: Int64 = 2_000

    private struct Payment {
        var fact: String
        var amount: String
        var toldAt: Int64
    }

    static func check(_ evidence: Evidence, _ fail: (String, String) -> Void) {
        let jobs = Dictionary(
            grouping: evidence.snapshot.jobs.filter { $0.row.call == "crm.set_payment_status" }, by: \.row.fact)
        for contact in evidence.hubspot.contacts {
            guard let email = contact.properties["email"] else { continue }
            let payments = payments(of: email, evidence).sorted { $0.toldAt < $1.toldAt }
            guard let newest = payments.last, payments.dropLast().allSatisfy({ $0.toldAt + tie <= newest.toldAt }),
                jobs[newest.fact]?.contains(where: { $0.row.state == .completed }) == true,
                !payments.contains(where: { (jobs[$0.fact] ?? []).contains(where: isLeftAlive) })
            else { continue }
            let shown = contact.properties[property]
            guard shown != newest.amount else { continue }
            fail("newest-state", "\(email) shows \(shown ?? "nothing"), and paid \(newest.amount) last")
        }
    }

    private static func payments(of email: String, _ evidence: Evidence) -> [Payment] {
        evidence.deliveries.compactMap { record in
            guard case .payment(let payment) = record.item.kind, record.item.email == email,
                record.acknowledged != nil, let money = record.item.money
            else { return nil }
            let amount = money.text.split(separator: " ").first.map(String.init) ?? ""
            return Payment(fact: "payment_succeeded:\(payment)", amount: amount, toldAt: record.item.toldAt)
        }
    }

    /// Whether people ended the job, or its time did, while a call of it was perhaps still on its way.
    private static func isLeftAlive(_ job: JobDetail) -> Bool {
        guard job.row.state == .cancelled || job.row.state == .dead else { return false }
        return job.attempts.contains { $0.end.map { $0.outcome == .unknown } ?? true }
    }
}
