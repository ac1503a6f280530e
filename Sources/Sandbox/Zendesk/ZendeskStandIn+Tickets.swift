internal import Model
internal import Seams

extension ZendeskStandIn {
    // MARK: Create

    mutating func createTicket(_ call: Call, at now: Instant) throws(ZendeskError) -> InboundResponse {
        let key = call.header("idempotency-key")
        if let key {
            guard (1...255).contains(key.utf8.count) else {
                throw ZendeskError(400, "InvalidIdempotencyKey", "Idempotency keys hold 1 to 255 characters")
            }
            if let kept = try keptAnswer(key, call.body, at: now) { return kept }
        }
        if creations?.take(at: now) == false { throw .tooMany(creations?.resetsAfter(now) ?? .seconds(60)) }
        let ticket = try newTicket(try Self.wrapped(call, in: "ticket"), at: now)
        var answer = answer(201, ticket, at: now)
        answer.headers.append(.init("location", "\(base)/api/v2/tickets/\(ticket.id).json"))
        guard let key else { return answer }
        idempotency[key] = ZendeskKeptAnswer(requestBody: call.body, answer: answer, at: now)
        answer.headers.append(.init("x-idempotency-lookup", "miss"))
        return answer
    }

    private mutating func keptAnswer(
        _ key: String, _ body: [UInt8], at now: Instant
    ) throws(ZendeskError) -> InboundResponse? {
        guard let kept = idempotency[key] else { return nil }
        guard kept.at + limits.idempotencyLifetime > now else {
            idempotency[key] = nil
            return nil
        }
        guard kept.requestBody == body else {
            throw ZendeskError(
                400, "IdempotentRequestError", "Request parameters don't match the given idempotency key")
        }
        var answer = kept.answer
        answer.headers.append(.init("x-idempotency-lookup", "hit"))
        return answer
    }

    private mutating func newTicket(_ given: JSONObject, at now: Instant) throws(ZendeskError) -> ZendeskTicket {
        guard let comment = try comment(in: given, at: now) else {
            throw .invalid("base", "Description: cannot be blank", "BlankValue")
        }
        var ticket = ZendeskTicket(
            id: 0, subject: "", status: "new", tags: [], requesterID: 0, submitterID: users[0].id,
            comments: [comment], customFields: [], createdAt: now, updatedAt: now)
        // A ticket's own number comes last, so that a refused one uses none up.
        try change(&ticket, by: given)
        ticket.requesterID = try requester(in: given, at: now)
        lastID += 1
        ticket.id = lastID
        tickets[ticket.id] = ticket
        if let externalID = ticket.externalID { ticketsByExternalID[externalID, default: []].append(ticket.id) }
        return ticket
    }

    /// The requester by id, by address (made where unknown), else the agent.
    private mutating func requester(in given: JSONObject, at now: Instant) throws(ZendeskError) -> Int {
        if let id = given.present("requester_id") {
            guard let number = id.int, users.contains(where: { $0.id == Int(number) }) else {
                throw .invalid("requester", "Requester: is invalid", "InvalidValue")
            }
            return Int(number)
        }
        guard let person = given.present("requester") else { return users[0].id }
        let email = person["email"]?.string ?? ""
        guard MailAddress.isPlausible(email) else {
            throw .invalid("requester", "Requester: Email: \(email) is not properly formatted", "InvalidFormat")
        }
        if let known = users.first(where: { $0.email?.lowercased() == email.lowercased() }) { return known.id }
        guard let name = person["name"]?.string, !name.isEmpty else {
            throw .invalid("requester", "Requester: Name: is too short (minimum one character)", "BlankValue")
        }
        return addUser(name: name, email: email.lowercased(), externalID: nil, role: "end-user", at: now).id
    }

    // MARK: Update

    mutating func updateTicket(
        _ id: String, _ call: Call, at now: Instant
    ) throws(ZendeskError) -> InboundResponse {
        guard updates.take(at: now) else { throw .tooMany(updates.resetsAfter(now)) }
        var ticket = try ticket(id)
        let given = try Self.wrapped(call, in: "ticket")
        guard ticket.status != "closed" else {
            throw .invalid("status", "Status: closed prevents ticket update", "InvalidValue")
        }
        if given["safe_update"]?.bool == true, given["updated_stamp"]?.string != ticket.updatedAt.description {
            throw ZendeskError(409, "UpdateConflict", "Safe Update prevented the update due to outdated ticket data")
        }
        if let comment = try comment(in: given, at: now) { ticket.comments.append(comment) }
        try change(&ticket, by: given)
        ticket.updatedAt = now
        tickets[ticket.id] = ticket
        var answer = answer(200, ticket, at: now)
        answer.headers.append(
            .init(
                "zendesk-ratelimit-tickets-update",
                "total=\(limits.ticketUpdatesPerMinute); remaining=\(updates.remaining); "
                    + "resets=\(updates.resetsAfter(now).retryAfter)"))
        return answer
    }

    // MARK: Shared

    static func wrapped(_ call: Call, in name: String) throws(ZendeskError) -> JSONObject {
        guard call.saysJSON else { throw ZendeskError(415, "Unsupported Media Type", "Content-Type must be JSON") }
        guard let body = call.json else { throw ZendeskError(400, "Unprocessable request", "The body is not JSON") }
        guard let inner = body[name]?.object else {
            throw ZendeskError(400, "Parameter \(name) is required", "Parameter \(name) is required")
        }
        return inner
    }

    private mutating func comment(
        in given: JSONObject, at now: Instant
    ) throws(ZendeskError) -> ZendeskTicket.Comment? {
        guard let comment = given["comment"] else { return nil }
        guard let body = comment["body"]?.string ?? comment["html_body"]?.string, !body.isEmpty else {
            throw .invalid("comment", "Comment: cannot be blank", "BlankValue")
        }
        lastID += 1
        return .init(
            id: lastID, authorID: comment["author_id"]?.int.map { Int($0) } ?? users[0].id, body: body,
            isPublic: comment["public"]?.bool ?? true, createdAt: now)
    }

    private mutating func change(_ ticket: inout ZendeskTicket, by given: JSONObject) throws(ZendeskError) {
        if let subject = given["subject"]?.string { ticket.subject = subject }
        ticket.status =
            try choice(given, "status", ["new", "open", "pending", "hold", "solved", "closed"])
            ?? ticket.status
        ticket.priority = try choice(given, "priority", ["urgent", "high", "normal", "low"]) ?? ticket.priority
        ticket.type = try choice(given, "type", ["problem", "incident", "question", "task"]) ?? ticket.type
        if let id = given.present("external_id") {
            guard let text = id.string else {
                throw .invalid("external_id", "External: must be a string", "InvalidValue")
            }
            ticket.externalID = text
        }
        if let tags = try tags(given, "tags") { ticket.tags = tags }
        if let more = try tags(given, "additional_tags") {
            ticket.tags += more.filter { !ticket.tags.contains($0) }
        }
        if let fewer = try tags(given, "remove_tags") { ticket.tags.removeAll { fewer.contains($0) } }
        if let fields = given["custom_fields"]?.array { ticket.customFields = fields }
    }

    private func choice(_ given: JSONObject, _ name: String, _ allowed: [String]) throws(ZendeskError) -> String? {
        guard let value = given.present(name) else { return nil }
        guard let text = value.string, allowed.contains(text) else {
            throw .invalid(name, "\(name): \(value.encodedText.prefix(60)) is not valid", "InvalidValue")
        }
        return text
    }

    private func tags(_ given: JSONObject, _ name: String) throws(ZendeskError) -> [String]? {
        guard let value = given.present(name) else { return nil }
        guard let list = value.array, list.allSatisfy({ $0.string?.isEmpty == false }) else {
            throw .invalid(name, "\(name): must be a list of texts", "InvalidValue")
        }
        return list.compactMap(\.string).flatMap { $0.lowercased().split(separator: " ").map(String.init) }
    }

    private func answer(_ status: Int, _ ticket: ZendeskTicket, at now: Instant) -> InboundResponse {
        let audit: JSONObject = [
            "id": .int(Int64(ticket.comments.last?.id ?? 0) + 500_000), "ticket_id": .int(Int64(ticket.id)),
            "author_id": .int(Int64(users[0].id)), "created_at": .string(now.description), "events": [],
            "metadata": [:], "via": ["channel": "api"],
        ]
        return .json(status, ["ticket": .object(ticket.json(base: base)), "audit": .object(audit)])
    }
}
