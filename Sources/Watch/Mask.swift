/// Takes secrets and addresses of people out of text that is going to be logged.
package enum Mask {
    package static let dots = "••••"

    /// The text with everything that looks like a secret or an e-mail address masked; ids stay.
    package static func masked(_ text: String) -> String {
        // Most lines hold nothing to mask, and need no copying.
        guard text.utf8.contains(UInt8(ascii: "@")) || mayHoldSecret(text) else { return text }
        var result = ""
        var word = Substring()
        var isSecretNext = false
        func flush() {
            guard !word.isEmpty else { return }
            result += isSecretNext ? dots : maskedWord(word)
            let lowered = word.lowercased()
            isSecretNext = lowered == "bearer" || lowered == "basic"
            word = Substring()
        }
        for character in text {
            if isDelimiter(character) {
                flush()
                result.append(character)
            } else {
                word.append(character)
            }
        }
        flush()
        return result
    }

    /// Whether a metadata key of that name holds what must not be read.
    package static func isSecret(key: String) -> Bool {
        let words = key.lowercased().split { !$0.isLetter }
        return words.contains { secretKeys.contains(String($0)) }
    }

    private static let secretKeys: Set<String> = [
        "secret", "token", "password", "authorization", "cookie", "credential", "email", "phone", "name", "payload",
        "body",
    ]

    /// How keys and secrets of the systems that we speak with begin.
    private static let prefixes = [
        "tl_", "whsec_", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "pat-", "xoxb-", "xoxp-", "xapp-", "sbp_",
        "eyJ",
    ]

    private static func mayHoldSecret(_ text: String) -> Bool {
        prefixes.contains { text.contains($0) } || text.contains("hooks.slack.com") || text.contains("earer ")
            || text.contains("asic ") || text.contains("EARER ")
    }

    private static func isDelimiter(_ character: Character) -> Bool {
        character.isWhitespace || "\"'(),;<>=[]{}|`".contains(character)
    }

    private static func maskedWord(_ word: Substring) -> String {
        if let at = word.lastIndex(of: "@"), word[..<at].contains(where: { $0 != "@" }),
            word.index(after: at) < word.endIndex
        {
            // A URL with a password in it looks like an address, and is masked as one.
            return dots + "@" + dots
        }
        if word.contains("hooks.slack.com/") || word.contains("hooks.slack-gov.com/") { return dots }
        guard let prefix = prefixes.first(where: { word.hasPrefix($0) || word.contains(":" + $0) }) else {
            return String(word)
        }
        return prefix + dots
    }
}
