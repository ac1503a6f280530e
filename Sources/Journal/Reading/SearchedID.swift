package import Model

/// What may be meant by an id that somebody types.
package enum SearchedID {
    /// Objects that a bare id may name.
    package static let objectKinds = ["payment", "charge", "checkout", "subscription", "ticket"]

    package static func trimmed(_ id: String) -> String {
        var text = Substring(id)
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }

    /// Whether the event says it anywhere at the top of its data, bare or behind its kind (`email:ada@example.com`).
    package static func isSaid(_ id: String, by event: Event) -> Bool {
        var names = [("event", event.id.description), ("event", event.externalID)]
        names += [("session", event.session), ("user", event.user)]
            .compactMap { kind, value in value.map { (kind, $0) } }
        names += event.data.members.compactMap { member in member.value.string.map { (member.key, $0) } }
        let wanted = id.lowercased()
        return names.contains { kind, value in
            let value = value.lowercased()
            return value == wanted || "\(kind):\(value)" == wanted
        }
    }
}
