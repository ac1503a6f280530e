package import Model
package import Seams

/// Zendesk's ticketing API, as far as tickets, their comments and users go.
package struct ZendeskStandIn: StandIn {
    /// What the account allows.
    package struct Limits: Sendable {
        package var callsPerMinute = 700
        package var ticketUpdatesPerMinute = 100
        /// Zendesk has a limit of its own on making tickets and does not say which; nil: none.
        package var ticketCreationsPerMinute: Int?
        package var exportsPerMinute = 10
        package var idempotencyLifetime: Duration = .seconds(7200)

        package init() {}
    }

    let limits: Limits
    /// The agent's address and the tokens that work for it.
    ///
    /// A test that revokes a token changes this.
    package let email: String
    package var tokens: Set<String>
    /// The account's address, for the links in its answers.
    let base: String
    var tickets: [Int: ZendeskTicket] = [:]
    var users: [ZendeskUser]
    var idempotency: [String: ZendeskKeptAnswer] = [:]
    var ticketsByExternalID: [String: [Int]] = [:]
    var updates: CallRate
    var creations: CallRate?
    var exports: CallRate
    private var calls: CallRate
    var lastID = 1000

    package init(
        email: String, token: String, base: String = "https://acme.zendesk.com", limits: Limits = Limits()
    ) {
        self.email = email
        tokens = [token]
        self.base = base
        self.limits = limits
        users = [
            ZendeskUser(id: 900, name: "Agent", email: email, externalID: nil, role: "admin", at: .init(seconds: 0))
        ]
        calls = CallRate(limit: limits.callsPerMinute, per: .seconds(60), window: .fixed)
        updates = CallRate(limit: limits.ticketUpdatesPerMinute, per: .seconds(60), window: .fixed)
        exports = CallRate(limit: limits.exportsPerMinute, per: .seconds(60), window: .fixed)
        creations = limits.ticketCreationsPerMinute.map { CallRate(limit: $0, per: .seconds(60), window: .fixed) }
    }

    package mutating func respond(to request: OutboundRequest, at now: Instant) -> InboundResponse {
        let call = Call(request)
        if let page = agentPage(call) { return page }
        var answer: InboundResponse
        do throws(ZendeskError) {
            guard calls.take(at: now) else { throw .tooMany(calls.resetsAfter(now)) }
            answer = try route(call, at: now)
        } catch {
            answer = error.response
        }
        answer.headers += [
            .init("X-Rate-Limit", String(limits.callsPerMinute)),
            .init("X-Rate-Limit-Remaining", String(calls.remaining)),
            .init("ratelimit-limit", String(limits.callsPerMinute)),
            .init("ratelimit-remaining", String(calls.remaining)),
            .init("ratelimit-reset", calls.resetsAfter(now).retryAfter),
        ]
        return answer
    }

    /// Where links to a ticket lead: for people, who see what the agent would.
    private func agentPage(_ call: Call) -> InboundResponse? {
        guard call.method == "GET", call.segments.count == 3, call.segments.starts(with: ["agent", "tickets"]),
            let ticket = Int(call.segments[2]).flatMap({ tickets[$0] })
        else { return nil }
        let comments = ticket.comments.map { "\($0.isPublic ? "public" : "internal"): \($0.body)" }
        let lines = ["Ticket \(ticket.id) at the stand-in for Zendesk: \(ticket.subject)", "Status: \(ticket.status)"]
        return .text(200, (lines + comments).joined(separator: "\n\n") + "\n")
    }

    private func isAuthorized(_ call: Call) -> Bool {
        guard let given = call.header("authorization") else { return false }
        return tokens.contains { given == "Basic " + Base64.encode("\(email)/token:\($0)".utf8) }
    }

    private mutating func route(_ call: Call, at now: Instant) throws(ZendeskError) -> InboundResponse {
        var path = call.segments
        guard path.count >= 3, path[0] == "api", path[1] == "v2" else { throw .notFound }
        // Zendesk takes each path with and without this ending.
        if let last = path.last, last.hasSuffix(".json") { path[path.count - 1] = String(last.dropLast(5)) }
        let isKnown = isAuthorized(call)
        let rest = Array(path.dropFirst(2))
        if call.method == "GET", rest == ["users", "me"] { return me(isKnown: isKnown) }
        guard isKnown else { throw ZendeskError(401, "Couldn't authenticate you") }
        switch (call.method, rest.first, rest.count) {
        case ("POST", "tickets", 1): return try createTicket(call, at: now)
        case ("GET", "tickets", 1): return try listTickets(call)
        case ("GET", "tickets", 2) where rest[1] == "count":
            return .json(
                200, ["count": ["value": .int(Int64(tickets.count)), "refreshed_at": .string(now.description)]])
        case ("GET", "tickets", 2): return .json(200, ["ticket": .object(try ticket(rest[1]).json(base: base))])
        case ("PUT", "tickets", 2): return try updateTicket(rest[1], call, at: now)
        case ("GET", "tickets", 3) where rest[2] == "comments": return try listComments(rest[1], call)
        case ("POST", "tickets", 3) where rest[2] == "merge": return try mergeTickets(rest[1], call, at: now)
        case ("GET", "incremental", 3) where rest[1...] == ["tickets", "cursor"]:
            return try exportTickets(call, at: now)
        case ("POST", "users", 2) where rest[1] == "create_or_update": return try createOrUpdateUser(call, at: now)
        case ("GET", "users", 2) where rest[1] == "search": return searchUsers(call)
        default: throw .notFound
        }
    }

    func ticket(_ id: String) throws(ZendeskError) -> ZendeskTicket {
        guard let ticket = Int(id).flatMap({ tickets[$0] }), ticket.status != "deleted" else { throw .notFound }
        return ticket
    }

    // MARK: Read by tests and people

    /// All tickets, oldest first.
    package var allTickets: [ZendeskTicket] { tickets.values.sorted { $0.id < $1.id } }
    package var allUsers: [ZendeskUser] { users }

    /// Sets a ticket's status as an agent or an automation of the account would; a closed one stays so for ever.
    package mutating func setStatus(_ status: String, ofTicket id: Int, at now: Instant) {
        tickets[id]?.status = status
        tickets[id]?.updatedAt = now
    }

    package var ledger: JSONObject {
        [
            "tickets": .array(
                allTickets.map { ticket in
                    var json = ticket.json(base: base)
                    json["comments"] = .array(ticket.comments.map { .object($0.json) })
                    return .object(json)
                }),
            "users": .array(users.map { .object($0.json(base: base)) }),
        ]
    }
}
