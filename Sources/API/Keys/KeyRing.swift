package import Journal
package import Model
package import Seams
internal import Synchronization

/// Tells who calls by the key that was sent.
///
/// Looked-up keys are remembered for `rememberFor`, so that a busy sender costs no reading of the journal for each
/// event. Changes through this process are seen at once, changes by another node after that time.
package final class KeyRing: Sendable {
    private struct Known {
        var row: KeyRow
        var hash: [UInt8]
        var until: Duration
    }

    private let journal: any OperatingJournal
    private let time: any TimeSource
    private let localHash: [UInt8]?
    private let known = Mutex<[String: Known]>([:])

    package static let rememberFor: Duration = .seconds(5)
    package static let knownMax = 512

    /// `localCredential`: the whole bearer text by which commands on this machine are told; nil: there is none.
    package init(journal: any OperatingJournal, time: any TimeSource, localCredential: Redacted<String>?) {
        self.journal = journal
        self.time = time
        localHash = localCredential.map { KeyText.hash($0.revealed) }
    }

    /// The caller of an `Authorization: Bearer …` header; throws `unauthorized` for anything that is no live key.
    package func caller(authorization: String?) async throws -> Caller {
        guard let authorization else {
            throw Failure(.unauthorized, "Send a key: Authorization: Bearer tl_… (throughline keys create makes one).")
        }
        let parts = authorization.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else {
            throw Failure(.unauthorized, "The Authorization header has another form than Bearer tl_….")
        }
        if let localHash, KeyText.isEqual(KeyText.hash(String(parts[1])), localHash) { return .local }
        guard let key = KeyText(parts[1]), let found = try await find(key.shown), KeyText.isEqual(key.hash, found.hash)
        else {
            throw Failure(
                .unauthorized, "This key is not known or was revoked (throughline keys list shows the live ones).")
        }
        return .key(found.row)
    }

    /// Forgets what was remembered, after keys were changed.
    package func forget() { known.withLock { $0.removeAll() } }

    private func find(_ shown: String) async throws -> (row: KeyRow, hash: [UInt8])? {
        let now = time.uptime
        let remembered = known.withLock { $0[shown] }
        if let remembered, remembered.until > now { return (remembered.row, remembered.hash) }
        guard let found = try await journal.key(shown: shown), found.row.revokedAt == nil else {
            _ = known.withLock { $0.removeValue(forKey: shown) }
            return nil
        }
        known.withLock { known in
            if known.count >= Self.knownMax { known.removeAll() }
            known[shown] = Known(row: found.row, hash: found.hash, until: now + Self.rememberFor)
        }
        return found
    }
}
