internal import Model

extension FileReader {
    private static let ownKeys: [String: [String]] = [
        "hubspot": ["token"], "zendesk": ["subdomain", "email", "token"], "slack": ["url"],
        "webhook": ["url", "secret"], "http": ["url", "headers", "actions", "probe"],
        "email": ["host", "port", "security", "user", "password", "from", "to"], "pagerduty": ["routing_key"],
    ]
    private static let kinds = ["hubspot", "zendesk", "slack", "webhook", "http", "email", "pagerduty"]
    private static let commonKeys = ["kind", "base_url", "timeout", "rate", "concurrency", "order", "insecure"]

    mutating func destinations(_ node: FileNode?) -> [DestinationSettings] {
        named(node, atMost: Self.destinationsMax, of: "destinations").compactMap { entry in
            checkName(of: entry, thing: "destination")
            return destination(entry)
        }
    }

    private mutating func destination(_ entry: FileNode.Entry) -> DestinationSettings? {
        guard let kind = kind(of: entry, among: Self.kinds, thing: "destination"), let own = Self.ownKeys[kind],
            let map = map(entry.value, keys: Self.commonKeys + own, of: "a \(kind) destination")
        else { return nil }
        let isInsecure = flag(map["insecure"]) ?? false
        let baseURL = outboundURL(map["base_url"], isInsecure: isInsecure)
        let timeout = duration(map["timeout"], in: .milliseconds(100)...(.seconds(300)))
        let rate = value(map["rate"], "a rate like 100/10s", Scalars.rate)
        let concurrency = integer(map["concurrency"], in: 1...1000)
        let order = choice(map["order"], as: LaneOrder.self)
        guard let read = destinationKind(kind, map, isInsecure: isInsecure) else { return nil }
        let defaults = DestinationSettings(name: entry.name, kind: read)
        return DestinationSettings(
            name: entry.name, kind: read, baseURL: baseURL, timeout: timeout ?? defaults.timeout, rate: rate,
            concurrency: concurrency ?? defaults.concurrency, order: order ?? defaults.order, isInsecure: isInsecure)
    }

    private mutating func destinationKind(_ kind: String, _ map: FileMap, isInsecure: Bool) -> DestinationKind? {
        switch kind {
        case "hubspot":
            return secret(required("token", in: map, "env:NAME or file:PATH")).map { .hubspot(token: $0) }
        case "zendesk":
            let subdomain = value(
                required("subdomain", in: map, "the first word of the address, as acme"), "a subdomain like acme"
            ) { Scalars.isName($0) ? $0 : nil }
            let email = value(required("email", in: map, "the agent's address"), "an agent's address") {
                $0.contains("@") && !$0.contains(where: \.isWhitespace) && !$0.contains(":") ? $0 : nil
            }
            let token = secret(required("token", in: map, "env:NAME or file:PATH"))
            guard let subdomain, let email, let token else { return nil }
            return .zendesk(subdomain: subdomain, email: email, token: token)
        case "slack": return secret(required("url", in: map, "env:NAME or file:PATH")).map { .slack(url: $0) }
        case "webhook":
            let url = outboundURL(required("url", in: map, "an address"), isInsecure: isInsecure)
            let secret = secret(required("secret", in: map, "env:NAME or file:PATH"))
            guard let url, let secret else { return nil }
            return .webhook(url: url, secret: secret)
        case "email": return emailDestination(map, isInsecure: isInsecure).map { .email($0) }
        case "pagerduty":
            return secret(required("routing_key", in: map, "env:NAME or file:PATH")).map { .pagerduty(routingKey: $0) }
        default: return httpDestination(map, isInsecure: isInsecure).map { .http($0) }
        }
    }

    private mutating func httpDestination(_ map: FileMap, isInsecure: Bool) -> HTTPDestination? {
        let url = outboundURL(required("url", in: map, "an address"), isInsecure: isInsecure)
        let headers = named(map["headers"], atMost: 50, of: "headers").compactMap { header($0) }
        let actionsNode = required("actions", in: map, "a map of actions by name")
        let entries = named(actionsNode, atMost: 100, of: "actions")
        if let actionsNode, actionsNode.entries?.isEmpty == true { report(actionsNode, "declares no action") }
        let actions = entries.compactMap { httpAction($0) }
        let probe = relativePath(map["probe"])
        guard let url else { return nil }
        return HTTPDestination(url: url, headers: headers, actions: actions, probe: probe)
    }

    /// A path under the destination's address.
    private mutating func relativePath(_ node: FileNode?) -> String? {
        value(node, "a path like /v1/me") { text in
            text.hasPrefix("/") && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } ? text : nil
        }
    }

    /// A literal, a secret (`env:NAME`), or a secret behind a word (`Bearer env:NAME`).
    mutating func header(_ entry: FileNode.Entry) -> HTTPDestination.Header? {
        guard Scalars.isHeaderName(entry.name) else {
            report(entry.key, at: entry, "this is no header's name")
            return nil
        }
        guard
            let text = value(
                entry.value, "a header's value",
                { text in text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } && text.utf8.count <= 4096 ? text : nil })
        else { return nil }
        let last = text.split(separator: " ").last.map(String.init) ?? ""
        if let reference = SecretReference(last) {
            secrets.append(SecretUse(reference: reference, key: entry.value.path, line: entry.value.line))
            return .init(name: entry.name, value: .secret(reference, prefix: String(text.dropLast(last.count))))
        }
        let words = ["authorization", "cookie", "token", "secret", "password", "api-key", "apikey"]
        if words.contains(where: { entry.name.lowercased().contains($0) }) {
            report(
                entry.value,
                "this header holds a secret, and a secret in plain text is refused; put it into .env and write "
                    + "env:NAME, or Bearer env:NAME")
            return nil
        }
        return .init(name: entry.name, value: .literal(text))
    }
}
