package import Model
package import Seams

/// HubSpot's CRM API v3 and v4, as far as contacts, notes, deals, tickets, their properties and associations go.
///
/// Strict where its description is: property values are text. Records appear in searches only after `searchLag`.
package struct HubSpotStandIn: StandIn {
    /// What the account allows; the numbers of a private app on a free or starter account.
    package struct Limits: Sendable {
        package var callsPerTenSeconds = 100
        package var searchesPerSecond = 5
        package var callsPerDay = 250_000
        package var searchLag: Duration = .seconds(30)

        package init() {}
    }

    let limits: Limits
    /// The tokens that work.
    ///
    /// A test that revokes one changes this.
    package var tokens: Set<String>
    var objects: [String: HubSpotObjects] = [:]
    var properties: [String: [HubSpotProperty]]
    var associations: [HubSpotAssociation] = []
    /// Where the ids of merged contacts lead.
    var redirects: [Int: Int] = [:]
    private var calls: CallRate
    private var searches: CallRate
    private var day: CallRate
    private var answers = 0
    var lastID = 50

    package init(token: String, limits: Limits = Limits()) {
        tokens = [token]
        self.limits = limits
        properties = HubSpotProperty.builtIn
        calls = CallRate(limit: limits.callsPerTenSeconds, per: .seconds(10), window: .rolling)
        searches = CallRate(limit: limits.searchesPerSecond, per: .seconds(1), window: .rolling)
        day = CallRate(limit: limits.callsPerDay, per: .seconds(86_400), window: .fixed)
    }

    package mutating func respond(to request: OutboundRequest, at now: Instant) -> InboundResponse {
        let call = Call(request)
        answers += 1
        let isSearch = call.segments.last == "search"
        var answer: InboundResponse
        do throws(HubSpotError) {
            try authorize(call)
            try count(isSearch: isSearch, at: now)
            answer = try route(call, at: now)
        } catch {
            answer = error.response(number: answers)
        }
        // Searches have a limit of their own and their answers say nothing of the others.
        if !isSearch { answer.headers += rateHeaders }
        return answer
    }

    private func authorize(_ call: Call) throws(HubSpotError) {
        let words = (call.header("authorization") ?? "").split(separator: " ", maxSplits: 1)
        guard words.count == 2, words[0].lowercased() == "bearer", tokens.contains(String(words[1])) else {
            throw HubSpotError(
                401, "INVALID_AUTHENTICATION",
                "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find "
                    + "more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview")
        }
    }

    private mutating func count(isSearch: Bool, at now: Instant) throws(HubSpotError) {
        if isSearch {
            guard searches.take(at: now) else { throw .rate("SECONDLY", "secondly") }
            return
        }
        guard day.take(at: now) else { throw .rate("DAILY", "daily") }
        guard calls.take(at: now) else { throw .rate("TEN_SECONDLY_ROLLING", "ten_secondly_rolling") }
    }

    private var rateHeaders: [OutboundRequest.Header] {
        [
            .init("X-HubSpot-RateLimit-Daily", String(limits.callsPerDay)),
            .init("X-HubSpot-RateLimit-Daily-Remaining", String(day.remaining)),
            .init("X-HubSpot-RateLimit-Interval-Milliseconds", "10000"),
            .init("X-HubSpot-RateLimit-Max", String(limits.callsPerTenSeconds)),
            .init("X-HubSpot-RateLimit-Remaining", String(calls.remaining)),
        ]
    }

    private mutating func route(_ call: Call, at now: Instant) throws(HubSpotError) -> InboundResponse {
        let path = call.segments
        switch path.prefix(3) {
        case ["account-info", "v3", "details"] where call.method == "GET" && path.count == 3: return Self.account
        case ["crm", "v3", "objects"] where path.count >= 4:
            return try routeObjects(call, try Self.type(path[3]), Array(path.dropFirst(4)), at: now)
        case ["crm", "v3", "properties"] where path.count >= 4:
            return try routeProperties(call, try Self.type(path[3]), Array(path.dropFirst(4)), at: now)
        case ["crm", "v4", "objects"] where path.count >= 4:
            return try routeAssociations(call, Array(path.dropFirst(3)), at: now)
        default: throw HubSpotError(404, "OBJECT_NOT_FOUND", "resource not found")
        }
    }

    /// An object type by its name in paths, its singular or its number.
    static func type(_ name: String) throws(HubSpotError) -> String {
        switch name.lowercased() {
        case "contacts", "contact", "0-1": "contacts"
        case "companies", "company", "0-2": "companies"
        case "deals", "deal", "0-3": "deals"
        case "tickets", "ticket", "0-5": "tickets"
        case "notes", "note", "0-46": "notes"
        default:
            throw HubSpotError(
                400, "VALIDATION_ERROR", "Unable to infer object type from: \(name)")
        }
    }

    private static let account = InboundResponse.json(
        200,
        [
            "portalId": 62515, "accountType": "DEVELOPER_TEST", "timeZone": "US/Eastern", "companyCurrency": "USD",
            "additionalCurrencies": [], "utcOffset": "-05:00", "utcOffsetMilliseconds": -18_000_000,
            "uiDomain": "app.hubspot.com", "dataHostingLocation": "na1",
        ])

    // MARK: Read by tests and people

    /// Contacts, oldest first.
    package var contacts: [HubSpotObject] { objects["contacts"]?.all ?? [] }
    package var notes: [HubSpotObject] { objects["notes"]?.all ?? [] }

    /// Whether two records are associated, in either direction.
    package func areAssociated(_ one: Int, _ other: Int) -> Bool {
        associations.contains { ($0.from, $0.to) == (one, other) || ($0.from, $0.to) == (other, one) }
    }

    package var ledger: JSONObject {
        var ledger = JSONObject()
        for type in ["contacts", "notes", "deals", "tickets"] {
            ledger[type] = .array((objects[type]?.all ?? []).map { .object($0.json(showing: nil)) })
        }
        ledger["associations"] = .array(
            associations.map { ["from": .int(Int64($0.from)), "to": .int(Int64($0.to))] })
        return ledger
    }
}
