package import Model

/// Takes secrets and personal data out of texts that the journal keeps.
package struct Masking: Sendable {
    private static let dots = "••••"
    /// Shorter words would mask half the alphabet out of an innocent sentence.
    private static let wordLengthMin = 4
    /// How known providers' credentials begin.
    private static let tokenPrefixes = [
        "pat-", "whsec_", "whpk_", "whsk_", "sk_", "rk_", "pk_", "xox", "xapp-", "ghp_", "eyJ", "tl_",
    ]

    /// What is called so in a provider's words is masked, whatever it looks like (`password=…`, `"secret": "…"`).
    private static let secretNames: Set<String> = [
        "password", "passwd", "pwd", "secret", "client_secret", "api_key", "apikey", "api-key", "access_token",
        "refresh_token", "auth_token", "private_key",
    ]

    private var words: [Redacted<String>]

    /// `words` are masked wherever they stand: credentials, and what the effect says of a person.
    package init(words: [Redacted<String>] = []) {
        self.words = words.filter { $0.revealed.count >= Self.wordLengthMin }
    }

    package func adding(_ more: [Redacted<String>]) -> Masking { Masking(words: words + more) }

    /// The text with known words, addresses, tokens and the paths of URLs as dots, cut to `Limits.storedErrorMax`.
    package func masked(_ text: String) -> String {
        // Cut before the work too: an answer may be a megabyte, and what lies beyond is not kept anyway.
        var text = String(text.prefix(2 * Limits.storedErrorMax))
        for word in words { text = text.replacing(word.revealed, with: Self.dots) }
        var result = ""
        var token = ""
        // Whether the next word is a credential's value: behind its name and a sign between them.
        var (afterBearer, afterName, afterSign) = (false, false, false)
        func isTokenCharacter(_ character: Character) -> Bool {
            character.isLetter || character.isNumber || "@._-+%:/?=&#~".contains(character)
        }
        func finish() {
            guard !token.isEmpty else { return }
            defer { token = "" }
            if afterName, token == ":" || token == "=" {
                afterSign = true
                result += token
                return
            }
            let isCredential = afterSign || afterBearer && token.count >= 8
            result += isCredential ? Self.dots : Self.masked(token: token)
            afterBearer = ["bearer", "basic"].contains(token.lowercased())
            let name = token.last.map { ":=".contains($0) } == true ? token.dropLast() : token[...]
            afterName = Self.secretNames.contains(name.lowercased())
            afterSign = afterName && name.count < token.count
        }
        for character in text {
            if isTokenCharacter(character) {
                token.append(character)
            } else {
                finish()
                result.append(character)
            }
        }
        finish()
        return Self.cut(result)
    }

    private static func masked(token: String) -> String {
        if let scheme = ["https://", "http://"].first(where: { token.contains($0) }) {
            // Webhook addresses are secrets: of a URL only the host is kept.
            guard let start = token.firstRange(of: scheme)?.upperBound else { return dots }
            let host = token[start...].prefix { !"/?#".contains($0) }.split(separator: "@").last ?? ""
            return "\(token[..<start])\(host)/…"
        }
        if token.contains("@"), !token.hasPrefix("@"), !token.hasSuffix("@") { return dots }
        let parts = token.split(separator: "&", omittingEmptySubsequences: false).map { part -> String in
            guard let sign = part.firstIndex(where: { "=:".contains($0) }), part[sign...].count > 1,
                secretNames.contains(part[..<sign].drop { $0 == "?" }.lowercased())
            else { return String(part) }
            return "\(part[...sign])\(dots)"
        }
        let token = parts.joined(separator: "&")
        let core = token.split { "=:".contains($0) }.last.map(String.init) ?? token
        if core.count >= 12, tokenPrefixes.contains(where: { core.hasPrefix($0) }) { return dots }
        return token
    }

    private static func cut(_ text: String) -> String {
        guard text.utf8.count > Limits.storedErrorMax else { return text }
        var text = String(text.prefix(Limits.storedErrorMax))
        while text.utf8.count > Limits.storedErrorMax - 3 { text.removeLast() }
        return text + "…"
    }
}
