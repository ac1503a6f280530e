internal import Model
package import Seams

/// What a node has written for any to take up.
package enum Hint: String, Sendable, CaseIterable {
    case events, jobs

    /// Told with the commit.
    func tell(from node: String, _ db: Transaction) throws {
        try db.post("SELECT pg_notify('throughline', $1)", "\(rawValue) \(node)")
    }
}

extension PostgresJournal {
    /// Hands on each hint of another node, for as long as the task runs.
    ///
    /// Behind a pooler of transactions none may ever come, and any may be lost: whoever waits for work looks by itself
    /// as well.
    package func followHints(on time: any TimeSource, _ onHint: @Sendable (Hint) -> Void) async {
        while !Task.isCancelled {
            do {
                for words in try await listening.hear().map({ $0.split(separator: " ", maxSplits: 1) })
                where words.count == 2 && words[1] != node {
                    if let hint = Hint(rawValue: String(words[0])) { onHint(hint) }
                }
            } catch {
                // The server is away: others say so. A wait that is cut short ends the loop.
                try? await time.sleep(for: .seconds(1))
            }
        }
    }
}
