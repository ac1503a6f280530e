import Foundation
import Model
import Sandbox
import Seams
import TestKit
import Testing
import Yams

/// What HubSpot and Zendesk publish about their APIs, held against what the stand-ins answer.
@Suite struct `The published descriptions` {
    private static let hubspotFolder = "providers/hubspot"
    private static let zendeskFile = "providers/zendesk/support-openapi.yaml"

    @Test(.enabled(if: ReferenceData.isPresent(hubspotFolder), "the reference data is not here"))
    func `describe the HubSpot stand-in's answers`() throws {
        var caller = hubspot()
        caller.addOurProperty(to: "notes")
        let contacts = "/crm/v3/objects/contacts"
        let ada: JSONObject = ["properties": ["email": "ada@example.com"], "associations": []]
        let upsert: JSONObject = [
            "inputs": [["id": "ada@example.com", "idProperty": "email", "properties": ["firstname": "Ada"]]]
        ]
        let note: JSONObject = [
            "inputs": [
                ["id": "n1", "idProperty": "throughline_id", "properties": ["hs_timestamp": "1795000000000"]],
                ["id": "n2", "idProperty": "throughline_id", "properties": [:]],
            ]
        ]
        let read: JSONObject = [
            "idProperty": "email", "inputs": [["id": "ada@example.com"], ["id": "x@example.com"]],
            "properties": ["email"], "propertiesWithHistory": [],
        ]
        let search: JSONObject = [
            "filterGroups": [["filters": [["propertyName": "email", "operator": "HAS_PROPERTY"]]]],
            "properties": ["email"], "sorts": [], "limit": 10, "after": "0",
        ]
        let property: JSONObject = [
            "name": "throughline_payment_status", "label": "Payment status", "type": "string", "fieldType": "text",
            "groupName": "contactinformation",
        ]
        try check(&caller, "contacts-v3", 201, "POST", contacts, ada)
        try check(&caller, "contacts-v3", 409, "POST", contacts, ada)
        try check(&caller, "contacts-v3", 200, "POST", contacts + "/batch/upsert", upsert)
        try check(&caller, "contacts-v3", 207, "POST", contacts + "/batch/read", read)
        try check(&caller, "contacts-v3", 200, "GET", contacts + "/51", query: "?properties=email,firstname")
        try check(&caller, "contacts-v3", 200, "PATCH", contacts + "/51", ["properties": ["company": "Engines"]])
        try check(&caller, "contacts-v3", 404, "GET", contacts + "/99")
        try check(&caller, "notes-v3", 207, "POST", "/crm/v3/objects/notes/batch/upsert", note)
        try check(&caller, "associations-v4", 200, "PUT", "/crm/v4/objects/notes/52/associations/default/contacts/51")
        try check(&caller, "associations-v4", 200, "GET", "/crm/v4/objects/notes/52/associations/contacts")
        try check(&caller, "properties-v3", 201, "POST", "/crm/v3/properties/contacts", property)
        try check(&caller, "properties-v3", 200, "GET", "/crm/v3/properties/contacts")
        try check(&caller, "account-info-v3", 200, "GET", "/account-info/v3/details")
        caller.now = start + .seconds(60)
        try check(&caller, "contacts-v3", 200, "POST", contacts + "/search", search)
        caller.authorization = nil
        try check(&caller, "contacts-v3", 401, "POST", contacts, ada)
    }

    @Test(.enabled(if: ReferenceData.isPresent(hubspotFolder), "the reference data is not here"))
    func `are missed by an answer that differs`() throws {
        let url = try #require(ReferenceData.url("\(Self.hubspotFolder)/contacts-v3.json"))
        let description = SchemaCheck(description: try JSONValue(parsing: Array(Data(contentsOf: url)), depthMax: 200))
        let wrong: JSONValue = [
            "id": 51, "createdAt": "yesterday", "updatedAt": "2026-11-23T10:00:00Z", "properties": ["amount": 7],
        ]
        let problems = description.problems(ofAnswer: wrong, status: 201, to: "POST", "/crm/v3/objects/contacts")
        let expected = [".archived: missing", ".id: 51 is no string", ".createdAt: yesterday is no date and time"]
        for problem in expected + [".properties.amount: 7 is no string"] {
            #expect(problems.contains(problem))
        }
        #expect(description.problems(ofAnswer: wrong, status: 200, to: "POST", "/crm/v9/none").count == 1)
    }

    private func check(
        _ caller: inout Caller<HubSpotStandIn>, _ file: String, _ status: Int, _ method: String, _ path: String,
        _ body: JSONObject? = nil, query: String = ""
    ) throws {
        let url = try #require(ReferenceData.url("\(Self.hubspotFolder)/\(file).json"))
        let description = SchemaCheck(description: try JSONValue(parsing: Array(Data(contentsOf: url)), depthMax: 200))
        if let body, status < 400 {
            #expect(description.problems(ofRequest: .object(body), to: method, path) == [], "\(method) \(path)")
        }
        let answer = caller.call(method, path + query, body)
        #expect(answer.status == status, "\(method) \(path)")
        let problems = description.problems(ofAnswer: answer.json, status: status, to: method, path)
        #expect(problems == [], "\(method) \(path)")
    }

    @Test(.enabled(if: ReferenceData.isPresent(zendeskFile), "the reference data is not here"))
    func `describe the Zendesk stand-in's answers`() throws {
        let text = try String(contentsOf: try #require(ReferenceData.url(Self.zendeskFile)), encoding: .utf8)
        let description = SchemaCheck(description: Self.json(try #require(try Yams.compose(yaml: text))))
        var caller = zendesk()
        func check(_ status: Int, _ method: String, _ path: String, _ body: JSONObject? = nil) -> JSONValue {
            let answer = caller.call(method, path, body)
            #expect(answer.status == status, "\(method) \(path)")
            let problems = description.problems(ofAnswer: answer.json, status: status, to: method, path)
            #expect(problems == [], "\(method) \(path)")
            return answer.json
        }
        let ticket: JSONObject = [
            "ticket": [
                "subject": "Double charge", "comment": ["body": "You charged me twice"], "external_id": "effect-1",
                "priority": "high", "tags": ["throughline"],
                "requester": ["name": "Ada", "email": "ada@example.com"],
            ]
        ]
        let id = check(201, "POST", "/api/v2/tickets", ticket)["ticket"]?["id"]?.int ?? 0
        _ = check(200, "GET", "/api/v2/tickets/\(id)")
        _ = check(200, "GET", "/api/v2/tickets/\(id)/comments")
        _ = check(200, "GET", "/api/v2/tickets")
        _ = check(200, "PUT", "/api/v2/tickets/\(id)", ["ticket": ["status": "solved"]])
        _ = check(200, "GET", "/api/v2/users/me")
        let user: JSONObject = ["user": ["name": "Ada", "email": "grace@example.com"]]
        _ = check(201, "POST", "/api/v2/users/create_or_update", user)
        _ = check(200, "POST", "/api/v2/users/create_or_update", user)
    }

    /// YAML as JSON: plain scalars by the core schema, quoted ones as text.
    private static func json(_ node: Node) -> JSONValue {
        switch node {
        case .mapping(let mapping):
            return .object(
                JSONObject(members: mapping.map { .init(key: $0.key.string ?? "", value: json($0.value)) }))
        case .sequence(let sequence): return .array(sequence.map { json($0) })
        case .scalar(let scalar) where scalar.style == .plain:
            switch scalar.string {
            case "true": return true
            case "false": return false
            case "null", "~", "": return .null
            default:
                return Int64(scalar.string).map { .int($0) } ?? Double(scalar.string).map { .double($0) }
                    ?? .string(scalar.string)
            }
        case .scalar(let scalar): return .string(scalar.string)
        case .alias: return .null
        }
    }
}
