/// An email address that mail could be sent to, as people write one: no quoting, no comments, a domain with a dot.
///
/// Whether somebody reads mail there only mail can show.
package struct EmailAddress: Sendable, Hashable, CustomStringConvertible {
    /// As it was given, trimmed, with its domain in lower case.
    package let address: String
    /// Wholly in lower case: what addresses are compared by.
    ///
    /// No provider of note tells `Ada@` from `ada@`.
    package var matching: String { address.lowercased() }
    package var description: String { address }

    /// The longest address that fits into SMTP's forward path (RFC 5321, section 4.5.3.1.3).
    package static let lengthMax = 254

    /// Nil for what no mail could be sent to.
    package init?(_ text: String) {
        let trimmed = Self.trimmed(text.utf8)
        guard !trimmed.isEmpty, trimmed.count <= Self.lengthMax,
            let at = trimmed.firstIndex(of: UInt8(ascii: "@"))
        else { return nil }
        let (local, domain) = (trimmed[..<at], trimmed[trimmed.index(after: at)...])
        guard Self.isLocalPart(local), Self.isDomain(domain) else { return nil }
        guard let local = String(local), let domain = String(domain) else { return nil }
        address = "\(local)@\(domain.lowercased())"
    }

    private static func trimmed(_ text: String.UTF8View) -> Substring.UTF8View {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        let head = text.drop(while: isSpace)
        guard let last = head.lastIndex(where: { !isSpace($0) }) else { return head[head.endIndex...] }
        return head[...last]
    }

    /// Dot-separated atoms of RFC 5322 (section 3.2.3), and any letter beyond ASCII (RFC 6531).
    private static func isLocalPart(_ bytes: Substring.UTF8View) -> Bool {
        let atoms = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return atoms.allSatisfy { !$0.isEmpty && $0.allSatisfy(isAtomByte) }
    }

    private static func isAtomByte(_ byte: UInt8) -> Bool {
        isLetterOrDigit(byte) || "!#$%&'*+-/=?^_`{|}~".utf8.contains(byte)
    }

    private static func isDomain(_ bytes: Substring.UTF8View) -> Bool {
        let labels = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard labels.count >= 2, let last = labels.last else { return false }
        let hyphen = UInt8(ascii: "-")
        return labels.allSatisfy { label in
            (1...63).contains(label.count) && label.first != hyphen && label.last != hyphen
                && label.allSatisfy { isLetterOrDigit($0) || $0 == hyphen }
        } && !last.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...:
            true
        default: false
        }
    }
}
