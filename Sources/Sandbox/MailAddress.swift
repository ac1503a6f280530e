/// What the services look at before they take a text for a mail address.
enum MailAddress {
    static func isPlausible(_ text: String) -> Bool {
        let sides = text.split(separator: "@", omittingEmptySubsequences: false)
        return sides.count == 2 && !sides[0].isEmpty && sides[1].contains(".") && !text.contains(" ")
            && !sides[1].hasPrefix(".") && !sides[1].hasSuffix(".")
    }
}
