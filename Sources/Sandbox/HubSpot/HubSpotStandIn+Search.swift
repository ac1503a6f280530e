internal import Model
internal import Seams

extension HubSpotStandIn {
    /// The search index: records younger than the lag are not in it yet.
    func search(_ call: Call, _ type: String, at now: Instant) throws(HubSpotError) -> InboundResponse {
        let body = try Self.body(of: call)
        let groups = try filterGroups(in: body, type)
        let limit = Int(body["limit"]?.int ?? 10)
        guard (1...200).contains(limit) else { throw .validation("limit must be at most 200") }
        let start = body.present("after")?.text.flatMap { Int($0) } ?? 0
        let found = (objects[type]?.all ?? []).filter { object in
            object.createdAt + limits.searchLag <= now
                && (groups.isEmpty || groups.contains { $0.allSatisfy { $0.matches(object) } })
        }
        let names = (body["properties"]?.array ?? []).compactMap(\.string)
        let shown = Self.shown(names.isEmpty ? nil : names.joined(separator: ","), of: type)
        let page = found.dropFirst(max(0, start)).prefix(limit)
        var answer: JSONObject = [
            "total": .int(Int64(found.count)),
            "results": .array(page.map { .object($0.json(showing: shown)) }),
        ]
        if start + limit < found.count { answer["paging"] = ["next": ["after": .string(String(start + limit))]] }
        return .json(200, answer)
    }

    private func filterGroups(in body: JSONObject, _ type: String) throws(HubSpotError) -> [[HubSpotFilter]] {
        let groups = body["filterGroups"]?.array ?? []
        guard groups.count <= 5 else { throw .validation("at most 5 filter groups are allowed") }
        var read: [[HubSpotFilter]] = []
        for group in groups {
            let filters = group["filters"]?.array ?? []
            guard filters.count <= 10 else { throw .validation("at most 10 filters are allowed in a group") }
            var list: [HubSpotFilter] = []
            for filter in filters {
                guard let filter = HubSpotFilter(filter) else { throw .validation("a filter is not valid") }
                guard filter.property == "hs_object_id" || property(type, filter.property) != nil else {
                    throw .validation("There was a problem with the request: unknown property \(filter.property)")
                }
                list.append(filter)
            }
            read.append(list)
        }
        guard read.joined().count <= 25 else { throw .validation("at most 25 filters are allowed") }
        return read
    }
}

/// One condition of a search.
struct HubSpotFilter {
    let property: String
    let operation: String
    let values: [String]

    init?(_ json: JSONValue) {
        guard let property = json["propertyName"]?.string, let operation = json["operator"]?.string else { return nil }
        let list = (json["values"]?.array ?? []).compactMap(\.string)
        let bounds = [json["value"]?.string, json["highValue"]?.string].compactMap { $0 }
        let needed: Int
        switch operation {
        case "HAS_PROPERTY", "NOT_HAS_PROPERTY": needed = 0
        case "BETWEEN": needed = 2
        case "EQ", "NEQ", "LT", "LTE", "GT", "GTE", "IN", "NOT_IN", "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN": needed = 1
        default: return nil
        }
        values = list.isEmpty ? bounds : list
        guard values.count >= needed else { return nil }
        self.property = property
        self.operation = operation
    }

    func matches(_ object: HubSpotObject) -> Bool {
        let value = object.properties[property]
        let isListed = value.map { value in values.contains { $0.lowercased() == value.lowercased() } } ?? false
        let hasToken = value.map { text in
            values.contains { text.lowercased().contains($0.lowercased().filter { $0 != "*" }) }
        }
        switch operation {
        case "EQ", "IN": return isListed
        case "NEQ", "NOT_IN": return !isListed
        case "HAS_PROPERTY": return value != nil
        case "NOT_HAS_PROPERTY": return value == nil
        case "CONTAINS_TOKEN": return hasToken ?? false
        case "NOT_CONTAINS_TOKEN": return !(hasToken ?? false)
        default: return value.map(isInRange) ?? false
        }
    }

    private func isInRange(_ value: String) -> Bool {
        /// Negative where the value is below the bound.
        func order(_ bound: String) -> Int {
            if let left = Double(value), let right = Double(bound) { return left < right ? -1 : left > right ? 1 : 0 }
            return value < bound ? -1 : value > bound ? 1 : 0
        }
        switch operation {
        case "LT": return order(values[0]) < 0
        case "LTE": return order(values[0]) <= 0
        case "GT": return order(values[0]) > 0
        case "GTE": return order(values[0]) >= 0
        default: return order(values[0]) >= 0 && order(values[1]) <= 0
        }
    }
}
