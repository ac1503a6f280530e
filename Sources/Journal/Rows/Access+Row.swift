internal import Model

extension KeyRow {
    /// Throws where the row holds what this version cannot read.
    package init(row: some StoredRow) throws {
        self.init(
            shown: row.text(0), scope: try row.word(1), source: row.textOrNil(2), createdAt: row.instant(3),
            revokedAt: row.instantOrNil(4))
    }
}

extension UserRow {
    /// Throws where the row holds what this version cannot read.
    package init(row: some StoredRow) throws {
        self.init(email: row.text(0), role: try row.word(1), createdAt: row.instant(2))
    }
}
