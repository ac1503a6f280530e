internal import Model

extension FileReader {
    static let providersMax = 10
    static let minutesMax = 500

    mutating func console(_ node: FileNode?, destinations: FileNode?) -> ConsoleSettings {
        var console = ConsoleSettings()
        guard let node, let map = map(node, keys: ["sign_in", "minutes"], of: "console") else { return console }
        console.signIn = named(map["sign_in"], atMost: Self.providersMax, of: "sign-in providers").compactMap { entry in
            checkName(of: entry, thing: "sign-in provider")
            return provider(entry)
        }
        let known = destinations?.entries?.map(\.name) ?? []
        for entry in named(map["minutes"], atMost: Self.minutesMax, of: "minutes by action") {
            let destination = entry.name.split(separator: ".").first.map(String.init) ?? ""
            if !entry.name.contains(".") || !known.contains(destination) {
                let hint = Suggestion.hint(for: destination, among: known)
                report(entry.key, at: entry, "expected destination.action, as crm.upsert_contact\(hint)")
            }
            let minutes = value(entry.value, "minutes from 0 to 480") { text in
                Double(text).flatMap { (0...480).contains($0) ? $0 : nil }
            }
            if let minutes { console.minutes[entry.name] = minutes }
        }
        return console
    }

    private mutating func provider(_ entry: FileNode.Entry) -> SignInProvider? {
        let own = [
            "oidc": ["issuer", "client_id", "client_secret", "audience"], "supabase": ["url", "key", "audience"],
        ]
        guard let kind = kind(of: entry, among: own.keys.sorted(), thing: "sign-in provider"), let keys = own[kind],
            let map = map(entry.value, keys: ["kind", "algorithms"] + keys, of: "a \(kind) provider")
        else { return nil }
        let algorithms = oneOrMore(map["algorithms"], of: "algorithms").compactMap {
            choice($0, as: SignInProvider.Algorithm.self)
        }
        let audience = text(map["audience"], "whom tokens are meant for")
        guard let read = providerKind(kind, map) else { return nil }
        var provider = SignInProvider(name: entry.name, kind: read.kind, audience: audience ?? read.audience)
        if !algorithms.isEmpty { provider.algorithms = Set(algorithms) }
        return provider
    }

    /// With the audience that its tokens usually have.
    private mutating func providerKind(_ kind: String, _ map: FileMap)
        -> (kind: SignInProvider.Kind, audience: String)?
    {
        if kind == "oidc" {
            let issuer = outboundURL(required("issuer", in: map, "the provider's address"), isInsecure: false)
            let client = text(required("client_id", in: map, "the client's id"), "the client's id")
            let clientSecret = secret(map["client_secret"])
            guard let issuer, let client else { return nil }
            return (.openID(issuer: issuer, clientID: client, clientSecret: clientSecret), client)
        }
        let url = outboundURL(required("url", in: map, "the project's address"), isInsecure: false)
        let key = secret(required("key", in: map, "env:NAME or file:PATH"))
        guard let url, let key else { return nil }
        return (.supabase(url: url, key: key), "authenticated")
    }
}
