/// Takes secrets and addresses of people out of text that is going to be logged.
package enum Mask {
    package static let dots = "••••"

    /// The text with everything masked that looks like a secret, an e-mail address, a phone or a card number; ids stay.
    package static func masked(_ text: String) -> String {
        // Most lines hold nothing to mask, and need no copying.
        guard mayHold(text) else { return text }
        var result = ""
        var word = Substring()
        var next = Next.anything
        func flush(before delimiter: Character?) {
            guard !word.isEmpty else { return }
            switch next {
            case .secret: result += dots
            case .phone where word.allSatisfy({ $0.isNumber || "-./".contains($0) }):
                word = Substring()
                return
            default: result += maskedWord(word)
            }
            next = expected(after: word, delimiter)
            word = Substring()
        }
        for character in text {
            if isDelimiter(character) {
                flush(before: character)
                if next != .phone || !character.isWhitespace && !"()".contains(character) { result.append(character) }
                if next == .phone, !character.isWhitespace, !"()".contains(character) { next = .anything }
            } else {
                if next == .phone, !character.isNumber, word.isEmpty {
                    result.append(" ")
                    next = .anything
                }
                word.append(character)
            }
        }
        flush(before: nil)
        return result
    }

    /// What the words before say of the next one.
    private enum Next { case anything, secret, phone }

    private static func expected(after word: Substring, _ delimiter: Character?) -> Next {
        let lowered = word.lowercased()
        if lowered == "bearer" || lowered == "basic" { return .secret }
        if delimiter == "=", isSecret(key: lowered) { return .secret }
        return isPhone(word) ? .phone : .anything
    }

    /// Whether a metadata key of that name holds what must not be read.
    package static func isSecret(key: String) -> Bool {
        let words = key.lowercased().split { !$0.isLetter }
        return words.contains { secretKeys.contains(String($0)) } || words.suffix(2) == ["api", "key"]
    }

    private static let secretKeys: Set<String> = [
        "secret", "token", "password", "authorization", "cookie", "credential", "email", "phone", "name", "payload",
        "body", "apikey", "passwd", "pwd",
    ]

    /// How keys and secrets of the systems that we speak with begin.
    private static let prefixes = [
        "tl_", "whsec_", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "pat-", "xoxb-", "xoxp-", "xapp-", "sbp_",
        "eyJ", "whpk_", "whsk_", "ghp_", "gho_", "github_pat_", "glpat-", "AKIA", "sk-", "SG.", "shpat_", "sntrys_",
    ]

    private static func mayHold(_ text: String) -> Bool {
        var digits = 0
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "@"), UInt8(ascii: "="), UInt8(ascii: "+"): return true
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digits += 1
            default: break
            }
        }
        return digits >= cardLengths.lowerBound || prefixes.contains { text.contains($0) }
            || text.contains("hooks.slack") || text.contains("earer ") || text.contains("asic ")
            || text.contains("EARER ")
    }

    private static func isDelimiter(_ character: Character) -> Bool {
        character.isWhitespace || "\"'(),;<>=[]{}|`&".contains(character)
    }

    private static func maskedWord(_ word: Substring) -> String {
        if let at = word.lastIndex(of: "@"), word[..<at].contains(where: { $0 != "@" }),
            word.index(after: at) < word.endIndex
        {
            // A URL with a password in it looks like an address, and is masked as one.
            return dots + "@" + dots
        }
        if isPhone(word) || isCard(word) { return dots }
        if word.contains("hooks.slack.com/") || word.contains("hooks.slack-gov.com/") { return dots }
        guard let prefix = prefixes.first(where: { word.hasPrefix($0) || word.contains(":" + $0) }) else {
            return String(word)
        }
        return prefix + dots
    }

    /// `+49`, and what may follow it.
    private static func isPhone(_ word: Substring) -> Bool {
        guard word.first == "+", word.count > 1 else { return false }
        return word.dropFirst().allSatisfy { $0.isASCII && $0.isNumber || "-./".contains($0) }
    }

    private static let cardLengths = 14...19

    /// A card's number, by its length and its last digit (Luhn).
    private static func isCard(_ word: Substring) -> Bool {
        let digits = word.utf8.filter { $0 != UInt8(ascii: "-") }
        guard cardLengths.contains(digits.count),
            digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return false }
        let sum = digits.reversed().enumerated().reduce(0) { sum, element in
            let digit = Int(element.element - UInt8(ascii: "0")) * (element.offset % 2 == 0 ? 1 : 2)
            return sum + (digit > 9 ? digit - 9 : digit)
        }
        return sum % 10 == 0
    }
}
