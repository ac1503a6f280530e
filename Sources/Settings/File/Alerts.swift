internal import Model

extension FileReader {
    private static let alertKeys = [
        "to", "ack_p95", "failed_work", "failed_deliveries", "attempts", "dead_letters", "silent_source",
        "rotate_secrets", "reconciled", "remind",
    ]

    mutating func alerts(
        _ node: FileNode?, destinations: FileNode?, read: [DestinationSettings]
    ) -> AlertSettings {
        var alerts = AlertSettings()
        guard let node, let map = map(node, keys: Self.alertKeys, of: "alerts") else { return alerts }
        let names = destinations?.entries?.map(\.name) ?? []
        for element in oneOrMore(map["to"], of: "destinations") {
            guard let call = carrier(element, names: names, read: read) else { continue }
            alerts.to.append(call.destination)
            alerts.calls.append(call)
        }
        alerts.ackP95 = duration(map["ack_p95"]) ?? alerts.ackP95
        alerts.failedWork = unlessOff(map["failed_work"], alerts.failedWork) { $0.share($1) }
        alerts.failedDeliveries = unlessOff(map["failed_deliveries"], alerts.failedDeliveries) { $0.share($1) }
        alerts.attempts = unlessOff(map["attempts"], alerts.attempts) { $0.integer($1, in: 3...1000) }
        alerts.tellsDead = choice(map["dead_letters"], as: OnOff.self).map { $0 == .on } ?? alerts.tellsDead
        alerts.silentSource = unlessOff(map["silent_source"], alerts.silentSource) { $0.integer($1, in: 3...100_000) }
        alerts.rotateSecrets = unlessOff(map["rotate_secrets"], alerts.rotateSecrets) { $0.duration($1) }
        alerts.reconciled = unlessOff(map["reconciled"], alerts.reconciled) { $0.share($1) }
        alerts.remind = duration(map["remind"], in: .seconds(600)...Scalars.durationMax) ?? alerts.remind
        return alerts
    }

    private enum OnOff: String, CaseIterable { case on, off }

    /// Nil for `off`; the default where nothing is said.
    private mutating func unlessOff<Value>(
        _ node: FileNode?, _ standard: Value?, _ read: (inout FileReader, FileNode) -> Value?
    ) -> Value? {
        guard let node else { return standard }
        return node.text == "off" ? nil : read(&self, node) ?? standard
    }

    /// `1%`, `0.5%`.
    private mutating func share(_ node: FileNode) -> Double? {
        value(node, "a share like 1% or 0.5%, or off", Scalars.share)
    }

    /// What carries an alert to the destination that is named, as `team`, or `hook.tell` where it has several actions.
    private mutating func carrier(_ node: FileNode, names: [String], read: [DestinationSettings]) -> Flow.Call? {
        guard let text = text(node, "a destination's name") else { return nil }
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let (name, said) = (parts[0], parts.count > 1 ? parts[1] : nil)
        guard names.contains(name) else {
            report(node, noDestination(name, among: names))
            return nil
        }
        // Where the destination itself is wrong, that is said of it.
        guard let kind = read.first(where: { $0.name == name })?.kind else { return nil }
        let actions = Self.carriers(of: kind)
        if let action = said ?? (actions.count == 1 ? actions.first : nil), actions.contains(action) {
            return Flow.Call(destination: name, action: action)
        }
        if actions.isEmpty {
            report(node, "\(name) cannot carry an alert; name a slack, email, pagerduty, webhook or http destination")
        } else {
            let choices = actions.map { "\(name).\($0)" }.joined(separator: ", ")
            report(node, "name the action that carries the alert: \(choices)")
        }
        return nil
    }

    private static func carriers(of kind: DestinationKind) -> [String] {
        switch kind {
        case .slack: ["notify"]
        case .webhook, .email: ["send"]
        case .pagerduty: ["event"]
        case .http(let declared): declared.actions.map(\.name)
        case .hubspot, .zendesk: []
        }
    }

    mutating func traces(_ node: FileNode?) -> TraceSettings? {
        guard let node, let map = map(node, keys: ["endpoint", "headers", "insecure"], of: "traces") else { return nil }
        let isInsecure = flag(map["insecure"]) ?? false
        let headers = named(map["headers"], atMost: 20, of: "headers").compactMap { header($0) }
        guard
            let endpoint = outboundURL(
                required("endpoint", in: map, "an address like http://127.0.0.1:4318"), isInsecure: isInsecure)
        else { return nil }
        return TraceSettings(endpoint: endpoint, headers: headers)
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
