/// What an id is of: its prefix keeps one kind from being taken for another, or for a provider's.
package protocol IdentifierTag: Sendable {
    static var prefix: String { get }
}

/// An id that Throughline makes: a prefix and a UUIDv7 in lower-case Crockford base32 (26 characters).
///
/// UUIDv7 begins with the time, so ids sort as they were made and their index grows at one end.
package struct Identifier<Tag: IdentifierTag>: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    /// An id for this moment from 74 random bits (RFC 9562, section 5.7).
    package init(at instant: Instant, random: (UInt64, UInt64)) {
        let milliseconds = UInt64(clamping: instant.milliseconds) & 0xFFFF_FFFF_FFFF
        high = milliseconds << 16 | 0x7000 | random.0 & 0x0FFF
        low = 0x8000_0000_0000_0000 | random.1 & 0x3FFF_FFFF_FFFF_FFFF
    }

    /// The id that `description` printed; nil for anything else.
    package init?(_ text: String) {
        guard text.hasPrefix(Tag.prefix), text.utf8.count == Tag.prefix.utf8.count + Crockford.length,
            let words = Crockford.decode(text.utf8.dropFirst(Tag.prefix.utf8.count))
        else { return nil }
        (high, low) = words
    }

    /// From the 16 bytes of `bytes`; nil for another length.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        high = bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) }
        low = bytes[8...].reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Sixteen bytes, big endian: how stores keep it.
    package var bytes: [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: high >> (56 - 8 * $0)) }
            + (0..<8).map { UInt8(truncatingIfNeeded: low >> (56 - 8 * $0)) }
    }

    package var description: String { Tag.prefix + Crockford.encode(high: high, low: low) }

    /// The moment at which the id was made.
    package var instant: Instant { Instant(milliseconds: Int64(high >> 16)) }

    package static func < (lhs: Self, rhs: Self) -> Bool { (lhs.high, lhs.low) < (rhs.high, rhs.low) }
}

package enum EventTag: IdentifierTag { package static let prefix = "tev_" }
package enum JobTag: IdentifierTag { package static let prefix = "tjb_" }
package enum SubjectTag: IdentifierTag { package static let prefix = "tsb_" }
package enum QuarantineTag: IdentifierTag { package static let prefix = "tqu_" }
package enum AlertTag: IdentifierTag { package static let prefix = "tal_" }
package enum IssueTag: IdentifierTag { package static let prefix = "tis_" }
package enum ReconciliationTag: IdentifierTag { package static let prefix = "trc_" }

package typealias EventID = Identifier<EventTag>
package typealias JobID = Identifier<JobTag>
package typealias SubjectID = Identifier<SubjectTag>
package typealias QuarantineID = Identifier<QuarantineTag>
package typealias AlertID = Identifier<AlertTag>
package typealias IssueID = Identifier<IssueTag>
package typealias ReconciliationID = Identifier<ReconciliationTag>

/// Crockford's base32 in lower case: no i, l, o or u, so that an id can be read aloud.
package enum Crockford {
    static let length = 26
    private static let digits = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    static func encode(high: UInt64, low: UInt64) -> String {
        var characters = [UInt8](repeating: 0, count: length)
        var (high, low) = (high, low)
        for index in stride(from: length - 1, through: 0, by: -1) {
            characters[index] = digits[Int(low & 31)]
            low = low >> 5 | high << 59
            high >>= 5
        }
        return String(decoding: characters, as: UTF8.self)
    }

    static func decode(_ text: some Collection<UInt8>) -> (UInt64, UInt64)? {
        var (high, low): (UInt64, UInt64) = (0, 0)
        for (index, byte) in text.enumerated() {
            guard let digit = digits.firstIndex(of: byte), index > 0 || digit < 8 else { return nil }
            high = high << 5 | low >> 59
            low = low << 5 | UInt64(digit)
        }
        return (high, low)
    }

    /// Bytes as base32 text, five bits a character, the last one padded with zero bits.
    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var characters: [UInt8] = []
        var (buffer, bits): (UInt32, Int) = (0, 0)
        for byte in bytes {
            buffer = (buffer << 8 | UInt32(byte)) & 0xFFFF
            bits += 8
            while bits >= 5 {
                bits -= 5
                characters.append(digits[Int(buffer >> UInt32(bits) & 31)])
            }
        }
        if bits > 0 { characters.append(digits[Int(buffer << UInt32(5 - bits) & 31)]) }
        return String(decoding: characters, as: UTF8.self)
    }
}
