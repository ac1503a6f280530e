internal import ConnectorKit
internal import Journal
internal import Model

/// Requests that change a ticket which is there.
struct ZendeskUpdate {
    static let statuses: Set<String> = ["new", "open", "pending", "hold", "solved", "closed"]
    private static let bodyLengthMax = 20_000

    var effect: Effect

    /// The last line of our comments, by which they are found again.
    static func marker(_ key: EffectKey) -> String { "[throughline \(key.digest)]" }

    func comment() throws(EffectRefusal) -> StoredRequest {
        let path = try path()
        let said = effect.fields.present("body") ?? effect.data.present("message")
        let body = (said?.text ?? EventSummary(effect: effect).text).cut(to: Self.bodyLengthMax)
        let isPublic = effect.fields["public"].map { $0.bool ?? ($0.text == "true") } ?? false
        let comment: JSONValue = [
            "body": .string("\(body)\n\n\(Self.marker(effect.key))"), "public": .bool(isPublic),
        ]
        return StoredRequest("PUT", path, json: ["ticket": ["comment": comment]], at: effect.now)
    }

    func status() throws(EffectRefusal) -> StoredRequest {
        let path = try path()
        guard let status = effect.fields.present("status")?.text?.lowercased() else { throw .missingField("status") }
        guard Self.statuses.contains(status) else {
            throw .impossible(
                errorClass: "unknown_status",
                "Zendesk has no status `\(status.cut(to: 40))`: it is one of \(Self.statuses.sorted().joined(separator: ", "))"
            )
        }
        return StoredRequest("PUT", path, json: ["ticket": ["status": .string(status)]], at: effect.now)
    }

    /// The ticket that the flow names, else the newest that was made for this subject.
    private func path() throws(EffectRefusal) -> String {
        let named = effect.fields.present("ticket")?.text
        guard let id = named ?? effect.record(ZendeskDesk.ticketKind)?.id else {
            throw .missingRecord(ZendeskDesk.ticketKind)
        }
        guard id.utf8.count <= 20, id.allSatisfy({ $0.isASCII && $0.isNumber }) else {
            throw .impossible(errorClass: "invalid_ticket", "a Zendesk ticket's id is a number")
        }
        return "\(ZendeskTicket.path)/\(id)"
    }
}
