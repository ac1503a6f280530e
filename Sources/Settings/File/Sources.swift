internal import Model

extension FileReader {
    private static let kinds = ["stripe", "events", "zendesk", "standard", "hmac", "inbox"]
    private static let commonKeys = ["kind", "secrets", "tolerance"]
    private static let hmacKeys = [
        "map", "id", "header", "algorithm", "encoding", "prefix", "timestamp", "signed_prefix",
    ]

    mutating func sources(_ node: FileNode?) -> [SourceSettings] {
        named(node, atMost: Self.sourcesMax, of: "sources").compactMap { entry in
            checkName(of: entry, thing: "source")
            if entry.name == "throughline" {
                report(
                    entry.key, at: entry, "throughline is the source of the server's own alerts; choose another name")
            }
            return source(entry)
        }
    }

    /// Names stand in addresses and keys.
    mutating func checkName(of entry: FileNode.Entry, thing: String) {
        guard !Scalars.isName(entry.name) else { return }
        report(
            entry.key, at: entry,
            "a \(thing)'s name is made of a-z, 0-9, - and _, begins with a letter or digit and is at most 63 long")
    }

    /// The word behind `kind`, read before the rest because it decides which keys there are.
    mutating func kind(of entry: FileNode.Entry, among kinds: [String], thing: String) -> String? {
        guard let entries = entry.value.entries else {
            report(entry.value, expected: "a map with the keys of a \(thing)")
            return nil
        }
        let map = FileMap(node: entry.value, entries: entries)
        return word(required("kind", in: map, kinds.joined(separator: ", ")), among: kinds)
    }

    private mutating func source(_ entry: FileNode.Entry) -> SourceSettings? {
        guard let kind = kind(of: entry, among: Self.kinds, thing: "source") else { return nil }
        if kind == "inbox" { return inbox(entry) }
        let own: [String: [String]] = [
            "stripe": ["payments", "api_key", "base_url"], "standard": ["map"], "hmac": Self.hmacKeys,
        ]
        guard let map = map(entry.value, keys: Self.commonKeys + (own[kind] ?? []), of: "a \(kind) source") else {
            return nil
        }
        let secrets = sourceSecrets(map, isRequired: kind != "events")
        let tolerance = duration(map["tolerance"], in: .seconds(1)...(.seconds(86_400)))
        guard let read = sourceKind(kind, map) else { return nil }
        return SourceSettings(
            name: entry.name, kind: read, secrets: secrets,
            tolerance: tolerance ?? Limits.signatureToleranceDefault, api: providerAPI(map))
    }

    /// The provider's own API, where it may be asked what it has sent.
    private mutating func providerAPI(_ map: FileMap) -> ProviderAPI? {
        let baseURL = outboundURL(map["base_url"], isInsecure: false)
        guard let node = map["api_key"] else {
            if let node = map["base_url"] { report(node, "is used with api_key alone; name that too, or leave it out") }
            return nil
        }
        return secret(node).map { ProviderAPI(key: $0, baseURL: baseURL) }
    }

    private mutating func inbox(_ entry: FileNode.Entry) -> SourceSettings? {
        guard let map = map(entry.value, keys: ["kind", "url"], of: "an inbox source"),
            let url = secret(required("url", in: map, "the database's address, as env:SUPABASE_DB_URL"))
        else { return nil }
        return SourceSettings(name: entry.name, kind: .inbox(url: url), secrets: [])
    }

    /// An `events` source may do without: an `ingest` key opens it too.
    private mutating func sourceSecrets(_ map: FileMap, isRequired: Bool) -> [SecretReference] {
        guard let node = isRequired ? required("secrets", in: map, "a list like [env:NAME]") : map["secrets"] else {
            return []
        }
        let elements = oneOrMore(node, of: "secrets")
        if isRequired, elements.isEmpty { report(node, "needs at least one secret, as [env:NAME]") }
        return elements.compactMap { secret($0) }
    }

    private mutating func sourceKind(_ kind: String, _ map: FileMap) -> SourceKind? {
        switch kind {
        case "stripe":
            let payments = word(map["payments"], among: ["intents", "invoices"])
            return .stripe(payments: payments.flatMap(StripePayments.init) ?? .intents)
        case "events": return .events
        case "zendesk": return .zendesk
        case "standard": return .standard(payloadMap(required("map", in: map, "a map with types")))
        default:
            let header = headerName(required("header", in: map, "the signature's header, as X-Signature"))
            var scheme = HMACScheme(header: header ?? "")
            scheme.algorithm = choice(map["algorithm"], as: HMACScheme.Algorithm.self) ?? scheme.algorithm
            scheme.encoding = choice(map["encoding"], as: HMACScheme.Encoding.self) ?? scheme.encoding
            scheme.prefix = anyText(map["prefix"]) ?? scheme.prefix
            scheme.signedPrefix = anyText(map["signed_prefix"]) ?? scheme.signedPrefix
            scheme.timestamp = map["timestamp"].flatMap { timestamp($0) }
            let id = path(required("id", in: map, "the path of the sender's event id, as $.id"))
            return .hmac(
                scheme, id: id ?? Path(steps: []), payloadMap(required("map", in: map, "a map with types")))
        }
    }

    mutating func headerName(_ node: FileNode?) -> String? {
        value(node, "a header's name") { Scalars.isHeaderName($0) ? $0 : nil }
    }

    private mutating func timestamp(_ node: FileNode) -> HMACScheme.Timestamp? {
        guard let map = map(node, keys: ["header", "unit", "separator"], of: "timestamp"),
            let header = headerName(required("header", in: map, "the signed time's header"))
        else { return nil }
        var timestamp = HMACScheme.Timestamp(header: header)
        timestamp.unit = choice(map["unit"], as: HMACScheme.TimestampUnit.self) ?? timestamp.unit
        timestamp.separator = anyText(map["separator"]) ?? timestamp.separator
        return timestamp
    }

    private mutating func payloadMap(_ node: FileNode?) -> PayloadMap {
        var result = PayloadMap(type: Path(steps: ["type"]), types: [:])
        guard let node,
            let map = map(node, keys: ["type", "types", "occurred_at", "session", "user", "fields"], of: "map")
        else { return result }
        result.type = path(map["type"]) ?? result.type
        result.occurredAt = path(map["occurred_at"])
        result.session = path(map["session"])
        result.user = path(map["user"])
        let types = required("types", in: map, "the sender's types and what they are here")
        let entries = named(types, atMost: 1000, of: "types")
        if let types, entries.isEmpty, types.entries != nil {
            report(types, "names no type, so no delivery would become an event")
        }
        for entry in entries {
            if let type = eventType(entry.value) { result.types[entry.name] = type }
        }
        for entry in named(map["fields"], atMost: 200, of: "fields") {
            guard let value = template(entry.value) else { continue }
            result.fields.append(PayloadMap.Field(name: entry.name, value: value))
        }
        return result
    }

    /// A type of ours or of `types:`.
    mutating func eventType(_ node: FileNode) -> EventType? {
        guard let name = text(node, "an event type") else { return nil }
        if catalogue[EventType(name)] != nil { return EventType(name) }
        let hint = Suggestion.hint(for: name, among: catalogue.typeNames)
        report(
            node,
            "no event type is called \(FileNode.quoted(name))"
                + (hint.isEmpty ? "; declare it under types, or use one of docs/sources.md" : hint))
        return nil
    }
}
