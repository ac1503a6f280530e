import Model
import Sandbox
import Seams
import TestKit
import Testing

private let tickets = "/api/v2/tickets"

@Suite struct `The Zendesk stand-in` {
    @Test func `takes the address and token as a basic credential only`() {
        var caller = zendesk()
        #expect(caller.call("GET", "/api/v2/tickets/count").status == 200)
        caller.authorization = "Basic b3BzQGFjbWUuZXhhbXBsZTpzZWNyZXQ="
        #expect(caller.call("GET", "/api/v2/tickets/count").status == 401)
    }

    @Test func `answers an unknown caller who asks who they are with a user without an id`() {
        var caller = zendesk()
        #expect(caller.call("GET", "/api/v2/users/me.json").json["user"]?["role"]?.string == "admin")
        caller.authorization = nil
        let answer = caller.call("GET", "/api/v2/users/me")
        #expect(answer.status == 200)
        #expect(answer.json["user"]?["id"] == .null)
    }

    @Test func `opens a ticket with its requester, its words and its tags`() throws {
        var caller = zendesk()
        let answer = caller.call("POST", tickets, ticket(["external_id": "effect-1", "tags": ["throughline"]]))
        #expect(answer.status == 201)
        #expect(answer.header("location")?.hasPrefix("https://acme.zendesk.com/api/v2/tickets/") == true)
        let made = try #require(caller.standIn.allTickets.first)
        #expect(made.comments.map(\.body) == ["You charged me twice"])
        #expect(made.tags == ["throughline"])
        #expect(caller.standIn.allUsers.contains { $0.id == made.requesterID && $0.email == "ada@example.com" })
    }

    @Test(
        arguments: [
            ["ticket": ["subject": "no words"]],
            ["ticket": ["comment": ["body": "x"], "priority": "very high"]],
            ["ticket": ["comment": ["body": "x"], "requester": ["name": "Ada", "email": "nothing"]]],
            ["ticket": ["comment": ["body": "x"], "requester": ["email": "new@example.com"]]],
            ["ticket": ["comment": ["body": "x"], "external_id": 7]],
            ["ticket": ["comment": ["body": "x"], "tags": "one"]],
        ] as [JSONObject])
    func `refuses a ticket that is not valid, with the field`(_ body: JSONObject) {
        var caller = zendesk()
        let answer = caller.call("POST", tickets, body)
        #expect(answer.status == 422)
        #expect(answer.json["error"]?.string == "RecordInvalid")
        #expect(answer.json["details"]?.object?.isEmpty == false)
        #expect(caller.standIn.allTickets.isEmpty)
    }

    @Test func `refuses bodies that are not wrapped`() {
        var caller = zendesk()
        #expect(caller.call("POST", tickets, ["comment": ["body": "x"]]).status == 400)
    }

    @Test func `makes one ticket per idempotency key for two hours`() {
        var caller = zendesk()
        let key = [OutboundRequest.Header("Idempotency-Key", "effect-1")]
        let first = caller.call("POST", tickets, ticket(), headers: key)
        #expect(first.header("x-idempotency-lookup") == "miss")
        caller.now = start + .seconds(7199)
        let second = caller.call("POST", tickets, ticket(), headers: key)
        #expect(second.header("x-idempotency-lookup") == "hit")
        #expect(second.body == first.body)
        #expect(caller.standIn.allTickets.count == 1)
        caller.now = start + .seconds(7200)
        #expect(caller.call("POST", tickets, ticket(), headers: key).header("x-idempotency-lookup") == "miss")
        #expect(caller.standIn.allTickets.count == 2)
    }

    @Test func `refuses another body under a key that it knows`() {
        var caller = zendesk()
        let key = [OutboundRequest.Header("idempotency-key", "effect-1")]
        caller.call("POST", tickets, ticket(), headers: key)
        let answer = caller.call("POST", tickets, ticket(["subject": "another"]), headers: key)
        #expect(answer.status == 400)
        #expect(answer.json["error"]?.string == "IdempotentRequestError")
        #expect(caller.standIn.allTickets.count == 1)
    }

    @Test func `does not keep a refused creation under its key`() {
        var caller = zendesk()
        let key = [OutboundRequest.Header("idempotency-key", "effect-1")]
        #expect(caller.call("POST", tickets, ["ticket": [:]], headers: key).status == 422)
        #expect(caller.call("POST", tickets, ticket(), headers: key).status == 201)
    }

    @Test func `finds tickets by external id at once`() {
        var caller = zendesk()
        caller.call("POST", tickets, ticket(["external_id": "effect-1"]))
        caller.call("POST", tickets, ticket(["external_id": "effect-2"]))
        let found = caller.call("GET", tickets + "?external_id=effect-2").json["tickets"]?.array ?? []
        #expect(found.map { $0["external_id"]?.string } == ["effect-2"])
        #expect(caller.call("GET", tickets + "?external_id=none").json["count"]?.int == 0)
    }

    @Test func `adds comments, lists them and pages`() throws {
        var caller = zendesk()
        let id = try #require(caller.call("POST", tickets, ticket()).json["ticket"]?["id"]?.int)
        let comment: JSONObject = ["ticket": ["comment": ["body": "second", "public": false]]]
        #expect(caller.call("PUT", "\(tickets)/\(id)", comment).status == 200)
        let list = caller.call("GET", "\(tickets)/\(id)/comments").json["comments"]?.array ?? []
        #expect(list.map { $0["body"]?.string } == ["You charged me twice", "second"])
        #expect(list.map { $0["public"]?.bool } == [true, false])
        let page = caller.call("GET", "\(tickets)/\(id)/comments?page%5Bsize%5D=1").json
        #expect(page["meta"]?["has_more"]?.bool == true)
    }

    @Test func `does not change a closed ticket`() throws {
        var caller = zendesk()
        let id = try #require(caller.call("POST", tickets, ticket()).json["ticket"]?["id"]?.int)
        caller.standIn.setStatus("closed", ofTicket: Int(id), at: start)
        let answer = caller.call("PUT", "\(tickets)/\(id)", ["ticket": ["status": "open"]])
        #expect(answer.status == 422)
        #expect(caller.standIn.allTickets.first?.status == "closed")
        #expect(caller.call("PUT", "\(tickets)/1", ["ticket": ["status": "open"]]).status == 404)
    }

    @Test func `refuses a safe update with an old stamp`() throws {
        var caller = zendesk()
        let made = caller.call("POST", tickets, ticket()).json["ticket"]
        let id = try #require(made?["id"]?.int)
        func update(_ stamp: JSONValue?) -> JSONObject {
            ["ticket": ["status": "pending", "safe_update": true, "updated_stamp": stamp ?? .null]]
        }
        caller.now = start + .seconds(5)
        #expect(caller.call("PUT", "\(tickets)/\(id)", update(made?["updated_at"])).status == 200)
        #expect(caller.call("PUT", "\(tickets)/\(id)", update(made?["updated_at"])).status == 409)
    }

    @Test func `allows a hundred updates a minute`() throws {
        var caller = zendesk()
        let id = try #require(caller.call("POST", tickets, ticket()).json["ticket"]?["id"]?.int)
        let update: JSONObject = ["ticket": ["priority": "high"]]
        for _ in 1...100 { #expect(caller.call("PUT", "\(tickets)/\(id)", update).status == 200) }
        let refused = caller.call("PUT", "\(tickets)/\(id)", update)
        #expect(refused.status == 429)
        #expect(refused.header("content-type")?.hasPrefix("text/plain") == true)
        let wait = try #require(refused.header("retry-after").flatMap { Int64($0) })
        caller.now = caller.now + .seconds(wait)
        #expect(caller.call("PUT", "\(tickets)/\(id)", update).status == 200)
    }

    @Test func `counts all calls of a minute and shows how many are left`() {
        var limits = ZendeskStandIn.Limits()
        limits.callsPerMinute = 2
        var caller = zendesk(limits)
        #expect(caller.call("GET", "/api/v2/users/me").header("x-rate-limit-remaining") == "1")
        #expect(caller.call("GET", "/api/v2/users/me").header("x-rate-limit-remaining") == "0")
        #expect(caller.call("GET", "/api/v2/users/me").status == 429)
    }

    @Test func `makes a user once by address or external id, whatever the case`() {
        var caller = zendesk()
        let path = "/api/v2/users/create_or_update"
        let ada: JSONObject = ["user": ["name": "Ada", "email": "ada@example.com", "external_id": "U_1"]]
        #expect(caller.call("POST", path, ada).status == 201)
        #expect(caller.call("POST", path, ["user": ["name": "Ada", "email": "ADA@example.com"]]).status == 200)
        let again = caller.call("POST", path, ["user": ["name": "Ada B", "external_id": "u_1"]])
        #expect(again.status == 200)
        #expect(again.json["user"]?["external_id"]?.string == "u_1")
        #expect(caller.call("POST", path, ["user": ["email": "new@example.com"]]).status == 422)
        #expect(caller.standIn.allUsers.count == 2)
    }

    private func ticket(_ more: JSONObject = [:]) -> JSONObject {
        var ticket: JSONObject = [
            "subject": "Double charge", "comment": ["body": "You charged me twice"],
            "requester": ["name": "Ada", "email": "ada@example.com"],
        ]
        for member in more.members { ticket[member.key] = member.value }
        return ["ticket": .object(ticket)]
    }
}
