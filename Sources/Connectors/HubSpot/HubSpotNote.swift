internal import ConnectorKit
internal import Journal
internal import Model

/// Requests about notes, which are matched by the unique property `throughline_id`.
enum HubSpotNote {
    static let upsertPath = "/crm/v3/objects/notes/batch/upsert"
    static let keyProperty = "throughline_id"
    /// HubSpot takes 65,536 characters; a byte is never more than one.
    private static let bodyLengthMax = 60_000

    static func upsert(_ effect: Effect) throws(EffectRefusal) -> StoredRequest {
        guard effect.record("contact") != nil || effect.email != nil else { throw .missingField("email") }
        let key = effect.key.digest
        let text = effect.fields.present("body")?.text ?? EventSummary(effect: effect).text
        let properties: JSONObject = [
            "hs_timestamp": .string(effect.event.occurredAt.description), "hs_note_body": .string(html(text)),
            keyProperty: .string(key),
        ]
        let input: JSONValue = [
            "id": .string(key), "idProperty": .string(keyProperty), "properties": .object(properties),
            "objectWriteTraceId": .string(key),
        ]
        return StoredRequest("POST", upsertPath, json: ["inputs": [input]], at: effect.now)
    }

    /// Text as HTML that shows it and does nothing else.
    static func html(_ text: String) -> String {
        var html = ""
        for character in text {
            guard html.utf8.count < bodyLengthMax else { return html + "…" }
            switch character {
            case "&": html += "&amp;"
            case "<": html += "&lt;"
            case ">": html += "&gt;"
            case "\"": html += "&quot;"
            case "'": html += "&#39;"
            case "\n", "\r\n": html += "<br>"
            default: html.append(character)
            }
        }
        return html
    }
}
