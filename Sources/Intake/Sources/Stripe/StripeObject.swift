internal import Model
internal import Settings

/// One snapshot event: its object, and what the object's changed fields held before.
struct StripeEvent {
    var type: String
    var object: StripeObject
    var previous: StripeObject
    var payments: StripePayments

    typealias Statement = StripeReading.Statement
}

/// A Stripe object whose references may be ids or, where the sender expands them, whole objects.
struct StripeObject {
    let members: JSONObject

    init(_ members: JSONObject) { self.members = members }

    subscript(_ name: String) -> JSONValue? { members.present(name) }
    var id: String? { ProviderText.id(self["id"]) }
    var metadata: JSONValue? { self["metadata"] }
    /// Who paid, as the payer typed it.
    var billing: StripeObject { object("billing_details") }

    /// The id of what stands there, expanded or not.
    func id(of name: String) -> String? {
        let value = self[name]
        return ProviderText.id(value?["id"]) ?? ProviderText.id(value)
    }

    func object(_ name: String) -> StripeObject { StripeObject(self[name]?.object ?? [:]) }
    func number(_ name: String) -> Int64? { self[name]?.int }

    /// The elements of an embedded list object (`{"object": "list", "data": […]}`).
    func list(_ name: String) -> [StripeObject] {
        (self[name]?["data"]?.array ?? []).compactMap { $0.object.map { StripeObject($0) } }
    }

    /// A Unix time as RFC 3339 text.
    func time(_ name: String) -> String? { number(name).flatMap(Self.instant)?.description }

    static func instant(_ seconds: Int64) -> Instant? {
        (0...ProviderText.millisecondsMax / 1000).contains(seconds) ? Instant(seconds: seconds) : nil
    }
}

extension JSONObject {
    /// The object with those of the fields that are there.
    static func of(_ fields: [(String, JSONValue?)]) -> JSONObject {
        JSONObject(
            members: fields.compactMap { name, value in value.map { JSONObject.Member(key: name, value: $0) } })
    }
}

extension JSONValue {
    static func of(_ text: String?) -> JSONValue? { text.map { .string($0) } }
    static func of(_ number: Int64?) -> JSONValue? { number.map { .int($0) } }
}
