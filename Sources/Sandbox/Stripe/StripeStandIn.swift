package import Model
package import Seams

/// Stripe's API as far as one who may only read sees it: the list of events and the objects of which they tell.
///
/// It keeps what it is told has happened, whether or not a webhook was ever delivered; events go after 30 days.
package struct StripeStandIn: StandIn {
    package struct Limits: Sendable {
        /// A test account's.
        package var callsPerSecond = 25
        package var eventsReach: Duration = .seconds(30 * 86_400)

        package init() {}
    }

    let limits: Limits
    /// Keys that work.
    ///
    /// A test that revokes one changes this.
    package var keys: Set<String>
    /// Lists that the restricted keys may read.
    package var permissions: Set<String> = ["events", "payment_intents", "charges", "refunds", "subscriptions"]
    private var calls: CallRate
    private var answers = 0
    /// In the order in which they happened.
    private var events: [JSONObject] = []
    private var objects: [String: [JSONObject]] = [:]
    private var places: [String: (list: String, index: Int)] = [:]

    package init(key: String, limits: Limits = Limits()) {
        keys = [key]
        self.limits = limits
        calls = CallRate(limit: limits.callsPerSecond, per: .seconds(1), window: .rolling)
    }

    // MARK: What happens there

    private static let lists = [
        "payment_intent": "payment_intents", "charge": "charges", "refund": "refunds", "subscription": "subscriptions",
    ]

    /// The event happened, and its object stands as it says.
    package mutating func record(_ event: StripeEvent) {
        events.append(event.json)
        if let object = event.json["data"]?["object"]?.object { put(object) }
    }

    /// An object stands like this, without any event that tells of it (they are kept for 30 days alone).
    package mutating func put(_ object: JSONObject) {
        guard let id = object["id"]?.string, let list = object["object"]?.string.flatMap({ Self.lists[$0] }) else {
            return
        }
        if let place = places[id] {
            objects[list]?[place.index] = object
        } else {
            places[id] = (list, objects[list]?.count ?? 0)
            objects[list, default: []].append(object)
        }
    }

    /// Changes the status of an object without telling anybody.
    package mutating func setStatus(_ status: String, of id: String) {
        guard let place = places[id] else { return }
        objects[place.list]?[place.index]["status"] = .string(status)
    }

    /// Lets go of an event, as after 30 days.
    package mutating func dropEvent(_ id: String) { events.removeAll { $0["id"]?.string == id } }

    package var ledger: JSONObject {
        var ledger: JSONObject = ["events": .int(Int64(events.count))]
        for list in Self.lists.values.sorted() { ledger[list] = .int(Int64(objects[list]?.count ?? 0)) }
        return ledger
    }

    // MARK: Answering

    package mutating func respond(to request: OutboundRequest, at now: Instant) -> InboundResponse {
        let call = Call(request)
        answers += 1
        var answer: InboundResponse
        do throws(StripeError) {
            try authorize(call)
            guard calls.take(at: now) else { throw .rate }
            answer = try route(call, at: now)
        } catch {
            answer = error.response
        }
        answer.headers.append(.init("request-id", ProviderID.make("req_", "\(answers)", length: 14)))
        return answer
    }

    private func authorize(_ call: Call) throws(StripeError) {
        let words = (call.header("authorization") ?? "").split(separator: " ", maxSplits: 1)
        guard words.count == 2, words[0].lowercased() == "bearer" else {
            throw StripeError(
                401, "invalid_request_error",
                "You did not provide an API key. You need to provide your API key in the Authorization header.")
        }
        guard keys.contains(String(words[1])) else {
            let shown = words[1].suffix(4)
            throw StripeError(401, "invalid_request_error", "Invalid API Key provided: ****\(shown)")
        }
    }

    private func route(_ call: Call, at now: Instant) throws(StripeError) -> InboundResponse {
        let path = call.segments
        guard path.count == 2 || path.count == 3, path[0] == "v1",
            path[1] == "events" || Self.lists.values.contains(path[1])
        else {
            throw StripeError(404, "invalid_request_error", "Unrecognized request URL (\(call.method): \(call.path)).")
        }
        guard call.method == "GET" else {
            throw StripeError(403, "invalid_request_error", "The provided key may read and not write.")
        }
        guard permissions.contains(path[1]) else {
            throw StripeError(
                403, "invalid_request_error",
                "The provided key does not have the required permissions for this endpoint: \(path[1]) (read).")
        }
        let all = path[1] == "events" ? living(at: now) : objects[path[1]] ?? []
        guard path.count == 3 else { return try list(all, call) }
        guard let found = all.first(where: { $0["id"]?.string == path[2] }) else {
            throw StripeError(404, "invalid_request_error", "No such \(path[1].dropLast()): '\(path[2])'", "id")
        }
        return .json(200, found)
    }

    private func living(at now: Instant) -> [JSONObject] {
        let oldest = (now - limits.eventsReach).seconds
        return events.filter { ($0["created"]?.int ?? 0) >= oldest }
    }
}
