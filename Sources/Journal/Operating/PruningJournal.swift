package import Model

/// Lets go of what is older than it has to be kept, a slice in each call.
package protocol PruningJournal: Sendable {
    /// Erases the raw bodies of events, and the deliveries that became no event, received before that time: at most
    /// `limit` of each, the oldest first.
    ///
    /// Returns how many; fewer than `limit` means that no more are old.
    func prunePayloads(before time: Instant, limit: Int) async throws -> Int

    /// Looks at up to `limit` events behind the place `after` and erases those received before that time, with the
    /// facts, decisions, ended jobs and keys that hang on them, and subjects of whom nothing is left.
    ///
    /// An event that is not planned yet or has an open job stays.
    func pruneEvents(before time: Instant, after: Int64, limit: Int) async throws -> PrunedSlice

    /// What was last noted as the present; nil before the first time.
    func believedTime() async throws -> Instant?
    func noteBelievedTime(_ time: Instant) async throws
}

package struct PrunedSlice: Sendable, Hashable {
    package var erased: Int
    /// Where the next slice begins; nil: what follows is not old.
    package var next: Int64?

    package init(erased: Int, next: Int64?) {
        self.erased = erased
        self.next = next
    }
}
