internal import Model

/// Addresses in the one form in which they are compared.
enum Address {
    /// Trimmed and in lower case throughout: providers tell mailboxes apart by case nowhere in practice.
    static func email(_ text: String) -> String? {
        let trimmed = text.lowercased().drop(while: \.isWhitespace)
        let end = trimmed.lastIndex { !$0.isWhitespace }
        guard let end, trimmed.contains("@") else { return nil }
        return String(trimmed[...end])
    }

    /// Digits, with a plus where the number began with one; nil for what is too short to be a number.
    static func phone(_ text: String) -> String? {
        let digits = text.unicodeScalars.filter { ("0"..."9").contains($0) }.map { Character($0) }
        guard digits.count >= 5 else { return nil }
        return (text.first { !$0.isWhitespace } == "+" ? "+" : "") + String(digits)
    }
}
