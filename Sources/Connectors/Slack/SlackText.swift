internal import ConnectorKit
internal import Journal
internal import Model

/// A notice: the flow's own words, else the event as a sentence, and a link to the trail.
struct SlackText {
    /// Slack advises to stay below 4,000 characters; the link has its own share.
    static let lengthMax = 3_900

    var effect: Effect

    var text: String {
        let own = effect.fields.present("text")?.text
        let words = Self.escaped(own ?? EventSummary(effect: effect).text, lengthMax: Self.lengthMax)
        return words + (effect.trailURL.map { " <\(Self.escaped($0, lengthMax: 1_000))|trail>" } ?? "")
    }

    /// Without mentions and links: a customer's `<!channel>` would call everybody.
    ///
    /// Cut by the length after escaping, and never inside an escape.
    static func escaped(_ text: String, lengthMax: Int) -> String {
        var result = ""
        var length = 0
        for character in text {
            let piece =
                switch character {
                case "&": "&amp;"
                case "<": "&lt;"
                case ">": "&gt;"
                default: String(character)
                }
            length += piece.count
            guard length < lengthMax else { return result + "…" }
            result += piece
        }
        return result
    }
}
