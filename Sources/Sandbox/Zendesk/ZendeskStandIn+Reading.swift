internal import Model
internal import Seams

extension ZendeskStandIn {
    /// All tickets, or those with an `external_id`: a filter on the records themselves, current at once.
    func listTickets(_ call: Call) throws(ZendeskError) -> InboundResponse {
        let list =
            if let externalID = call.parameter("external_id") {
                (ticketsByExternalID[externalID] ?? []).compactMap { tickets[$0] }
            } else { allTickets }
        return try page(list.map { .object($0.json(base: base)) }, named: "tickets", call)
    }

    func listComments(_ id: String, _ call: Call) throws(ZendeskError) -> InboundResponse {
        var comments = try ticket(id).comments
        if call.parameter("sort_order") == "desc" || call.parameter("sort") == "-created_at" { comments.reverse() }
        return try page(comments.map { .object($0.json) }, named: "comments", call)
    }

    /// One page: by cursor where `page[size]` is given, else by number.
    private func page(_ all: [JSONValue], named name: String, _ call: Call) throws(ZendeskError) -> InboundResponse {
        if let size = call.parameter("page[size]") {
            guard let size = Int(size), (1...100).contains(size) else {
                throw ZendeskError(400, "InvalidPaginationParameter", "page[size] must be between 1 and 100")
            }
            let start = max(0, call.parameter("page[after]").flatMap { Int($0) } ?? 0)
            let hasMore = start + size < all.count
            let next: JSONValue =
                hasMore ? .string("\(base)\(call.path)?page[size]=\(size)&page[after]=\(start + size)") : .null
            return .json(
                200,
                [
                    name: .array(Array(all.dropFirst(start).prefix(size))),
                    "meta": [
                        "has_more": .bool(hasMore), "after_cursor": hasMore ? .string(String(start + size)) : .null,
                        "before_cursor": nil,
                    ], "links": ["next": next, "prev": nil],
                ])
        }
        let number = max(1, call.parameter("page").flatMap { Int($0) } ?? 1)
        let size = min(100, max(1, call.parameter("per_page").flatMap { Int($0) } ?? 100))
        let start = min(all.count, (number - 1).multipliedReportingOverflow(by: size).partialValue)
        let hasMore = start + size < all.count
        return .json(
            200,
            [
                name: .array(Array(all.dropFirst(max(0, start)).prefix(size))), "count": .int(Int64(all.count)),
                "next_page": hasMore ? .string("\(base)\(call.path)?page=\(number + 1)&per_page=\(size)") : .null,
                "previous_page": nil,
            ])
    }

    // MARK: Users

    /// Who calls.
    ///
    /// A caller without a valid credential is no error here but a user without an id.
    func me(isKnown: Bool) -> InboundResponse {
        guard isKnown else {
            return .json(
                200,
                [
                    "user": [
                        "id": nil, "name": "Anonymous user", "email": "invalid@example.com", "role": "end-user",
                        "verified": false,
                    ]
                ])
        }
        return .json(200, ["user": .object(users[0].json(base: base))])
    }

    mutating func createOrUpdateUser(_ call: Call, at now: Instant) throws(ZendeskError) -> InboundResponse {
        let given = try Self.wrapped(call, in: "user")
        let email = given.present("email")?.string
        let externalID = given.present("external_id")?.string
        if let email, !MailAddress.isPlausible(email) {
            throw .invalid("email", "Email: \(email) is not properly formatted", "InvalidFormat")
        }
        let byEmail = email.flatMap { email in
            users.firstIndex { $0.email?.lowercased() == email.lowercased() }
        }
        let byExternalID = externalID.flatMap { id in
            users.firstIndex { $0.externalID?.lowercased() == id.lowercased() }
        }
        if let byEmail, let byExternalID, byEmail != byExternalID {
            throw .invalid("email", "Email: \(email ?? "") is already being used by another user", "DuplicateValue")
        }
        guard let index = byEmail ?? byExternalID else {
            guard let name = given.present("name")?.string else {
                throw .invalid("name", "Name: is too short (minimum one character)", "BlankValue")
            }
            let user = addUser(
                name: name, email: email?.lowercased(), externalID: externalID,
                role: given["role"]?.string ?? "end-user", at: now)
            return .json(201, ["user": .object(user.json(base: base))])
        }
        if let name = given.present("name")?.string { users[index].name = name }
        if let externalID { users[index].externalID = externalID }
        users[index].updatedAt = now
        return .json(200, ["user": .object(users[index].json(base: base))])
    }

    mutating func addUser(
        name: String, email: String?, externalID: String?, role: String, at now: Instant
    ) -> ZendeskUser {
        lastID += 1
        let user = ZendeskUser(id: lastID, name: name, email: email, externalID: externalID, role: role, at: now)
        users.append(user)
        return user
    }

    func searchUsers(_ call: Call) -> InboundResponse {
        let found = users.filter { user in
            if let id = call.parameter("external_id") { return user.externalID?.lowercased() == id.lowercased() }
            guard let query = call.parameter("query") else { return false }
            return query == user.email || query == "email:\(user.email ?? "")"
        }
        return .json(
            200,
            [
                "users": .array(found.map { .object($0.json(base: base)) }), "count": .int(Int64(found.count)),
                "next_page": nil, "previous_page": nil,
            ])
    }
}
