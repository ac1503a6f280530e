internal import ConnectorKit
internal import Journal
internal import Model

/// A ticket as an agent needs it: the customer's words, who it is, what the payments show.
struct ZendeskTicket {
    static let path = "/api/v2/tickets"
    private static let subjectLengthMax = 150
    /// Zendesk takes 64 kB of text in a comment.
    private static let wordsLengthMax = 20_000
    private static let priorities: Set<String> = ["urgent", "high", "normal", "low"]
    /// Fields of ours that are not fields of a ticket.
    private static let ownFields: Set<String> = ["subject", "body", "priority", "tags", "email", "name", "comment"]

    var effect: Effect

    private var data: JSONObject { effect.data }
    private var fields: JSONObject { effect.fields }

    var request: StoredRequest {
        var ticket = JSONObject()
        if effect.hasOwnFields {
            for member in fields.members where !Self.ownFields.contains(member.key) && !member.value.isAbsent {
                ticket[member.key] = member.value
            }
        }
        ticket["subject"] = .string(subject)
        // Internal: the note holds what may be another person's, and the requester's address is only what was typed.
        ticket["comment"] = ["body": .string(text), "public": false]
        ticket["external_id"] = .string(effect.key.digest)
        ticket["tags"] = tags
        if ticket["requester_id"] == nil { ticket["requester"] = requester }
        if let priority = fields.present("priority")?.text?.lowercased(), Self.priorities.contains(priority) {
            ticket["priority"] = .string(priority)
        }
        return StoredRequest("POST", Self.path, json: ["ticket": .object(ticket)], at: effect.now)
    }

    private var subject: String {
        let own = effect.hasOwnFields ? fields.present("subject")?.text : nil
        let text = own ?? data.present("subject")?.text ?? EventSummary(effect: effect).text
        return (text.split(whereSeparator: \.isNewline).first.map(String.init) ?? text).cut(to: Self.subjectLengthMax)
    }

    private var tags: JSONValue {
        let own =
            fields["tags"]?.array?.compactMap(\.text)
            ?? fields.present("tags")?.text?.split(separator: ",").map { String($0).trimmed } ?? []
        return .array((["throughline"] + own.filter { $0 != "throughline" }).map { .string($0) })
    }

    /// The customer where an address is known; without it Zendesk takes the agent whose token it is.
    private var requester: JSONValue? {
        guard let email = effect.email else { return nil }
        let name = (fields.present("name") ?? data.present("name"))?.text
        return ["name": .string(name ?? email), "email": .string(email)]
    }

    // MARK: Text

    private var text: String {
        let said = fields.present("body")?.text ?? data.present("message")?.text ?? data.present("reason")?.text
        let words = (said ?? EventSummary(effect: effect).text).cut(to: Self.wordsLengthMax)
        return ([words, "", "---"] + details).joined(separator: "\n")
    }

    private var details: [String] {
        var lines: [String] = []
        func add(_ label: String, _ value: String?) {
            if let value, !value.isEmpty { lines.append("\(label): \(value)") }
        }
        add("Reason", data.present("reason")?.text)
        add("Intent", data.present("intent")?.text)
        add("Confidence", data.present("confidence")?.text)
        add("Urgency", data.present("urgency")?.text)
        add("User", effect.event.user ?? effect.subject.newest(.user))
        add("Conversation", effect.event.session ?? effect.subject.newest(.session))
        add("Email", effect.email)
        add("Payment named in the conversation", data.present("payment")?.text)
        lines += PaymentFacts(payments: effect.payments).lines
        add("Time", effect.event.occurredAt.description)
        add("Event", effect.event.id.description)
        add("Trail", effect.trailURL)
        return lines
    }
}
