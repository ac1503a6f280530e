internal import Crypto
package import Journal
package import Model
package import Seams
internal import Synchronization

/// Makes and checks status tokens: who holds one may see how one event stands, until it expires, and nothing else.
///
/// A token is its time of expiry and an HMAC-SHA256 over that and the event's id, cut to 128 bits. The key comes from a
/// secret of the installation that lies in the journal, so that all nodes have the same.
package final class ReceiptDesk: Sendable {
    static let prefix = "trt_"
    private static let markLength = 16

    private let journal: any SubjectJournal
    private let time: any TimeSource
    private let chance: any ChanceSource
    private let known = Mutex<SymmetricKey?>(nil)

    package init(journal: any SubjectJournal, time: any TimeSource, chance: any ChanceSource) {
        self.journal = journal
        self.time = time
        self.chance = chance
    }

    /// The token for an event that was just taken in; nil where the key cannot be read now.
    package func token(for event: EventID, lifetime: Duration) async -> String? {
        // Without it the event is kept all the same, and that is what the answer is about.
        guard let key = try? await key() else { return nil }
        let expiry = Self.bytes(of: (time.now + lifetime).seconds)
        return Self.prefix + Crockford.encode(expiry + Self.mark(event, expiry, key))
    }

    /// Whether the token opens this event's receipt now.
    ///
    /// Whatever is wrong with it, the answer is the same and takes as long.
    package func opens(_ token: String, _ event: EventID) async throws -> Bool {
        let key = try await key()
        let bytes = token.hasPrefix(Self.prefix) ? Self.decode(token.dropFirst(Self.prefix.count)) : nil
        let given = bytes.flatMap { $0.count == 6 + Self.markLength ? $0 : nil } ?? [UInt8](repeating: 0, count: 22)
        let expiry = Array(given[..<6])
        let seconds = expiry.reduce(Int64(0)) { $0 << 8 | Int64($1) }
        let isGenuine = Self.isEqual(Self.mark(event, expiry, key), Array(given[6...]))
        return isGenuine && bytes != nil && seconds > time.now.seconds
    }

    private func key() async throws -> SymmetricKey {
        if let key = known.withLock({ $0 }) { return key }
        let secret = try await journal.installationSecret("installation", fresh: chance.bytes(32))
        let derived = HMAC<SHA256>.authenticationCode(
            for: Array("throughline receipts 1".utf8), using: SymmetricKey(data: secret))
        let key = SymmetricKey(data: Array(derived))
        known.withLock { $0 = key }
        return key
    }

    // MARK: Bytes

    private static func mark(_ event: EventID, _ expiry: [UInt8], _ key: SymmetricKey) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: event.bytes + expiry, using: key).prefix(markLength))
    }

    private static func isEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        one.count == other.count && zip(one, other).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// Six bytes of seconds, big endian.
    private static func bytes(of seconds: Int64) -> [UInt8] {
        (0..<6).map { UInt8(truncatingIfNeeded: seconds >> (40 - 8 * $0)) }
    }

    /// Base32 as `Crockford.encode` writes it; nil for anything else.
    private static func decode(_ text: Substring) -> [UInt8]? {
        let digits = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
        var (bytes, buffer, bits): ([UInt8], UInt32, Int) = ([], 0, 0)
        for character in text.utf8 {
            guard let digit = digits.firstIndex(of: character), bytes.count < 64 else { return nil }
            buffer = (buffer << 5 | UInt32(digit)) & 0xFFFF
            bits += 5
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: buffer >> UInt32(bits)))
            }
        }
        // One text a token: what is left over of the last character is zero.
        return buffer & ((1 << UInt32(bits)) - 1) == 0 ? bytes : nil
    }
}
