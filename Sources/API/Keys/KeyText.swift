internal import Crypto
package import Model
package import Seams

/// The text of a key: `tl_<8 shown characters>_<secret>`.
package struct KeyText: Sendable {
    package var shown: String
    package var secret: Redacted<String>

    /// A new key: 40 bits to tell it by, 256 bits that must be known.
    package init(chance: any ChanceSource) {
        shown = Crockford.encode(chance.bytes(5))
        secret = Redacted(Crockford.encode(chance.bytes(32)))
    }

    /// What a caller sent; nil where it has not the shape of a key.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "_", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "tl", parts[1].utf8.count == 8, (1...128).contains(parts[2].utf8.count)
        else { return nil }
        shown = String(parts[1])
        secret = Redacted(String(parts[2]))
    }

    /// The whole key, to be shown once.
    package var revealed: String { "tl_\(shown)_\(secret.revealed)" }

    /// What the journal keeps.
    ///
    /// The secret is 256 random bits, so one round of SHA-256 is enough.
    package var hash: [UInt8] { Self.hash(secret.revealed) }

    package static func hash(_ text: String) -> [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }

    /// Compares without telling by its time where the two differ.
    package static func isEqual(_ lhs: [UInt8], _ rhs: [UInt8]) -> Bool {
        guard lhs.count == rhs.count else { return false }
        return zip(lhs, rhs).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
