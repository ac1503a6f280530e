internal import Journal
internal import Model

extension TrailItem {
    init(event row: EventRow, subject: SubjectID?) {
        let event = row.event
        self.init(
            at: event.receivedAt, kind: .event, id: event.id.description, type: event.type.name, source: event.source,
            state: row.isPending ? "pending" : event.role == .enriches ? "enriches" : "planned",
            detail: Self.detail(of: event), subject: subject)
    }

    init(decision: Decision, subject: SubjectID) {
        let destination = decision.call?.prefix { $0 != "." }
        self.init(
            at: decision.at, kind: .decision, id: decision.event.description, type: decision.flow ?? "subject",
            destination: destination.map(String.init), state: decision.outcome.rawValue,
            detail: [decision.call, decision.detail].compactMap(\.self).nonEmpty?.joined(separator: ": "),
            job: decision.job, subject: subject)
    }

    init(job: JobRow, subject: SubjectID) {
        self.init(
            at: job.createdAt, kind: .job, id: job.id.description, type: job.action, destination: job.destination,
            state: job.state.rawValue, durationMilliseconds: job.endedAt.map { ($0 - job.createdAt).milliseconds },
            detail: Self.detail(of: job), job: job.id, subject: subject)
    }

    init(attempt: AttemptRow, number: Int, of job: JobRow?, subject: SubjectID) {
        let isRunning = attempt.end == nil && job?.state == .running
        self.init(
            at: attempt.startedAt, kind: .attempt, id: "\(attempt.job)#\(number)", type: job?.action ?? "attempt",
            destination: job?.destination,
            state: attempt.end?.outcome.rawValue ?? (isRunning ? "running" : "unknown"),
            durationMilliseconds: attempt.end?.durationMilliseconds, detail: Self.detail(of: attempt.end),
            job: attempt.job, subject: subject)
    }

    init(record linked: LinkedRecord, subject: SubjectID) {
        self.init(
            at: linked.at, kind: .record, id: linked.record.id, type: linked.record.kind,
            destination: linked.destination, detail: linked.record.url, job: linked.job, subject: subject)
    }

    /// The sender's own words for it: id, type where it differs, amount, and when it happened if that was long before.
    private static func detail(of event: Event) -> String {
        var parts = [event.externalID]
        if event.externalType != event.type.name { parts.append(event.externalType) }
        if let amount = event.data["amount"]?.int, let currency = event.data["currency"]?.string {
            parts.append(Money(amount: amount, currency: currency).text)
        }
        if event.isRecovered { parts.append("recovered by reconciliation") }
        if event.receivedAt - event.occurredAt > .seconds(60) { parts.append("happened \(event.occurredAt)") }
        return parts.joined(separator: ", ")
    }

    private static func detail(of job: JobRow) -> String {
        var parts = ["flow \(job.flow)"]
        switch job.waitsFor {
        case .lane?: parts.append("behind an earlier job of the same subject")
        case .field(let name)?: parts.append("waits for the field \(name)")
        case .record(let kind)?: parts.append("waits for the \(kind)")
        case nil: break
        }
        if let due = job.dueAt, !job.state.isEnded { parts.append("due \(due)") }
        if job.isUnknown { parts.append("the end of an attempt is unknown") }
        if let errorClass = job.errorClass, job.state != .completed { parts.append(errorClass) }
        if let error = job.error, job.state != .completed { parts.append(error) }
        if let note = job.note { parts.append(note) }
        return parts.joined(separator: ", ")
    }

    private static func detail(of end: AttemptEnd?) -> String? {
        guard let end else { return nil }
        var parts: [String] = []
        if let status = end.status { parts.append("HTTP \(status)") }
        if let errorClass = end.errorClass { parts.append(errorClass) }
        if let error = end.error { parts.append(error) }
        return parts.nonEmpty?.joined(separator: ", ")
    }
}

extension Array {
    fileprivate var nonEmpty: Self? { isEmpty ? nil : self }
}
