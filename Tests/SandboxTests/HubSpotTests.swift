import Model
import Sandbox
import Seams
import TestKit
import Testing

private let contacts = "/crm/v3/objects/contacts"

@Suite struct `The HubSpot stand-in` {
    @Test func `refuses a call without the token and says so in HubSpot's words`() {
        var caller = hubspot()
        caller.authorization = "Bearer another"
        let answer = caller.call("GET", "/account-info/v3/details")
        #expect(answer.status == 401)
        #expect(answer.json["category"]?.string == "INVALID_AUTHENTICATION")
        #expect(answer.json["correlationId"]?.string?.isEmpty == false)
        caller.authorization = "Bearer pat-test"
        #expect(caller.call("GET", "/account-info/v3/details").json["portalId"]?.int != nil)
    }

    @Test func `makes a contact and answers with text values and a lower-case address`() {
        var caller = hubspot()
        let answer = caller.call("POST", contacts, ["properties": ["email": "Ada@Example.com", "firstname": "Ada"]])
        #expect(answer.status == 201)
        #expect(answer.json["properties"]?["email"]?.string == "ada@example.com")
        #expect(caller.standIn.contacts.map(\.properties["firstname"]) == ["Ada"])
    }

    @Test func `names the existing contact when an address is taken`() {
        var caller = hubspot()
        caller.call("POST", contacts, ["properties": ["email": "ada@example.com"]])
        let answer = caller.call("POST", contacts, ["properties": ["email": "ADA@example.com"]])
        #expect(answer.status == 409)
        #expect(answer.json["category"]?.string == "CONFLICT")
        #expect(answer.json["message"]?.string == "Contact already exists. Existing ID: 51")
        #expect(caller.standIn.contacts.count == 1)
    }

    @Test func `makes a second contact where no address is given`() {
        var caller = hubspot()
        caller.call("POST", contacts, ["properties": ["firstname": "Ada"]])
        caller.call("POST", contacts, ["properties": ["firstname": "Ada"]])
        #expect(caller.standIn.contacts.count == 2)
        #expect(caller.call("POST", contacts, ["properties": ["company": "Only"]]).status == 400)
    }

    @Test func `refuses properties that it does not have`() {
        var caller = hubspot()
        let upsert: JSONObject = [
            "inputs": [
                ["id": "ada@example.com", "idProperty": "email", "properties": ["throughline_payment_status": "paid"]]
            ]
        ]
        let answer = caller.call("POST", contacts + "/batch/upsert", upsert)
        #expect(answer.status == 400)
        #expect(answer.json["category"]?.string == "VALIDATION_ERROR")
        #expect(answer.json["errors"]?.array?.first?["code"]?.string == "PROPERTY_DOESNT_EXIST")
        #expect(answer.text.contains("PROPERTY_DOESNT_EXIST"))
        #expect(caller.standIn.contacts.isEmpty)
    }

    @Test(
        arguments: [
            ["properties": ["email": "ada@example.com", "firstname": 7]], ["properties": ["email": "no address"]],
            ["properties": ["email": "ada@example.com", "lifecyclestage": "Lead!"]], ["props": [:]],
        ] as [JSONObject])
    func `refuses values that are no text or do not fit`(_ body: JSONObject) {
        var caller = hubspot()
        let answer = caller.call("POST", contacts, body)
        #expect(answer.status == 400)
        #expect(answer.json["category"]?.string == "VALIDATION_ERROR")
        #expect(caller.standIn.contacts.isEmpty)
    }

    @Test func `refuses a body whose media type is not JSON`() {
        var caller = hubspot()
        let answer = caller.call("POST", contacts, nil, headers: [.init("content-type", "text/plain")])
        #expect(answer.status == 415)
    }

    @Test func `upserts by address and tells new from old`() {
        var caller = hubspot()
        func upsert(_ name: String) -> JSONObject {
            [
                "inputs": [
                    [
                        "id": "Ada@example.com", "idProperty": "email", "properties": ["firstname": .string(name)],
                        "objectWriteTraceId": "trace-1",
                    ]
                ]
            ]
        }
        let first = caller.call("POST", contacts + "/batch/upsert", upsert("Ada"))
        let second = caller.call("POST", contacts + "/batch/upsert", upsert("Augusta"))
        #expect(first.json["results"]?.array?.first?["new"]?.bool == true)
        #expect(second.json["results"]?.array?.first?["new"]?.bool == false)
        #expect(second.json["results"]?.array?.first?["objectWriteTraceId"]?.string == "trace-1")
        #expect(caller.standIn.contacts.map(\.properties["firstname"]) == ["Augusta"])
        #expect(caller.standIn.contacts.map(\.properties["email"]) == ["ada@example.com"])
    }

    @Test func `undoes a whole batch by address when one input is wrong`() {
        var caller = hubspot()
        let answer = caller.call(
            "POST", contacts + "/batch/upsert",
            [
                "inputs": [
                    ["id": "ada@example.com", "idProperty": "email", "properties": [:]],
                    ["id": "no address", "idProperty": "email", "properties": [:]],
                ]
            ])
        #expect(answer.status == 400)
        #expect(caller.standIn.contacts.isEmpty)
    }

    @Test func `takes part of a batch by a property of ours and answers 207`() {
        var caller = hubspot()
        caller.addOurProperty(to: "contacts")
        let answer = caller.call(
            "POST", contacts + "/batch/upsert",
            [
                "inputs": [
                    ["id": "t1", "idProperty": "throughline_id", "properties": ["email": "ada@example.com"]],
                    ["id": "t2", "idProperty": "throughline_id", "properties": ["email": "broken"]],
                ]
            ])
        #expect(answer.status == 207)
        #expect(answer.json["numErrors"]?.int == 1)
        #expect(answer.json["errors"]?.array?.first?["context"]?["ids"]?.array == ["t2"])
        #expect(caller.standIn.contacts.count == 1)
    }

    @Test func `refuses an upsert by a property that is not unique, and one of more than a hundred`() {
        var caller = hubspot()
        let byName: JSONObject = ["inputs": [["id": "Ada", "idProperty": "firstname", "properties": [:]]]]
        #expect(caller.call("POST", contacts + "/batch/upsert", byName).status == 400)
        let many = (0...100).map { number -> JSONValue in
            ["id": .string("p\(number)@example.com"), "idProperty": "email", "properties": [:]]
        }
        #expect(caller.call("POST", contacts + "/batch/upsert", ["inputs": .array(many)]).status == 400)
        #expect(
            caller.call("POST", contacts + "/batch/upsert", ["inputs": .array(Array(many.dropLast()))]).status == 200)
    }

    @Test func `reads and changes by number and by address at once`() {
        var caller = hubspot()
        caller.call("POST", contacts, ["properties": ["email": "ada@example.com"]])
        let change: JSONObject = ["properties": ["company": "Engines"]]
        #expect(caller.call("PATCH", contacts + "/ada%40example.com?idProperty=email", change).status == 200)
        let read = caller.call("GET", contacts + "/51?properties=company,phone")
        #expect(read.json["properties"]?["company"]?.string == "Engines")
        #expect(read.json["properties"]?["phone"] == .null)
        #expect(caller.call("GET", contacts + "/99").json["category"]?.string == "OBJECT_NOT_FOUND")
        let batch = caller.call(
            "POST", contacts + "/batch/read",
            [
                "idProperty": "email", "inputs": [["id": "ada@example.com"], ["id": "x@example.com"]],
                "properties": ["company"],
            ])
        #expect(batch.status == 207)
        #expect(batch.json["results"]?.array?.count == 1)
    }

    @Test func `finds a new contact by search only after half a minute`() {
        var caller = hubspot()
        caller.call("POST", contacts, ["properties": ["email": "ada@example.com"]])
        let search: JSONObject = [
            "filterGroups": [["filters": [["propertyName": "email", "operator": "EQ", "value": "ada@example.com"]]]],
            "properties": ["email"], "sorts": [], "limit": 10, "after": "0",
        ]
        #expect(caller.call("POST", contacts + "/search", search).json["total"]?.int == 0)
        caller.now = start + .seconds(30)
        let answer = caller.call("POST", contacts + "/search", search)
        #expect(answer.json["total"]?.int == 1)
        #expect(answer.header("x-hubspot-ratelimit-remaining") == nil)
    }

    @Test func `takes a note once under a key of ours and links it to its contact`() {
        var caller = hubspot()
        caller.call("POST", contacts, ["properties": ["email": "ada@example.com"]])
        caller.addOurProperty(to: "notes")
        let note: JSONObject = [
            "inputs": [
                [
                    "id": "effect-1", "idProperty": "throughline_id",
                    "properties": ["hs_timestamp": "1795000000000", "hs_note_body": "asked for a plan"],
                ]
            ]
        ]
        let first = caller.call("POST", "/crm/v3/objects/notes/batch/upsert", note)
        caller.call("POST", "/crm/v3/objects/notes/batch/upsert", note)
        #expect(caller.standIn.notes.count == 1)
        let id = first.json["results"]?.array?.first?["id"]?.string ?? ""
        let link = "/crm/v4/objects/notes/\(id)/associations/default/contacts/51"
        #expect(caller.call("PUT", link).status == 200)
        #expect(
            caller.call("PUT", link).json["results"]?.array?.first?["associationSpec"]?["associationTypeId"]?.int == 202
        )
        #expect(caller.standIn.areAssociated(51, Int(id) ?? 0))
        #expect(
            caller.call("GET", "/crm/v4/objects/notes/\(id)/associations/contacts").json["results"]?.array?.count == 1)
        #expect(caller.call("PUT", "/crm/v4/objects/notes/\(id)/associations/default/contacts/99").status == 404)
    }

    @Test func `refuses a note without a time, and a link of the wrong kind`() {
        var caller = hubspot()
        caller.call("POST", contacts, ["properties": ["email": "ada@example.com"]])
        let notes = "/crm/v3/objects/notes"
        #expect(caller.call("POST", notes, ["properties": ["hs_note_body": "x"]]).status == 400)
        func note(_ kind: Int64) -> JSONObject {
            [
                "properties": ["hs_timestamp": "1795000000000", "hs_note_body": "x"],
                "associations": [
                    [
                        "to": ["id": "51"],
                        "types": [["associationCategory": "HUBSPOT_DEFINED", "associationTypeId": .int(kind)]],
                    ]
                ],
            ]
        }
        #expect(caller.call("POST", notes, note(3)).status == 400)
        #expect(caller.standIn.notes.isEmpty)
        #expect(caller.call("POST", notes, note(202)).status == 201)
        #expect(caller.standIn.areAssociated(51, 52))
    }

    @Test func `makes a property once and lists it`() {
        var caller = hubspot()
        #expect(caller.addOurProperty(to: "contacts").status == 201)
        #expect(caller.addOurProperty(to: "contacts").status == 409)
        let list = caller.call("GET", "/crm/v3/properties/contacts").json["results"]?.array ?? []
        #expect(list.contains { $0["name"]?.string == "throughline_id" && $0["hasUniqueValue"]?.bool == true })
        let wrong: JSONObject = ["name": "x", "label": "x", "type": "text", "fieldType": "text", "groupName": "g"]
        #expect(caller.call("POST", "/crm/v3/properties/contacts", wrong).status == 400)
    }

    @Test func `allows a hundred calls in ten seconds and names the policy of the next`() {
        var caller = hubspot()
        for call in 1...100 {
            let answer = caller.call("GET", "/account-info/v3/details")
            #expect(answer.status == 200)
            #expect(answer.header("X-HubSpot-RateLimit-Remaining") == String(100 - call))
        }
        let refused = caller.call("GET", "/account-info/v3/details")
        #expect(refused.status == 429)
        #expect(refused.json["policyName"]?.string == "TEN_SECONDLY_ROLLING")
        caller.now = start + .seconds(10)
        #expect(caller.call("GET", "/account-info/v3/details").status == 200)
    }

    @Test func `limits searches by the second`() {
        var caller = hubspot()
        let search: JSONObject = ["filterGroups": [], "properties": [], "sorts": [], "limit": 1, "after": "0"]
        for _ in 1...5 { #expect(caller.call("POST", contacts + "/search", search).status == 200) }
        let refused = caller.call("POST", contacts + "/search", search)
        #expect(refused.status == 429)
        #expect(refused.json["message"]?.string == "You have reached your secondly limit.")
    }
}

extension Caller<HubSpotStandIn> {
    /// The property by which our own records are found again.
    @discardableResult
    mutating func addOurProperty(to type: String) -> InboundResponse {
        call(
            "POST", "/crm/v3/properties/\(type)",
            [
                "name": "throughline_id", "label": "Throughline id", "type": "string", "fieldType": "text",
                "groupName": "contactinformation", "hasUniqueValue": true,
            ])
    }
}
