internal import ConnectorKit
internal import Journal
internal import Model

/// Requests about contacts.
///
/// HubSpot takes every property as text and matches contacts by `email`.
enum HubSpotContact {
    static let upsertPath = "/crm/v3/objects/contacts/batch/upsert"
    static let defaultFields = ["email", "firstname", "lastname", "phone", "company", "website"]

    /// The properties in which a contact's newest payment stands.
    enum PaymentProperty: String, CaseIterable {
        case status = "throughline_payment_status"
        case amount = "throughline_payment_amount"
        case currency = "throughline_payment_currency"
        case at = "throughline_payment_at"

        var stateField: String {
            switch self {
            case .status: "status"
            case .amount: "amount"
            case .currency: "currency"
            case .at: "at"
            }
        }
    }

    static func upsert(_ effect: Effect) throws(EffectRefusal) -> StoredRequest {
        var properties = texts(effect.fields)
        if !effect.hasOwnFields { splitName(of: effect, into: &properties) }
        return try request(effect, properties)
    }

    static func paymentStatus(_ effect: Effect) throws(EffectRefusal) -> StoredRequest {
        guard !effect.hasOwnFields else { return try request(effect, texts(effect.fields)) }
        guard let payment = effect.subject.state.registers["payment"] else { throw .missingField("payment") }
        return try request(effect, paymentProperties(payment))
    }

    /// Nothing but the address: finds the contact or makes it.
    static func bare(email: String, trace: String) -> JSONObject { input(email, ["email": .string(email)], trace) }

    private static func request(_ effect: Effect, _ properties: JSONObject) throws(EffectRefusal) -> StoredRequest {
        guard let email = effect.email else { throw .missingField("email") }
        var properties = properties
        properties["email"] = .string(email)
        return StoredRequest("POST", upsertPath, json: input(email, properties, effect.key.digest), at: effect.now)
    }

    // One contact a call: HubSpot does not upsert a batch in part where the key is the email, so that one bad
    // address would sink the others.
    private static func input(_ email: String, _ properties: JSONObject, _ trace: String) -> JSONObject {
        [
            "inputs": [
                [
                    "id": .string(email), "idProperty": "email", "properties": .object(properties),
                    "objectWriteTraceId": .string(trace),
                ]
            ]
        ]
    }

    /// Every value as text; lists as HubSpot's multiple choices.
    ///
    /// What is absent is left out, since empty text clears.
    static func texts(_ fields: JSONObject) -> JSONObject {
        JSONObject(
            members: fields.members.compactMap { member in
                let text = member.value.array?.compactMap(\.text).joined(separator: ";") ?? member.value.text
                guard let text, !text.isEmpty else { return nil }
                return JSONObject.Member(key: member.key, value: .string(text))
            })
    }

    /// Chatbots ask for one name, HubSpot keeps two: the last word is the last name where there are several.
    private static func splitName(of effect: Effect, into properties: inout JSONObject) {
        guard properties["firstname"] == nil, properties["lastname"] == nil,
            let words = effect.data.present("name")?.text?.split(whereSeparator: \.isWhitespace), let last = words.last
        else { return }
        let first = words.count > 1 ? words.dropLast().joined(separator: " ") : String(last)
        properties["firstname"] = .string(first)
        if words.count > 1 { properties["lastname"] = .string(String(last)) }
    }

    /// The state as it is now.
    ///
    /// Amounts in the currency's main unit, as salespeople read them.
    private static func paymentProperties(_ payment: SubjectState.Register) -> JSONObject {
        var properties = JSONObject()
        func set(_ property: PaymentProperty, _ text: String?) {
            properties[property.rawValue] = text.map { .string($0) }
        }
        set(.status, payment.fields.present("status")?.text)
        if let amount = payment.fields["amount"]?.int, let currency = payment.fields.present("currency")?.text {
            let money = Money(amount: amount, currency: currency)
            set(.amount, money.text.split(separator: " ").first.map(String.init))
            set(.currency, money.currency)
        }
        set(.at, payment.at.description)
        return properties
    }
}
