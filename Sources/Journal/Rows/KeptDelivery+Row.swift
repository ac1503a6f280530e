internal import Model

extension KeptDelivery {
    /// What `init(row:)` reads, in its order.
    package static let columns = """
        seq, id, kind, source, external_id, external_type, code, reason, field, received_at, replayed_as, event, payload
        """

    /// The condition of a row that may become an ignored one: it waits, and its like is not there.
    package static let canBeSetAside = """
        kind = 'quarantined' AND replayed_as IS NULL AND NOT EXISTS (
            SELECT 1 FROM kept_deliveries AS like_it WHERE like_it.kind = 'ignored'
                AND like_it.source = kept_deliveries.source AND like_it.external_id = kept_deliveries.external_id)
        """

    /// Throws where the row holds what this version cannot read.
    package init(row: some StoredRow) throws {
        self.init(
            id: try row.id(1), kind: try row.word(2), source: row.text(3), externalID: row.text(4),
            externalType: row.textOrNil(5), code: row.text(6), reason: row.text(7), field: row.textOrNil(8),
            receivedAt: row.instant(9), payload: row.blob(12), replayedAs: try row.idOrNil(10),
            event: try row.idOrNil(11))
    }
}
