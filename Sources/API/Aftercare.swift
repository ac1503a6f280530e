package import Journal
package import Model

/// Compares what providers say with the journal, and mends what differs.
package protocol ReconciliationControl: Sendable {
    /// The sources and destinations that can be compared, by name.
    var places: [String] { get }
    /// Orders runs of that place, or of all; they are in the journal when this returns.
    func order(place: String?, since: Instant?, by actor: String) async throws -> [Reconciliation]
    /// What a repair would do, as it is shown.
    func repairPlan(of id: ReconciliationID, causes: Set<Difference.Cause>) async throws -> JSONObject
    func orderRepair(of id: ReconciliationID, causes: Set<Difference.Cause>, by actor: String) async throws
}

/// What the routes of reconciliation, receipts, export and retention reach.
package struct Aftercare: Sendable {
    package var reconciling: any ReconciliationControl
    package var runs: any ReconciliationJournal
    package var subjects: any SubjectJournal
    package var pruning: any PruningJournal
    package var receipts: ReceiptDesk
    package let receiptFollowers = Places(
        max: Limits.receiptFollowersMax, ofOne: Limits.receiptFollowersOfOneMax)

    package init(
        reconciling: any ReconciliationControl, runs: any ReconciliationJournal, subjects: any SubjectJournal,
        pruning: any PruningJournal, receipts: ReceiptDesk
    ) {
        self.reconciling = reconciling
        self.runs = runs
        self.subjects = subjects
        self.pruning = pruning
        self.receipts = receipts
    }
}
