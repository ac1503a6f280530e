internal import Journal
internal import Model

/// Writes a link plan: the new subject, its identifiers, the joins, and what was refused.
struct LinkWriter {
    let event: Event
    let now: Instant
    let tx: any PlanTransaction

    func write(_ plan: LinkPlan) throws {
        if plan.isNew { try tx.createSubject(plan.home, for: event.id, at: now) }
        for identifier in plan.additions { try tx.addIdentifier(identifier, to: plan.home, event: event.id) }
        for join in plan.joins {
            try tx.join(join, event: event.id, at: now)
            try record(.joined, plan, "joined through \(join.through.kind.name), \(join.basis.rawValue)")
        }
        try tx.assign(event.id, to: plan.home)
        for refusal in plan.refusals { try tell(refusal, plan) }
    }

    private func tell(_ refusal: LinkPlan.Refusal, _ plan: LinkPlan) throws {
        let kind = refusal.identifier.kind.name
        switch refusal.reason {
        case .conflict(let exclusive):
            try record(.refused, plan, "not joined through \(kind): each has another \(exclusive.name)")
        case .tooLarge(let subject):
            try record(.refused, plan, "not linked through \(kind): \(subject) has too many identifiers")
            try tx.openAlert(
                NewAlert(
                    key: "subject_too_large:\(subject)", title: "A subject has too many identifiers",
                    detail: "\(subject) stands at \(Limits.identifiersPerSubjectMax) identifiers and takes no more. "
                        + "A shared address (info@ and the like) does that: look at its trail.",
                    at: now))
        }
    }

    private func record(_ outcome: Decision.Outcome, _ plan: LinkPlan, _ detail: String) throws {
        try tx.record(
            Decision(event: event.id, subject: plan.home, at: now, outcome: outcome, detail: detail))
    }
}
