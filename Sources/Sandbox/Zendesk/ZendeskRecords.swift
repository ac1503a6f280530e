package import Model

/// A ticket of Zendesk with all that was said in it.
package struct ZendeskTicket: Sendable, Hashable {
    package struct Comment: Sendable, Hashable {
        package let id: Int
        package var authorID: Int
        package var body: String
        package var isPublic: Bool
        package var createdAt: Instant
    }

    package internal(set) var id: Int
    package var externalID: String?
    package var subject: String
    package var status: String
    package var priority: String?
    package var type: String?
    package var tags: [String]
    package var requesterID: Int
    package var submitterID: Int
    package var comments: [Comment]
    package var customFields: [JSONValue]
    package let createdAt: Instant
    package var updatedAt: Instant

    /// The ticket as an answer shows it; fields without a value are left out.
    func json(base: String) -> JSONObject {
        var json: JSONObject = [
            "id": .int(Int64(id)), "url": .string("\(base)/api/v2/tickets/\(id).json"), "subject": .string(subject),
            "raw_subject": .string(subject), "description": .string(comments.first?.body ?? ""),
            "status": .string(status), "requester_id": .int(Int64(requesterID)),
            "submitter_id": .int(Int64(submitterID)), "tags": .array(tags.map { .string($0) }),
            "custom_fields": .array(customFields), "created_at": .string(createdAt.description),
            "updated_at": .string(updatedAt.description), "is_public": .bool(comments.contains(where: \.isPublic)),
            "has_incidents": false, "via": ["channel": "api"], "due_at": nil,
        ]
        json["external_id"] = externalID.map { .string($0) }
        json["priority"] = priority.map { .string($0) }
        json["type"] = type.map { .string($0) }
        return json
    }
}

extension ZendeskTicket.Comment {
    var json: JSONObject {
        [
            "id": .int(Int64(id)), "type": "Comment", "author_id": .int(Int64(authorID)), "body": .string(body),
            "plain_body": .string(body), "html_body": .string("<p>\(Self.escaped(body))</p>"),
            "public": .bool(isPublic), "attachments": [], "created_at": .string(createdAt.description),
        ]
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}

/// A person whom Zendesk knows.
package struct ZendeskUser: Sendable, Hashable {
    package let id: Int
    package var name: String
    package var email: String?
    package var externalID: String?
    package var role: String
    package let createdAt: Instant
    package var updatedAt: Instant

    init(id: Int, name: String, email: String?, externalID: String?, role: String, at now: Instant) {
        self.id = id
        self.name = name
        self.email = email
        self.externalID = externalID
        self.role = role
        createdAt = now
        updatedAt = now
    }

    func json(base: String) -> JSONObject {
        var json: JSONObject = [
            "id": .int(Int64(id)), "url": .string("\(base)/api/v2/users/\(id).json"), "name": .string(name),
            "role": .string(role), "active": true, "verified": .bool(role != "end-user"), "suspended": false,
            "created_at": .string(createdAt.description), "updated_at": .string(updatedAt.description),
        ]
        json["email"] = email.map { .string($0) }
        json["external_id"] = externalID.map { .string($0) }
        return json
    }
}
