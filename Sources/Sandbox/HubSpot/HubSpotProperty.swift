internal import Model
internal import Seams

/// A property that records of a type may have.
struct HubSpotProperty: Sendable {
    var name: String
    var label: String
    var type: String
    var fieldType: String
    var groupName: String
    var hasUniqueValue = false
    var isBuiltIn = false
    /// Values that an enumeration allows; empty: any.
    var options: [String] = []

    /// What is wrong with a value; nil: nothing.
    func problem(with value: String) -> HubSpotError.Detail? {
        // Empty text clears a property of any type.
        if value.isEmpty { return nil }
        let (code, isWrong): (String, Bool) =
            switch type {
            case "number": ("INVALID_LONG", Double(value)?.isFinite != true)
            case "bool": ("INVALID_OPTION", value != "true" && value != "false")
            case "datetime", "date":
                ("INVALID_DATE", Int64(value) == nil && Instant(rfc3339: value) == nil && !Self.isDay(value))
            case "enumeration":
                ("INVALID_OPTION", !options.isEmpty && !value.split(separator: ";").allSatisfy(isOption))
            default: ("INVALID_EMAIL", name == "email" && !MailAddress.isPlausible(value))
            }
        guard isWrong else { return nil }
        return .init(message: "\(value) was not a valid \(type == "string" ? name : type).", code: code, property: name)
    }

    private func isOption(_ value: some StringProtocol) -> Bool { options.contains(String(value)) }
    private static func isDay(_ value: String) -> Bool { Instant(rfc3339: value + "T00:00:00Z") != nil }

    var json: JSONObject {
        [
            "name": .string(name), "label": .string(label), "type": .string(type), "fieldType": .string(fieldType),
            "groupName": .string(groupName), "description": "", "hasUniqueValue": .bool(hasUniqueValue),
            "hubspotDefined": .bool(isBuiltIn), "hidden": false, "formField": false, "archived": false,
            "options": .array(
                options.enumerated().map { index, option in
                    [
                        "label": .string(option), "value": .string(option), "displayOrder": .int(Int64(index)),
                        "hidden": false,
                    ]
                }),
        ]
    }
}

extension HubSpotProperty {
    static let types: Set<String> = ["bool", "date", "datetime", "enumeration", "number", "phone_number", "string"]
    static let fieldTypes: Set<String> = [
        "booleancheckbox", "calculation_equation", "checkbox", "date", "file", "html", "number", "phonenumber", "radio",
        "select", "text", "textarea",
    ]

    /// What every account has.
    static let builtIn: [String: [HubSpotProperty]] = [
        "contacts": texts(
            "contactinformation",
            [
                "firstname", "lastname", "phone", "mobilephone", "company", "website", "jobtitle", "address", "city",
                "state", "zip", "country", "message",
            ]) + [
                .init(
                    name: "email", label: "Email", type: "string", fieldType: "text", groupName: "contactinformation",
                    hasUniqueValue: true, isBuiltIn: true),
                choice("contactinformation", "lifecyclestage", stages),
                choice("contactinformation", "hs_lead_status", leadStates),
            ] + moments("contactinformation", ["createdate", "lastmodifieddate"]),
        "notes": texts("engagement", ["hs_note_body", "hubspot_owner_id", "hs_attachment_ids"])
            + moments("engagement", ["hs_timestamp", "hs_createdate", "hs_lastmodifieddate"]),
        "deals": texts("dealinformation", ["dealname", "pipeline", "dealstage", "hubspot_owner_id"])
            + moments("dealinformation", ["closedate", "createdate", "hs_lastmodifieddate"]) + [
                .init(
                    name: "amount", label: "Amount", type: "number", fieldType: "number", groupName: "dealinformation",
                    isBuiltIn: true)
            ],
        "tickets": texts(
            "ticketinformation",
            ["subject", "content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_priority", "hubspot_owner_id"])
            + moments("ticketinformation", ["createdate", "hs_lastmodifieddate"]),
        "companies": texts("companyinformation", ["name", "domain", "phone", "city", "country"])
            + moments("companyinformation", ["createdate", "hs_lastmodifieddate"]),
    ]

    private static let stages = [
        "subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist",
        "other",
    ]
    private static let leadStates = [
        "NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED", "ATTEMPTED_TO_CONTACT", "CONNECTED", "BAD_TIMING",
    ]

    private static func texts(_ group: String, _ names: [String]) -> [HubSpotProperty] {
        names.map {
            .init(name: $0, label: $0, type: "string", fieldType: "text", groupName: group, isBuiltIn: true)
        }
    }

    private static func moments(_ group: String, _ names: [String]) -> [HubSpotProperty] {
        names.map {
            .init(name: $0, label: $0, type: "datetime", fieldType: "date", groupName: group, isBuiltIn: true)
        }
    }

    private static func choice(_ group: String, _ name: String, _ options: [String]) -> HubSpotProperty {
        .init(
            name: name, label: name, type: "enumeration", fieldType: "select", groupName: group, isBuiltIn: true,
            options: options)
    }
}
