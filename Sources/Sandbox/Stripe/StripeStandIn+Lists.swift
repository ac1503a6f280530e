internal import Model
internal import Seams

extension StripeStandIn {
    private static let ranges = ["created", "created[gt]", "created[gte]", "created[lt]", "created[lte]"]
    private static let paging = ["limit", "starting_after", "ending_before", "expand[]", "expand[0]"]
    private static let own = [
        "events": ["type", "types[]", "types[0]", "delivery_success"], "payment_intents": ["customer"],
        "charges": ["customer", "payment_intent", "transfer_group"], "refunds": ["charge", "payment_intent"],
        "subscriptions": ["customer", "status", "price"],
    ]

    /// The newest first, a page at a time.
    func list(_ all: [JSONObject], _ call: Call) throws(StripeError) -> InboundResponse {
        let name = call.segments[1]
        try refuseUnknown(call, known: Self.ranges + Self.paging + (Self.own[name] ?? []))
        let limit = try number("limit", call) ?? 10
        guard (1...100).contains(limit) else {
            throw StripeError(
                400, "invalid_request_error", "This value must be between 1 and 100: \(limit).", "limit")
        }
        var found = try filtered(all, name, call)
        found.sort { Self.order($0) > Self.order($1) }
        if let after = call.parameter("starting_after") {
            found = Array(found.dropFirst(try place(of: after, in: found, "starting_after") + 1))
        } else if let before = call.parameter("ending_before") {
            found = Array(found.prefix(try place(of: before, in: found, "ending_before")).suffix(limit))
        }
        return .json(
            200,
            [
                "object": "list", "data": .array(found.prefix(limit).map { .object($0) }),
                "has_more": .bool(found.count > limit), "url": .string("/v1/\(name)"),
            ])
    }

    private static func order(_ object: JSONObject) -> (Int64, String) {
        (object["created"]?.int ?? 0, object["id"]?.string ?? "")
    }

    private func filtered(_ all: [JSONObject], _ name: String, _ call: Call) throws(StripeError) -> [JSONObject] {
        let bounds = (
            gt: try number("created[gt]", call), gte: try number("created[gte]", call),
            lt: try number("created[lt]", call), lte: try number("created[lte]", call),
            eq: try number("created", call)
        )
        let types = call.query.filter { $0.name == "types[]" || $0.name == "types[0]" }.map(\.value)
        guard types.count <= 20, types.isEmpty || call.parameter("type") == nil else {
            throw StripeError(
                400, "invalid_request_error", "You may pass up to 20 types, and not along with type.", "types")
        }
        let status = call.parameter("status")
        return all.filter { object in
            let created = Int(object["created"]?.int ?? 0)
            let isInRange =
                bounds.gt.map { created > $0 } ?? true && bounds.gte.map { created >= $0 } ?? true
                && bounds.lt.map { created < $0 } ?? true && bounds.lte.map { created <= $0 } ?? true
                && bounds.eq.map { created == $0 } ?? true
            guard isInRange else { return false }
            let type = object["type"]?.string ?? ""
            if let wanted = call.parameter("type"), !Self.matches(type, wanted) { return false }
            if !types.isEmpty, !types.contains(where: { Self.matches(type, $0) }) { return false }
            // Subscriptions that have ended are listed only when they are asked for.
            guard name == "subscriptions", status != "all" else { return true }
            let own = object["status"]?.string
            return status.map { own == $0 } ?? (own != "canceled")
        }
    }

    private static func matches(_ type: String, _ wanted: String) -> Bool {
        wanted == "*" || type == wanted || wanted.hasSuffix(".*") && type.hasPrefix(wanted.dropLast())
    }

    private func place(of id: String, in list: [JSONObject], _ parameter: String) throws(StripeError) -> Int {
        guard let index = list.firstIndex(where: { $0["id"]?.string == id }) else {
            throw StripeError(400, "invalid_request_error", "No such object: '\(id)'", parameter)
        }
        return index
    }

    private func number(_ name: String, _ call: Call) throws(StripeError) -> Int? {
        guard let text = call.parameter(name) else { return nil }
        guard let number = Int(text) else {
            throw StripeError(400, "invalid_request_error", "Invalid integer: \(text)", name)
        }
        return number
    }

    private func refuseUnknown(_ call: Call, known: [String]) throws(StripeError) {
        guard let name = call.query.map(\.name).first(where: { !known.contains($0) }) else { return }
        throw StripeError(400, "invalid_request_error", "Received unknown parameter: \(name)", name)
    }
}

/// A refusal in Stripe's form.
struct StripeError: Error {
    var status: Int
    var type: String
    var message: String
    var parameter: String?

    init(_ status: Int, _ type: String, _ message: String, _ parameter: String? = nil) {
        self.status = status
        self.type = type
        self.message = message
        self.parameter = parameter
    }

    static let rate = StripeError(429, "rate_limit_error", "Too many requests hit the API too quickly.")

    var response: InboundResponse {
        var error: JSONObject = ["type": .string(type), "message": .string(message)]
        if status == 404 { error["code"] = "resource_missing" }
        error["param"] = parameter.map { .string($0) }
        return .json(status, ["error": .object(error)])
    }
}
