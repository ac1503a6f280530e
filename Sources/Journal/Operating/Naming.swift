package import Model

/// What a person is named by in texts of which nobody knows whose they are.
///
/// Pure. A word counts where it stands whole: `bob@example.com` is not named by `jim-bob@example.com`, whose delivery is
/// not to be erased with the other's.
package enum Naming {
    /// Shorter ids stand in anybody's text.
    private static let lengthMin = 6

    /// Ids as they are known, and addresses as they were typed.
    package static func words(typed: [JSONObject], known: [String]) -> Set<String> {
        let typed = typed.flatMap { data in ["email", "phone"].compactMap { data.present($0)?.string } }
        return Set((typed + known).filter { $0.utf8.count >= lengthMin })
    }

    /// Whether an event that is nobody's yet is about one who has these words and ids.
    package static func isAbout(
        _ words: Set<String>, ids: Set<String>, data: JSONObject, session: String?, user: String?
    ) -> Bool {
        if [session, user].contains(where: { $0.map(ids.contains) ?? false }) { return true }
        let text = Array(data.encodedText.utf8)
        return words.contains { isNamed(by: $0, in: text) }
    }

    /// What is said where such events wait: planned after an erasure they would bring the person back.
    package static func waiting(_ count: Int) -> Failure {
        Failure(
            .conflict,
            "\(count) \(count == 1 ? "event" : "events") of this person came and \(count == 1 ? "is" : "are") not planned "
                + "yet; nothing was erased. Try again when they are: throughline_pending_events counts them at /metrics."
        )
    }

    package static func isNamed(by word: String, in text: [UInt8]) -> Bool {
        let word = Array(word.utf8)
        guard let first = word.first, text.count >= word.count else { return false }
        return (0...(text.count - word.count)).contains { start in
            let end = start + word.count
            return text[start] == first && text[start..<end].elementsEqual(word)
                && (isEdge(text[..<start].reversed()) || endsInEscape(text[..<start])) && isEdge(text[end...])
        }
    }

    /// Whether a word can end where these bytes go on: a full stop ends it, one within an address does not.
    private static func isEdge(_ bytes: some Sequence<UInt8>) -> Bool {
        for byte in bytes.prefix(jointsMax) {
            if isLetter(byte) { return false }
            if !joints.contains(byte) { return true }
        }
        return true
    }

    /// Whether an escape of JSON (`\n`, `\u003c`) ends here: its last sign is no letter of the text.
    private static func endsInEscape(_ bytes: ArraySlice<UInt8>) -> Bool {
        let backslash = UInt8(ascii: "\\")
        return bytes.dropLast().last == backslash
            || bytes.suffix(6).starts(with: [backslash, UInt8(ascii: "u")])
    }

    private static let joints = Set(".-+@".utf8)
    /// Who is called `------` and sent a megabyte of it must not be looked for through all of it from each place.
    private static let jointsMax = 64

    private static func isLetter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
            true
        default: false
        }
    }
}
