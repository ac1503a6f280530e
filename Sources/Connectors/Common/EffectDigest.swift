internal import Crypto
package import Journal
internal import Model

extension EffectKey {
    /// A short stand-in for the key where a destination bounds length or alphabet: `tl-` and 26 base32 characters.
    ///
    /// 128 bits of its SHA-256: the same key always gives the same text, on every node.
    package var digest: String {
        "tl-" + Crockford.encode(SHA256.hash(data: Array(text.utf8)).prefix(16))
    }
}
