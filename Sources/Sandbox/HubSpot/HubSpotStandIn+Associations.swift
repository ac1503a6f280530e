internal import Model
internal import Seams

/// A directed link between two records.
///
/// Ids are unique over all types here.
struct HubSpotAssociation: Sendable, Hashable {
    var fromType: String
    var from: Int
    var toType: String
    var to: Int
    var typeID: Int
}

extension HubSpotStandIn {
    /// Links that a new record asks for, each to an existing record and of a type that fits.
    func links(in body: JSONObject, _ type: String) throws(HubSpotError) -> [HubSpotAssociation] {
        var links: [HubSpotAssociation] = []
        for given in body["associations"]?.array ?? [] {
            guard let id = given["to"]?["id"]?.string.flatMap({ Int($0) }),
                let kinds = given["types"]?.array, !kinds.isEmpty
            else { throw .validation("Invalid input JSON: an association needs 'to' with an 'id', and 'types'") }
            for kind in kinds {
                guard kind["associationCategory"]?.string == "HUBSPOT_DEFINED",
                    let number = kind["associationTypeId"]?.int,
                    let known = Self.kinds.first(where: { $0.from == type && $0.id == Int(number) })
                else { throw .validation("The association type is not valid for \(type)") }
                guard objects[known.to]?[id] != nil else { throw .notFound(String(id)) }
                links.append(.init(fromType: type, from: 0, toType: known.to, to: id, typeID: known.id))
            }
        }
        return links
    }

    mutating func associate(_ type: String, _ id: Int, _ link: HubSpotAssociation, at now: Instant) {
        var link = link
        link.from = id
        if !associations.contains(link) { associations.append(link) }
    }

    /// `/crm/v4/objects/...`: set the default link (PUT), or a labelled one, or list.
    mutating func routeAssociations(
        _ call: Call, _ path: [String], at now: Instant
    ) throws(HubSpotError) -> InboundResponse {
        let type = try Self.type(path[0])
        guard path.count >= 4, path[2] == "associations", let id = Int(path[1]), objects[type]?[id] != nil else {
            throw .notFound(path.count > 1 ? path[1] : type)
        }
        switch (call.method, path.count, path[3]) {
        case ("PUT", 6, "default"):
            let link = try link(type, id, path[4], path[5])
            associate(type, id, link, at: now)
            return Self.batch([Self.json(link, swapped: false)], at: now)
        case ("GET", 4, let other): return list(type, id, try Self.type(other))
        default: throw HubSpotError(405, "VALIDATION_ERROR", "Method Not Allowed")
        }
    }

    private func link(
        _ type: String, _ id: Int, _ otherName: String, _ otherID: String
    ) throws(HubSpotError) -> HubSpotAssociation {
        let other = try Self.type(otherName)
        guard let to = Int(otherID), objects[other]?[to] != nil else { throw .notFound(otherID) }
        guard let kind = Self.kinds.first(where: { $0.from == type && $0.to == other }) else {
            throw .validation("\(type) cannot be associated with \(other)")
        }
        return .init(fromType: type, from: id, toType: other, to: to, typeID: kind.id)
    }

    private func list(_ type: String, _ id: Int, _ other: String) -> InboundResponse {
        let results = associations.compactMap { link -> JSONValue? in
            let far: Int? =
                if (link.fromType, link.from, link.toType) == (type, id, other) {
                    link.to
                } else if (link.toType, link.to, link.fromType) == (type, id, other) { link.from } else { nil }
            guard let far else { return nil }
            return [
                "toObjectId": .string(String(far)),
                "associationTypes": [
                    ["category": "HUBSPOT_DEFINED", "typeId": .int(Int64(link.typeID))]
                ],
            ]
        }
        return .json(200, ["results": .array(results)])
    }

    private static func json(_ link: HubSpotAssociation, swapped: Bool) -> JSONValue {
        [
            "from": ["id": .string(String(link.from))], "to": ["id": .string(String(link.to))],
            "associationSpec": [
                "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": .int(Int64(link.typeID)),
            ],
        ]
    }

    /// HubSpot's own association types, as its official client numbers them; the first of a pair is the default.
    private static let kinds: [(from: String, to: String, id: Int)] = [
        ("notes", "contacts", 202), ("notes", "deals", 214), ("notes", "tickets", 228), ("deals", "contacts", 3),
        ("contacts", "deals", 4), ("contacts", "tickets", 15), ("tickets", "contacts", 16),
        ("contacts", "companies", 279), ("contacts", "companies", 1), ("deals", "companies", 341),
        ("deals", "companies", 5), ("contacts", "notes", 201),
    ]
}
