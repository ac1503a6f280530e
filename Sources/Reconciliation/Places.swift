internal import ConnectorKit
internal import Journal
internal import Model
internal import Settings

/// What of a configuration can be compared.
struct Places {
    struct Place: Hashable {
        var name: String
        var side: Reconciliation.Side
    }

    /// Sources whose provider can be asked.
    let sources: [Place]
    /// Destinations whose records can be found again, and for which a flow makes any.
    let destinations: [Place]

    init(_ settings: Settings, _ connectors: ConnectorSet, _ histories: HistorySet) {
        sources = histories.names.map { Place(name: $0, side: .source) }
        let calls = settings.flows.flatMap(\.calls)
        destinations = settings.destinations.map(\.name).filter { name in
            guard let provider = connectors[name] as? any RecordProvider else { return false }
            return calls.contains { $0.destination == name && provider.comparedActions.contains($0.action) }
        }.map { Place(name: $0, side: .destination) }
    }

    var all: [Place] { sources + destinations }

    /// Those of that name (a source and a destination may share one), or all.
    func chosen(_ name: String?) throws(Failure) -> [Place] {
        let chosen = name.map { name in all.filter { $0.name == name } } ?? all
        guard chosen.isEmpty else { return chosen }
        if let name { throw Self.unknown(name) }
        throw Failure(
            .conflict,
            "Nothing here can be compared: give a stripe source its api_key, or let a flow make contacts at HubSpot or "
                + "tickets at Zendesk. See docs/reconcile.md.")
    }

    static func unknown(_ name: String) -> Failure {
        Failure(
            .notFound,
            "\(name) cannot be compared: it is no stripe source with an api_key, and no HubSpot or Zendesk destination "
                + "for which a flow makes records. See docs/reconcile.md.", field: "source")
    }
}
