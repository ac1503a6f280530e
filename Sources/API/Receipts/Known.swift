package import Journal
package import Model

/// What a person has told already and need not be asked again.
///
/// Pure.
package enum Known {
    private static let fields = ["email", "name", "firstname", "lastname", "company", "phone", "website", "locale"]
    private static let types: Set<EventType> = [
        .chatStarted, .leadCaptured, .bookingConfirmed, .userIdentified, .supportEscalated,
    ]

    /// The newest of each field that was told in this session, and, where the person agreed to that, in others of
    /// theirs.
    ///
    /// `told`: the newest first. Whoever said no is asked anew.
    package static func fields(of told: [EventRow], in session: String, source: String?) -> JSONObject {
        let rows = told.filter { types.contains($0.event.type) && (source == nil || $0.event.source == source) }
        let consent = rows.lazy.compactMap { Self.consent(of: $0.event) }.first
        guard consent != false else { return [:] }
        var known = JSONObject()
        for row in rows where row.event.session == session || consent == true {
            for field in fields where known[field] == nil {
                if let text = row.event.data.present(field)?.string { known[field] = .string(text) }
            }
        }
        return known
    }

    private static func consent(of event: Event) -> Bool? {
        switch event.data.present("consent") {
        case .bool(let value)?: value
        case .string(let text)?: ["true", "yes", "granted"].contains(text.lowercased())
        default: nil
        }
    }
}
