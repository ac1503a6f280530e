internal import Journal
internal import Model

/// Every effect that the flows demand has its job and no other has; every job has ended, and for a reason.
enum JobChecker {
    static func check(_ evidence: Evidence, _ fail: (String, String) -> Void) {
        let jobs = evidence.snapshot.jobs
        let byEffect = Dictionary(grouping: jobs, by: \.row.effect.text)
        for (effect, same) in byEffect where same.count > 1 { fail("one-job", "\(effect) has \(same.count) jobs") }
        let demanded = demanded(evidence)
        for effect in demanded.sorted() where byEffect[effect] == nil && !isStale(effect, evidence) {
            fail("no-job-lost", "\(effect) has no job")
        }
        for job in jobs {
            let first = "\(job.row.effect.text.dropLast(1 + "\(job.row.generation)".count))/0"
            if !demanded.contains(first) { fail("nothing-invented", "nothing demands \(job.row.effect.text)") }
            if job.row.generation > 0, !evidence.operations.repeated.contains(job.row.event.description) {
                fail("nothing-invented", "nobody asked to repeat \(job.row.effect.text)")
            }
            checkEnd(of: job, evidence, fail)
            checkAttempts(of: job, evidence, fail)
        }
    }

    /// The effect keys that the acknowledged events ask for.
    private static func demanded(_ evidence: Evidence) -> Set<String> {
        var demanded: Set<String> = []
        for record in evidence.deliveries {
            guard let event = record.answers.compactMap(\.event).first else { continue }
            switch record.item.kind {
            case .lead:
                let session = session(of: event, in: evidence)
                for call in ["crm.upsert_contact", "hook.send", "team.notify"] {
                    demanded.insert("new-lead/\(call)/lead_captured:\(session):\(record.item.email)/0")
                }
            case .complaint:
                for call in ["desk.open_ticket", "desk.comment", "team.notify"] {
                    demanded.insert("complaint/\(call)/\(event)/0")
                }
            case .payment(let payment):
                for call in ["crm.set_payment_status", "crm.add_note", "hook.send"] {
                    demanded.insert("paid/\(call)/payment_succeeded:\(payment)/0")
                }
            case .chat, .enrichment, .forged, .malformed: break
            }
        }
        return demanded
    }

    /// A payment that was told later than a newer one sets no status any more; the decision says so.
    private static func isStale(_ effect: String, _ evidence: Evidence) -> Bool {
        let parts = effect.split(separator: "/")
        guard parts.count > 2, parts[1] == "crm.set_payment_status" else { return false }
        return evidence.snapshot.events.contains { event in
            event.facts.contains { $0.key == parts[2] }
                && event.decisions.contains { $0.outcome == .stale && $0.call == "crm.set_payment_status" }
        }
    }

    private static func session(of event: String, in evidence: Evidence) -> String {
        evidence.snapshot.events.first { $0.row.event.id.description == event }?.row.event.session ?? ""
    }

    private static func checkEnd(of job: JobDetail, _ evidence: Evidence, _ fail: (String, String) -> Void) {
        let row = job.row
        switch row.state {
        case .completed:
            if row.isSuperseded, row.action != "set_payment_status" {
                fail("superseded", "\(row.effect) sets no state and was superseded")
            }
        case .cancelled:
            if !evidence.operations.cancelled.contains(row.destination) {
                fail("ends-for-a-reason", "nobody cancelled \(row.effect)")
            }
        case .dead:
            let reason = row.errorClass ?? ""
            if !isReason(reason, for: row, evidence) {
                fail("ends-for-a-reason", "\(row.effect) is dead of \(reason): \(row.error ?? row.note ?? "")")
            }
        default: fail("no-job-stuck", "\(row.effect) is \(row.state.rawValue)")
        }
    }

    /// Whether a job may die of that: a refusal that happened, or something that it needed and that came too late.
    private static func isReason(_ reason: String, for job: JobRow, _ evidence: Evidence) -> Bool {
        switch reason {
        case "http_400", "record_invalid": evidence.hazards.contains(.rejected)
        case "missing_field": job.flow == "paid" && (!evidence.isTimely || !isToldInTime(job, evidence))
        case "missing_record":
            job.call == "desk.comment" && (!evidence.isTimely || !hasTicket(job, evidence))
        // Three minutes are longer than the bad phase; only a wall clock that jumps makes them pass.
        case "timeout", "connect", "broken", "unreadable_answer", "cut_off": !evidence.isTimely
        default: !evidence.isTimely && reason.hasPrefix("http_5")
        }
    }

    /// Whether the ticket that it waited for was there before it died.
    private static func hasTicket(_ job: JobRow, _ evidence: Evidence) -> Bool {
        evidence.snapshot.jobs.contains { ticket in
            ticket.row.call == "desk.open_ticket" && ticket.row.subject == job.subject && ticket.row.state == .completed
                && ticket.row.endedAt.map { end in job.endedAt.map { end <= $0 } ?? true } ?? false
        }
    }

    /// Between the acknowledgement of the event that brings a field and its plan, with crashes and full disks.
    private static let planningMost: Int64 = 20_000

    /// Whether an event of the same payment had brought the address well before the job died.
    private static func isToldInTime(_ job: JobRow, _ evidence: Evidence) -> Bool {
        guard let payment = job.fact?.split(separator: ":").last, let end = job.endedAt else { return false }
        let kind = Workload.Kind.enrichment(String(payment))
        return evidence.deliveries.contains { record in
            guard record.item.kind == kind, let answer = record.acknowledged else { return false }
            return answer.at + planningMost < end.uptime
        }
    }

    /// Whether a person let the job go again between its end and this attempt.
    private static func isOrdered(_ attempt: AttemptRow, after end: AttemptEnd, _ evidence: Evidence) -> Bool {
        guard evidence.isTimely else { return !evidence.operations.retries.isEmpty }
        return evidence.operations.hasRetried(between: end.endedAt.uptime, and: attempt.startedAt.uptime)
    }

    private static func checkAttempts(of job: JobDetail, _ evidence: Evidence, _ fail: (String, String) -> Void) {
        let row = job.row
        let attempts = job.attempts.sorted { $0.token < $1.token }
        for (one, next) in zip(attempts, attempts.dropFirst()) where one.token == next.token {
            fail("tokens-rise", "\(row.effect) has two attempts of token \(one.token)")
        }
        for attempt in attempts {
            guard let end = attempt.end else { continue }
            if evidence.isTimely, end.endedAt < attempt.startedAt {
                fail("no-old-token", "attempt \(attempt.token) of \(row.effect) ended before it began")
            }
            if end.outcome == .succeeded, attempt.token != attempts.last?.token {
                fail("no-old-token", "\(row.effect) succeeded with token \(attempt.token) and was tried again")
            }
            let next = attempts.first { $0.token > attempt.token }
            if end.outcome == .permanent, let next, !isOrdered(next, after: end, evidence) {
                fail("permanent-is-final", "\(row.effect) was refused for good and tried again")
            }
        }
        let hasSucceeded = attempts.contains { $0.end?.outcome == .succeeded }
        if row.state == .completed, !row.isSuperseded, !hasSucceeded {
            fail("no-old-token", "\(row.effect) is completed, and no attempt of it succeeded")
        }
    }
}
