internal import Connectors
internal import Journal
internal import Model
internal import Sandbox

/// What jobs claim to have done is done at the providers, once where the destination makes that possible.
enum EffectChecker {
    static func check(_ evidence: Evidence, _ fail: (String, String) -> Void) {
        for job in evidence.snapshot.jobs where job.row.state == .completed && !job.row.isSuperseded {
            if effects(of: job.row, evidence) == 0 {
                fail(
                    "completed-is-done", "\(job.row.effect) is completed and \(job.row.destination) knows nothing of it"
                )
            }
        }
        for job in evidence.snapshot.jobs where job.row.destination != "team" {
            let count = effects(of: job.row, evidence)
            if count > 1 { fail("once", "\(job.row.effect) was done \(count) times") }
        }
        checkContacts(evidence, fail)
        checkNotices(evidence, fail)
        checkOrphans(evidence, fail)
        checkCalls(evidence, fail)
    }

    /// How often the effect stands at its destination.
    private static func effects(of job: JobRow, _ evidence: Evidence) -> Int {
        let mark = job.effect.digest
        switch job.call {
        case "desk.open_ticket": return evidence.zendesk.allTickets.count { $0.externalID == mark }
        case "desk.comment":
            return evidence.zendesk.allTickets.reduce(0) { $0 + $1.comments.count { $0.body.contains(mark) } }
        case "hook.send": return evidence.hook.messages.count { $0.id == mark }
        case "crm.add_note": return evidence.hubspot.notes.count { $0.properties["throughline_id"] == mark }
        case "team.notify": return notices(of: job.event.description, evidence)
        default: return evidence.hubspot.contacts.contains { "\($0.id)" == job.record?.id } ? 1 : 0
        }
    }

    private static func notices(of event: String, _ evidence: Evidence) -> Int {
        evidence.slack.messages.count { $0.text.contains(event) }
    }

    private static func checkContacts(_ evidence: Evidence, _ fail: (String, String) -> Void) {
        let contacts = Dictionary(grouping: evidence.hubspot.contacts) { $0.properties["email"] ?? "" }
        for (email, same) in contacts where same.count > 1 { fail("once", "\(email) is \(same.count) contacts") }
        let paid = evidence.snapshot.jobs.filter { $0.row.action == "set_payment_status" && $0.row.state == .completed }
        for job in paid where !job.row.isSuperseded {
            let contact = evidence.hubspot.contacts.first { "\($0.id)" == job.row.record?.id }
            if contact?.properties["throughline_payment_status"] != "succeeded" {
                fail("completed-is-done", "\(job.row.effect) is completed, and its contact shows no payment")
            }
        }
        for job in evidence.snapshot.jobs where job.row.action == "add_note" && job.row.state == .completed {
            guard let note = evidence.hubspot.notes.first(where: { "\($0.id)" == job.row.record?.id }) else { continue }
            if !evidence.hubspot.contacts.contains(where: { evidence.hubspot.areAssociated(note.id, $0.id) }) {
                fail("completed-is-done", "the note of \(job.row.effect) hangs at no contact")
            }
        }
    }

    /// A notice may be said again only after an attempt of which nobody knows how it ended.
    private static func checkNotices(_ evidence: Evidence, _ fail: (String, String) -> Void) {
        let jobs = Dictionary(grouping: evidence.snapshot.jobs.filter { $0.row.destination == "team" }, by: \.row.event)
        for (event, same) in jobs {
            let possible = same.flatMap(\.attempts).count { attempt in
                attempt.end.map { $0.outcome == .succeeded || $0.outcome == .unknown } ?? true
            }
            let count = notices(of: event.description, evidence)
            if count > possible {
                fail("repeats-only-when-unknown", "\(event) was told \(count) times by \(possible) possible attempts")
            }
        }
    }

    private static func checkOrphans(_ evidence: Evidence, _ fail: (String, String) -> Void) {
        let marks = Set(evidence.snapshot.jobs.map(\.row.effect.digest))
        let made =
            evidence.zendesk.allTickets.compactMap(\.externalID) + evidence.hook.messages.map(\.id)
            + evidence.hubspot.notes.compactMap { $0.properties["throughline_id"] }
        for mark in made where !marks.contains(mark) && !mark.hasPrefix("ping-") {
            fail("nothing-invented", "an effect \(mark) has no job")
        }
    }

    /// One key, one body; and each call has its attempt on record.
    private static func checkCalls(_ evidence: Evidence, _ fail: (String, String) -> Void) {
        let jobs = evidence.jobsByMark
        for (name, calls) in evidence.effectCalls {
            guard let first = calls.first, let mark = first.mark, !mark.hasPrefix("ping-") else { continue }
            let isKept = first.destination == "hook" || first.destination == "desk"
            if isKept, calls.contains(where: { $0.body != first.body }) {
                fail("same-bytes", "\(name) was sent with different bodies")
            }
            guard first.destination != "crm" else { continue }
            let attempts = (jobs[mark] ?? []).filter { $0.row.destination == first.destination }.flatMap(\.attempts)
                .count
            if calls.count > attempts {
                fail("attempt-on-record", "\(name) was called \(calls.count) times by \(attempts) attempts")
            }
        }
    }
}
