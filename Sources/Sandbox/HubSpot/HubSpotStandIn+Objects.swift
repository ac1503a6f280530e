internal import Model
internal import Seams

extension HubSpotStandIn {
    /// `/crm/v3/objects/{type}` and what lies below it.
    mutating func routeObjects(
        _ call: Call, _ type: String, _ rest: [String], at now: Instant
    ) throws(HubSpotError) -> InboundResponse {
        switch (call.method, rest.first, rest.count) {
        case ("POST", nil, 0): return try createObject(call, type, at: now)
        case ("POST", "search", 1): return try search(call, type, at: now)
        case ("POST", "batch", 2) where rest[1] == "upsert": return try batchUpsert(call, type, at: now)
        case ("POST", "batch", 2) where rest[1] == "read": return try batchRead(call, type, at: now)
        case ("POST", "merge", 1) where type == "contacts": return try mergeContacts(call, at: now)
        case ("GET", let id?, 1):
            let object = try find(type, id, by: call.parameter("idProperty"))
            return .json(200, object.json(showing: Self.shown(call.parameter("properties"), of: type)))
        case ("PATCH", let id?, 1):
            let object = try find(type, id, by: call.parameter("idProperty"))
            let values = try values(in: try Self.body(of: call), type)
            let changed = try write(values, to: object, type, at: now)
            return .json(200, changed.json(showing: Self.shown(of: changed, values, type)))
        default: throw HubSpotError(405, "VALIDATION_ERROR", "Method Not Allowed")
        }
    }

    private mutating func createObject(
        _ call: Call, _ type: String, at now: Instant
    ) throws(HubSpotError) -> InboundResponse {
        let body = try Self.body(of: call)
        let values = try values(in: body, type)
        let links = try links(in: body, type)
        let object = try create(values, type, at: now)
        for link in links { associate(type, object.id, link, at: now) }
        return .json(201, object.json(showing: Self.shown(of: object, values, type)))
    }

    // MARK: Shared with batches

    static func body(of call: Call) throws(HubSpotError) -> JSONObject {
        guard call.saysJSON else { throw HubSpotError(415, "VALIDATION_ERROR", "Unsupported Media Type") }
        guard let body = call.json else { throw .validation("Invalid input JSON") }
        return body
    }

    /// The record of that id, or of that value of a unique property.
    func find(_ type: String, _ id: String, by property: String?) throws(HubSpotError) -> HubSpotObject {
        let found: HubSpotObject?
        if let property, property != "hs_object_id" {
            try refuseOrdinary(property, type)
            found = objects[type]?.find(property, id)
        } else {
            found = Int(id).flatMap { objects[type]?[$0] ?? redirects[$0].flatMap { objects[type]?[$0] } }
        }
        guard let found else { throw .notFound(id) }
        return found
    }

    /// Only a property whose values are unique can name a record.
    func refuseOrdinary(_ idProperty: String?, _ type: String) throws(HubSpotError) {
        guard let idProperty, idProperty != "hs_object_id" else { return }
        guard property(type, idProperty)?.hasUniqueValue == true else {
            throw .validation("The property '\(idProperty)' is not a unique property of \(type)")
        }
    }

    /// The property values of a body, each of which must exist, be text and fit its type.
    func values(in body: JSONObject, _ type: String) throws(HubSpotError) -> [String: String] {
        guard let given = body["properties"]?.object else {
            throw .validation("Invalid input JSON: required property 'properties' is missing")
        }
        var values: [String: String] = [:]
        var wrong: [HubSpotError.Detail] = []
        for member in given.members {
            guard let property = property(type, member.key) else {
                wrong.append(
                    .init(
                        message: "Property \"\(member.key)\" does not exist", code: "PROPERTY_DOESNT_EXIST",
                        property: member.key))
                continue
            }
            guard var value = member.value.string else {
                throw .validation("Invalid input JSON: the value of '\(member.key)' must be a string")
            }
            if property.name == "email" { value = value.lowercased() }
            if let problem = property.problem(with: value) { wrong.append(problem) }
            values[member.key] = value
        }
        guard wrong.isEmpty else { throw .values(wrong) }
        return values
    }

    mutating func create(
        _ values: [String: String], _ type: String, at now: Instant
    ) throws(HubSpotError) -> HubSpotObject {
        let needed = Self.needed[type] ?? []
        let isEnough =
            type == "contacts"
            ? needed.contains { values[$0]?.isEmpty == false } : needed.allSatisfy { values[$0]?.isEmpty == false }
        guard isEnough else {
            throw .validation("Some required properties were not set: \(needed.joined(separator: ", "))")
        }
        try refuseTaken(values, type, except: nil)
        lastID += 1
        var object = HubSpotObject(id: lastID, properties: values, createdAt: now, updatedAt: now)
        object.properties = object.properties.filter { !$0.value.isEmpty }
        stamp(&object, type, created: true, at: now)
        objects[type, default: HubSpotObjects()].put(object, uniqueNames: uniqueNames(type))
        return object
    }

    mutating func write(
        _ values: [String: String], to object: HubSpotObject, _ type: String, at now: Instant
    ) throws(HubSpotError) -> HubSpotObject {
        try refuseTaken(values, type, except: object.id)
        var object = object
        for (name, value) in values { object.properties[name] = value.isEmpty ? nil : value }
        object.updatedAt = now
        stamp(&object, type, created: false, at: now)
        objects[type, default: HubSpotObjects()].put(object, uniqueNames: uniqueNames(type))
        return object
    }

    private func refuseTaken(_ values: [String: String], _ type: String, except id: Int?) throws(HubSpotError) {
        for name in uniqueNames(type) {
            guard let value = values[name], let other = objects[type]?.find(name, value), other.id != id else {
                continue
            }
            throw name == "email"
                ? HubSpotError(409, "CONFLICT", "Contact already exists. Existing ID: \(other.id)")
                : HubSpotError(
                    409, "CONFLICT",
                    "A record with the value \(value) for \(name) already exists. Existing ID: \(other.id)")
        }
    }

    private func stamp(_ object: inout HubSpotObject, _ type: String, created: Bool, at now: Instant) {
        object.properties["hs_object_id"] = String(object.id)
        if created { object.properties[type == "notes" ? "hs_createdate" : "createdate"] = now.description }
        object.properties[type == "contacts" ? "lastmodifieddate" : "hs_lastmodifieddate"] = now.description
    }

    /// What a record needs to be made: any one of these for contacts, all for the others.
    private static let needed = [
        "contacts": ["email", "firstname", "lastname"], "notes": ["hs_timestamp"],
        "deals": ["dealname", "dealstage"], "tickets": ["subject", "hs_pipeline_stage"], "companies": ["name"],
    ]

    // MARK: What an answer shows

    private static let always = ["createdate", "hs_object_id", "lastmodifieddate"]
    private static let alwaysElse = ["hs_createdate", "hs_lastmodifieddate", "hs_object_id"]

    static func shown(_ list: String?, of type: String) -> [String] {
        let usual = type == "contacts" ? ["email", "firstname", "lastname"] : []
        let asked = list.map { $0.split(separator: ",").map(String.init) } ?? usual
        return Array(Set(asked + (type == "contacts" ? always : alwaysElse))).sorted()
    }

    /// After a write: what was written and is set.
    static func shown(of object: HubSpotObject, _ values: [String: String], _ type: String) -> [String] {
        Set(values.keys).union(type == "contacts" ? always : alwaysElse)
            .filter { object.properties[$0] != nil }.sorted()
    }
}
