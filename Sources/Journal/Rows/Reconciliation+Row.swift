internal import Model

extension Reconciliation {
    /// What `init(row:)` reads, in its order.
    package static let columns = """
        reconciliations.seq, id, place, side, since, until, started_at, started_by, state, ended_at, reason, samples,
        is_cut, (SELECT count(*) FROM differences WHERE run = reconciliations.seq),
        (SELECT count(*) FROM differences WHERE run = reconciliations.seq AND repair = 'done')
        """

    /// Throws where the row holds what this version cannot read.
    package init(row: some StoredRow) throws {
        self.init(
            id: try row.id(1), place: row.text(2), side: try row.word(3), since: row.instant(4), until: row.instant(5),
            startedAt: row.instant(6), startedBy: row.text(7), state: try row.word(8), endedAt: row.instantOrNil(9),
            reason: row.textOrNil(10), samples: ReconciliationText.samples(row.text(11)),
            differences: Int(row.int(13)), repaired: Int(row.int(14)), isCut: row.flag(12))
    }
}

extension Difference {
    /// Throws where the row holds what this version cannot read.
    package init(row: some StoredRow) throws {
        var repair: Difference.Repair?
        if let at = row.instantOrNil(11) {
            repair = Difference.Repair(
                outcome: try row.word(10), at: at, by: row.text(12), note: row.textOrNil(13))
        }
        self.init(
            number: Int(row.int(0)), cause: try row.word(1), sample: row.text(2), key: row.text(3),
            event: try row.idOrNil(4), quarantine: try row.idOrNil(5), job: try row.idOrNil(6),
            records: ReconciliationText.words(row.text(7)), at: row.instant(8), detail: row.text(9), repair: repair)
    }
}
