internal import Model

extension FileReader {
    mutating func alerts(
        _ node: FileNode?, destinations: FileNode?, read: [DestinationSettings]
    ) -> AlertSettings {
        var alerts = AlertSettings()
        guard let node, let map = map(node, keys: ["to", "ack_p95"], of: "alerts") else { return alerts }
        let names = destinations?.entries?.map(\.name) ?? []
        for element in oneOrMore(map["to"], of: "destinations") {
            guard let name = text(element, "a destination's name") else { continue }
            guard names.contains(name) else {
                report(element, noDestination(name, among: names))
                continue
            }
            switch read.first(where: { $0.name == name })?.kind {
            case .hubspot, .zendesk:
                report(element, "\(name) cannot carry an alert; name a slack or webhook destination")
            default: alerts.to.append(name)
            }
        }
        alerts.ackP95 = duration(map["ack_p95"]) ?? alerts.ackP95
        return alerts
    }

    /// A destination that nothing names is probably a flow forgotten.
    mutating func warnOfUnused(_ destinations: FileNode?, flows: [Flow], alerts: AlertSettings) {
        let used = Set(flows.flatMap { $0.calls.map(\.destination) } + alerts.to)
        for entry in destinations?.entries ?? [] where !used.contains(entry.name) {
            var place = entry.key
            place.path = entry.value.path
            report(place, "no flow and no alert uses this destination", as: .warning)
        }
    }
}
