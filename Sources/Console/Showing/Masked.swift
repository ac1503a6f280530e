internal import Model
internal import Watch

/// What was said of a person, as staff may see it without a reason: that it is there, not what it is.
enum Masked {
    private static let personal = [
        "email", "phone", "name", "message", "address", "body", "comment", "text", "note", "subject", "description",
        "ip", "birth",
    ]
    private static let depthMax = 8

    /// Names and values for a list, values masked.
    static func rows(of object: JSONObject) -> JSONValue {
        .array(
            object.members.prefix(100).map { ["name": .string($0.key), "value": .string(text($0.value, key: $0.key))] })
    }

    /// The same of fields that a flow has filled: also what stands there of `said` by another name is hidden.
    static func rows(of object: JSONObject, hiding said: [String]) -> JSONValue {
        .array(
            object.members.prefix(100).map { member in
                let text = member.value.text ?? member.value.encodedText
                return [
                    "name": .string(member.key),
                    "value": .string(
                        holds(text, said) ? hidden(text) : self.text(member.value, key: member.key)),
                ]
            })
    }

    private static func holds(_ text: String, _ said: [String]) -> Bool {
        let text = text.lowercased()
        return said.contains { text.contains($0.lowercased()) }
    }

    /// What was said of a person, as texts.
    static func said(in object: JSONObject) -> [String] {
        object.members.flatMap { said(in: $0.value, key: $0.key) }
    }

    private static func said(in value: JSONValue, key: String) -> [String] {
        switch value {
        case .string(let text): isPersonal(key) && text.count > 1 ? [text] : []
        case .object(let object): said(in: object)
        // A transcript is a list of messages.
        case .array(let list): list.flatMap { said(in: $0, key: key) }
        case .bool, .null, .int, .double: []
        }
    }

    /// The value as text, masked where its key or its look tells that it is somebody's.
    static func text(_ value: JSONValue, key: String) -> String {
        switch masked(value, key: key, depth: 0) {
        case .string(let text): text
        case let other: String(other.encodedText.prefix(2000))
        }
    }

    /// JSON with masked values, also where something of `said` stands by another name; what is no JSON is shown by its
    /// length alone.
    static func body(_ bytes: [UInt8], hiding said: [String]) -> String {
        // Bodies that are no JSON object are rare, and nothing in them can be told apart.
        guard let object = try? JSONObject(parsing: bytes) else { return "\(bytes.count) bytes, not shown" }
        return String(masked(.object(object), key: "", hiding: said, depth: 0).encodedText.prefix(8192))
    }

    private static func masked(_ value: JSONValue, key: String, hiding said: [String] = [], depth: Int) -> JSONValue {
        guard depth < depthMax else { return "…" }
        switch value {
        case .string(let text):
            return .string(isPersonal(key) || holds(text, said) ? hidden(text) : Mask.masked(text))
        case .int, .double: return isPersonal(key) ? .string(Mask.dots) : value
        case .array(let list):
            return .array(list.prefix(100).map { masked($0, key: key, hiding: said, depth: depth + 1) })
        case .object(let object):
            var masked = JSONObject()
            for member in object.members.prefix(200) {
                // HubSpot and others write {"property": "email", "value": …}.
                let named = object["property"]?.string ?? object["name"]?.string
                let key = member.key == "value" ? named ?? member.key : member.key
                masked[member.key] = self.masked(member.value, key: key, hiding: said, depth: depth + 1)
            }
            return .object(masked)
        case .bool, .null: return value
        }
    }

    /// A key of a fact or an effect, in which an address may stand: `lead_captured:s1:a••••@example.com`.
    static func key(_ text: String) -> String {
        text.split(separator: "/", omittingEmptySubsequences: false).map { part in
            part.split(separator: ":", omittingEmptySubsequences: false)
                .map { $0.contains("@") ? hidden(String($0)) : String($0) }.joined(separator: ":")
        }.joined(separator: "/")
    }

    private static func isPersonal(_ key: String) -> Bool {
        let key = key.lowercased()
        return personal.contains { key.contains($0) }
    }

    /// `a••••@example.com`, `A••••`: enough to know it again, not enough to use it.
    private static func hidden(_ text: String) -> String {
        guard let first = text.first else { return "" }
        if let at = text.lastIndex(of: "@"), at > text.startIndex, !text.contains(where: \.isWhitespace) {
            return "\(first)\(Mask.dots)\(text[at...])"
        }
        return "\(first)\(Mask.dots)"
    }
}
