package import Model

/// A message as it is sent (RFC 5322), with its body in base64, so that no line is too long and no dot is alone on one.
package struct MailMessage: Sendable {
    /// The same for each sending of one effect.
    package var id: String
    package var from: String
    package var to: [String]
    package var subject: String
    package var text: String
    package var at: Instant

    package init(id: String, from: String, to: [String], subject: String, text: String, at: Instant) {
        self.id = id
        self.from = from
        self.to = to
        self.subject = subject
        self.text = text
        self.at = at
    }

    package var bytes: [UInt8] {
        let domain = from.split(separator: "@").last.map { Self.header(String($0)) } ?? "localhost"
        let headers = [
            ("From", Self.header(from)), ("To", Self.header(to.joined(separator: ", "))),
            ("Subject", Self.encodedWords(Self.header(subject))), ("Date", Self.date(at)),
            ("Message-ID", "<\(Self.header(id))@\(domain)>"), ("Auto-Submitted", "auto-generated"),
            ("X-Auto-Response-Suppress", "All"), ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"), ("Content-Transfer-Encoding", "base64"),
        ]
        let head = headers.map { "\($0.0): \($0.1)\r\n" }.joined()
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")
        let body = Self.folded(Encodings.base64(Array(lines.utf8)))
        return Array("\(head)\r\n\(body)".utf8)
    }

    /// Nothing that could begin another header.
    private static func header(_ text: String) -> String {
        String(text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }.map(Character.init))
    }

    private static func folded(_ text: String) -> String {
        var (rest, lines) = (text[...], "")
        while !rest.isEmpty {
            lines += rest.prefix(76) + "\r\n"
            rest = rest.dropFirst(76)
        }
        return lines
    }

    /// Text beyond ASCII as encoded words of at most 75 characters, cut between characters (RFC 2047, section 2).
    static func encodedWords(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 >= 0x80 }) else { return text }
        var (words, chunk): ([String], [UInt8]) = ([], [])
        func close() {
            if !chunk.isEmpty { words.append("=?utf-8?B?\(Encodings.base64(chunk))?=") }
            chunk = []
        }
        for character in text {
            let bytes = Array(String(character).utf8)
            if chunk.count + bytes.count > 45 { close() }
            chunk += bytes
        }
        close()
        return words.joined(separator: "\r\n ")
    }

    /// `Mon, 23 Nov 2026 10:00:00 +0000`.
    static func date(_ instant: Instant) -> String {
        let text = instant.description
        let days = Int((Double(instant.milliseconds) / 86_400_000).rounded(.down))
        let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][((days % 7) + 7) % 7]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let parts = text.prefix(10).split(separator: "-")
        guard parts.count == 3, let month = Int(parts[1]), months.indices.contains(month - 1) else { return text }
        return "\(weekday), \(parts[2]) \(months[month - 1]) \(parts[0]) \(text.dropFirst(11).prefix(8)) +0000"
    }
}
