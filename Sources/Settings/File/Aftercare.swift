internal import Model

extension FileReader {
    static let originsMax = 50

    mutating func reconcile(_ node: FileNode?) -> ReconcileSettings {
        var settings = ReconcileSettings()
        guard let node, let map = map(node, keys: ["every", "since", "settle"], of: "reconcile") else {
            return settings
        }
        if map["every"]?.text == "off" {
            settings.every = nil
        } else if let every = duration(map["every"], in: .seconds(60)...Scalars.durationMax) {
            settings.every = every
        }
        settings.reach = duration(map["since"], in: .seconds(3600)...Scalars.durationMax) ?? settings.reach
        settings.settle = duration(map["settle"], in: .seconds(60)...(.seconds(86_400))) ?? settings.settle
        return settings
    }

    mutating func receipts(_ node: FileNode?) -> ReceiptSettings {
        var settings = ReceiptSettings()
        guard let node, let map = map(node, keys: ["contact", "slow_after", "origins", "expires"], of: "receipts")
        else { return settings }
        settings.contact = text(map["contact"], "how a person is reached, as mailto:help@acme.example")
        settings.slowAfter = duration(map["slow_after"], in: .seconds(1)...(.seconds(86_400))) ?? settings.slowAfter
        settings.lifetime =
            duration(map["expires"], in: .seconds(60)...(.seconds(90 * 86_400))) ?? settings.lifetime
        let origins = map["origins"].map { oneOrMore($0, of: "origins") } ?? []
        if origins.count > Self.originsMax, let node = map["origins"] {
            report(node, "names more than \(Self.originsMax) origins")
        }
        settings.origins = origins.compactMap { origin($0) }
        return settings
    }

    /// Scheme, host and port as a browser sends them: `https://acme.example`.
    private mutating func origin(_ node: FileNode) -> String? {
        guard let address = webAddress(node) else { return nil }
        let rest = address.text.dropFirst(address.isSecure ? 8 : 7)
        guard !rest.contains("/"), !rest.contains("?") else {
            report(node, "an origin has no path: write scheme and host, as https://acme.example")
            return nil
        }
        if !address.isSecure, !address.isLoopback {
            report(node, "a page without TLS may not ask for receipts; write https")
        }
        return address.text.lowercased()
    }
}
