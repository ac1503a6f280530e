internal import ConnectorKit
internal import Model
internal import Seams
internal import Settings

/// The properties that an account must have for the flows to write into it.
struct HubSpotNeeds {
    enum ObjectType: String, CaseIterable { case contacts, notes }

    /// By object type; a type that no flow touches is not asked for.
    var properties: [ObjectType: Set<String>] = [:]

    init(flows: [Flow], destination: String) {
        for flow in flows {
            for call in flow.calls where call.destination == destination {
                guard let action = HubSpotAction(rawValue: call.action) else { continue }
                let own = flow.set?.map(\.name)
                switch action {
                case .upsertContact: add(own ?? HubSpotContact.defaultFields)
                case .setPaymentStatus: add(own ?? HubSpotContact.PaymentProperty.allCases.map(\.rawValue))
                case .addNote: properties[.notes, default: []].insert(HubSpotNote.keyProperty)
                }
            }
        }
    }

    private mutating func add(_ names: [String]) { properties[.contacts, default: []].formUnion(names) }

    /// How a property is made that the account lacks; nil for a name that HubSpot would refuse.
    static func definition(of name: String, group: String) -> JSONObject? {
        guard name.first?.isLowercase == true, name.count <= 100,
            name.allSatisfy({ $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "_") })
        else { return nil }
        let label = name.split(separator: "_").joined(separator: " ")
        let (type, fieldType): (String, String) =
            switch name {
            case HubSpotContact.PaymentProperty.amount.rawValue: ("number", "number")
            case HubSpotContact.PaymentProperty.at.rawValue: ("datetime", "date")
            default: ("string", "text")
            }
        var definition: JSONObject = [
            "name": .string(name), "label": .string(label.prefix(1).uppercased() + label.dropFirst()),
            "type": .string(type), "fieldType": .string(fieldType), "groupName": .string(group),
            "description": "Written by Throughline.",
        ]
        if name == HubSpotNote.keyProperty { definition["hasUniqueValue"] = true }
        return definition
    }
}

extension HubSpotDesk {
    /// Compares what is needed with what the account has, and makes what is missing where `isCreating`.
    func check(
        _ needed: Set<String>, of type: HubSpotNeeds.ObjectType, isCreating: Bool, into report: inout RequirementReport
    ) async throws(Setback) {
        let path = "/crm/v3/properties/\(type.rawValue)"
        let existing = try await get(path)["results"]?.array ?? []
        let names = Set(existing.compactMap { $0["name"]?.string })
        for property in existing where property["name"]?.string == HubSpotNote.keyProperty && type == .notes {
            guard property["hasUniqueValue"]?.bool == false else { continue }
            report.missing.append("\(type.rawValue).\(HubSpotNote.keyProperty) (it exists without unique values)")
        }
        let group = Self.group(of: type, in: existing)
        for name in needed.subtracting(names).sorted() {
            let title = "\(type.rawValue).\(name)"
            guard isCreating, let definition = HubSpotNeeds.definition(of: name, group: group) else {
                report.missing.append(title)
                continue
            }
            let response = try await visit.send("POST", path, body: definition.encoded)
            if response.isSuccess {
                report.created.append(title)
            } else if response.status != 409 {
                report.missing.append(title)
                throw Setback(answer(response).report)
            }
        }
    }

    /// Contacts have a group of that name in every account; other types get the group of what they have already.
    private static func group(of type: HubSpotNeeds.ObjectType, in existing: [JSONValue]) -> String {
        switch type {
        case .contacts: "contactinformation"
        case .notes:
            existing.first { $0["name"]?.string == "hs_note_body" }?["groupName"]?.string ?? "engagement"
        }
    }
}
