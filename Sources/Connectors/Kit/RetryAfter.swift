package import Model

/// Reads the `Retry-After` header: whole seconds or an HTTP date (RFC 9110, section 10.2.3).
package enum RetryAfter {
    /// No destination is waited for longer than this at a stretch, whatever it says.
    package static let longest: Duration = .seconds(86_400)

    /// How long to wait from `now`; nil for anything that is neither form.
    ///
    /// A date in the past is no wait.
    package static func duration(of text: String, now: Instant) -> Duration? {
        let text = text.trimmed
        if let seconds = UInt32(text) { return min(.seconds(seconds), longest) }
        guard let date = instant(ofHTTPDate: text) else { return nil }
        return min(max(date - now, .zero), longest)
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`: the one form that senders still make.
    static func instant(ofHTTPDate text: String) -> Instant? {
        let words = text.split(separator: " ")
        guard words.count == 6, words[0].hasSuffix(","), words[5] == "GMT", words[1].count == 2,
            let month = months.firstIndex(of: words[2])
        else { return nil }
        let number = month + 1
        return Instant(rfc3339: "\(words[3])-\(number < 10 ? "0" : "")\(number)-\(words[1])T\(words[4])Z")
    }

    private static let months: [Substring] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}

extension String {
    /// Without white space at its ends.
    package var trimmed: String {
        var text = Substring(self)
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
