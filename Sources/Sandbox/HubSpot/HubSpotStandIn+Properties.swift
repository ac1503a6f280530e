internal import Model
internal import Seams

extension HubSpotStandIn {
    /// `/crm/v3/properties/{type}` and one below it.
    mutating func routeProperties(
        _ call: Call, _ type: String, _ rest: [String], at now: Instant
    ) throws(HubSpotError) -> InboundResponse {
        let known = properties[type] ?? []
        switch (call.method, rest.count) {
        case ("GET", 0): return .json(200, ["results": .array(known.map { .object($0.json) })])
        case ("GET", 1):
            guard let property = known.first(where: { $0.name == rest[0] }) else { throw .notFound(rest[0]) }
            return .json(200, property.json)
        case ("POST", 0): return try createProperty(call, type)
        default: throw HubSpotError(405, "VALIDATION_ERROR", "Method Not Allowed")
        }
    }

    private mutating func createProperty(_ call: Call, _ type: String) throws(HubSpotError) -> InboundResponse {
        guard call.saysJSON, let body = call.json else { throw .validation("Invalid input JSON") }
        func text(_ name: String) throws(HubSpotError) -> String {
            guard let text = body.present(name)?.string else {
                throw .validation("Invalid input JSON: required property '\(name)' is missing")
            }
            return text
        }
        let property = HubSpotProperty(
            name: try text("name"), label: try text("label"), type: try text("type"), fieldType: try text("fieldType"),
            groupName: try text("groupName"), hasUniqueValue: body["hasUniqueValue"]?.bool ?? false,
            options: (body["options"]?.array ?? []).compactMap { $0["value"]?.string })
        guard HubSpotProperty.types.contains(property.type) else {
            throw .validation("'\(property.type)' is no property type")
        }
        guard HubSpotProperty.fieldTypes.contains(property.fieldType) else {
            throw .validation("'\(property.fieldType)' is no field type")
        }
        guard property.name.utf8.allSatisfy(Self.isNameByte) else {
            throw .validation("Property names hold lower-case letters, digits and underscores only")
        }
        guard !(properties[type] ?? []).contains(where: { $0.name == property.name }) else {
            throw HubSpotError(409, "OBJECT_ALREADY_EXISTS", "Property already exists: \(property.name)")
        }
        properties[type, default: []].append(property)
        return .json(201, property.json)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
        default: false
        }
    }

    func property(_ type: String, _ name: String) -> HubSpotProperty? {
        properties[type]?.first { $0.name == name }
    }

    func uniqueNames(_ type: String) -> [String] {
        (properties[type] ?? []).filter(\.hasUniqueValue).map(\.name)
    }
}
