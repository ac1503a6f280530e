package import Model

/// One record of HubSpot's CRM.
package struct HubSpotObject: Sendable, Hashable {
    package let id: Int
    package var properties: [String: String]
    package let createdAt: Instant
    package var updatedAt: Instant

    /// The record as an answer shows it: `showing` names the properties, unset ones as null; nil shows all that is set.
    func json(showing names: [String]?) -> JSONObject {
        let shown: [(String, JSONValue)] =
            if let names {
                names.map { name in (name, properties[name].map { .string($0) } ?? .null) }
            } else {
                properties.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }
            }
        return [
            "id": .string(String(id)),
            "properties": .object(JSONObject(members: shown.map { .init(key: $0.0, value: $0.1) })),
            "createdAt": .string(createdAt.description), "updatedAt": .string(updatedAt.description),
            "archived": false,
        ]
    }
}

/// The records of one type, with an index for each property whose values are unique.
struct HubSpotObjects: Sendable {
    private var byID: [Int: HubSpotObject] = [:]
    private var unique: [String: [String: Int]] = [:]

    var all: [HubSpotObject] { byID.values.sorted { $0.id < $1.id } }
    subscript(_ id: Int) -> HubSpotObject? { byID[id] }

    /// The record with this value of a unique property.
    ///
    /// Values compare without regard to case.
    func find(_ property: String, _ value: String) -> HubSpotObject? {
        unique[property]?[value.lowercased()].flatMap { byID[$0] }
    }

    mutating func remove(_ id: Int) {
        guard let old = byID.removeValue(forKey: id) else { return }
        for (name, value) in old.properties where unique[name]?[value.lowercased()] == id {
            unique[name]?[value.lowercased()] = nil
        }
    }

    /// Keeps a record; `uniqueNames` are the properties to index.
    mutating func put(_ object: HubSpotObject, uniqueNames: [String]) {
        let old = byID[object.id]
        for name in uniqueNames where old?.properties[name] != object.properties[name] {
            if let value = old?.properties[name] { unique[name]?[value.lowercased()] = nil }
            if let value = object.properties[name], !value.isEmpty {
                unique[name, default: [:]][value.lowercased()] = object.id
            }
        }
        byID[object.id] = object
    }
}
