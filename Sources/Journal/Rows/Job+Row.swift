package import Model

extension JobRow {
    /// What `init(row:)` reads, in its order.
    package static let columns = """
        seq, id, effect, flow, destination, action, alias, state, event, fact, subject, attempts, created_at, run_at,
        ended_at, wait_kind, wait_value, error_class, error, record_kind, record_id, record_url, note, unknown_since
        """

    /// Throws where the row holds what this version cannot read.
    package init(row: some StoredRow) throws {
        let state = try row.word(7, JobState.self)
        let isTimed = state == .scheduled || state == .retryable
        self.init(
            id: try row.id(1), effect: EffectKey(text: row.text(2)), flow: row.text(3), destination: row.text(4),
            action: row.text(5) + (row.textOrNil(6).map { "#\($0)" } ?? ""), state: state, event: try row.id(8),
            fact: row.textOrNil(9), subject: try row.id(10), attempts: Int(row.int(11)), createdAt: row.instant(12),
            dueAt: isTimed ? row.instant(13) : nil, endedAt: row.instantOrNil(14),
            waitsFor: WaitCause(kind: row.textOrNil(15), value: row.textOrNil(16)), errorClass: row.textOrNil(17),
            error: row.textOrNil(18), record: .init(row: row, at: 19), note: row.textOrNil(22),
            isUnknown: !row.isNull(23))
    }
}

extension ExternalRecord {
    /// Kind, id and address from `column` on; nil where there is no record.
    init?(row: some StoredRow, at column: CInt) {
        guard let kind = row.textOrNil(column), let id = row.textOrNil(column + 1) else { return nil }
        self.init(kind: kind, id: id, url: row.textOrNil(column + 2))
    }
}

extension AttemptRow {
    /// Throws where the row holds what this version cannot read.
    package init(row: some StoredRow, of job: JobID) throws {
        guard let endedAt = row.instantOrNil(2) else {
            self.init(job: job, token: row.int(0), startedAt: row.instant(1), end: nil)
            return
        }
        let end = AttemptEnd(
            outcome: try row.word(3), endedAt: endedAt, durationMilliseconds: row.int(7),
            status: row.intOrNil(4).map { Int($0) }, errorClass: row.textOrNil(5), error: row.textOrNil(6))
        self.init(job: job, token: row.int(0), startedAt: row.instant(1), end: end)
    }
}

extension Decision {
    /// What `init(row:)` reads, in its order.
    package static let columns = "event, subject, at, flow, call, outcome, job, detail"

    /// Throws where the row holds what this version cannot read.
    package init(row: some StoredRow) throws {
        self.init(
            event: try row.id(0), subject: try row.id(1), at: row.instant(2), flow: row.textOrNil(3),
            call: row.textOrNil(4), outcome: try row.word(5), job: try row.idOrNil(6), detail: row.textOrNil(7))
    }
}
