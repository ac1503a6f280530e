internal import Model

extension AlertRow {
    /// What `init(row:)` reads, in its order.
    package static let columns = """
        seq, id, key, title, detail, severity, cost, at, acknowledged_at, acknowledged_by, ended_at, told, told_at,
        told_mark, is_end_told
        """

    /// Throws where the row holds what this version cannot read.
    package init(row: some StoredRow) throws {
        self.init(
            id: try row.id(1),
            alert: NewAlert(
                key: row.text(2), title: row.text(3), detail: row.text(4), severity: try row.word(5),
                cost: row.textOrNil(6), at: row.instant(7)),
            acknowledged: row.instantOrNil(8).map { Acknowledgement(at: $0, by: row.text(9)) },
            endedAt: row.instantOrNil(10),
            telling: Telling(
                count: Int(row.int(11)), at: row.instantOrNil(12), mark: row.textOrNil(13), isEndTold: row.flag(14)))
    }
}

extension IssueRow {
    /// What `init(row:)` reads, in its order.
    package static let columns = """
        issues.seq, issues.id, issues.destination, issues.error_class, issues.field, issues.count, issues.first_at,
        issues.last_at, issues.cost, issues.costed_at, issues.acknowledged_at, issues.acknowledged_by, issues.ended_at,
        coalesce((SELECT coalesce(error, note) FROM history WHERE history.id = issues.job
            AND history.error_class = issues.error_class),
            (SELECT error FROM jobs WHERE jobs.id = issues.job AND jobs.error_class = issues.error_class), '')
        """

    /// Throws where the row holds what this version cannot read.
    package init(row: some StoredRow) throws {
        let field = row.text(4)
        self.init(
            id: try row.id(1),
            cause: IssueCause(
                destination: row.text(2), errorClass: row.text(3), field: field.isEmpty ? nil : field),
            error: row.text(13), count: Int(row.int(5)), firstAt: row.instant(6), lastAt: row.instant(7),
            cost: row.isNull(8) ? nil : Cost(json: try row.object(8)), costedAt: row.instantOrNil(9),
            acknowledged: row.instantOrNil(10).map { Acknowledgement(at: $0, by: row.text(11)) },
            endedAt: row.instantOrNil(12))
    }
}
