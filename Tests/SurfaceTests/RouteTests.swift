import API
import Foundation
import Journal
import Model
import Synchronization
import TestKit
import Testing

@Suite struct `The HTTP API` {
    @Test func `is described as it is: every route in openapi.json, and nothing else`() async throws {
        let house = try await House()
        let document = try JSONObject(parsing: Array(try await house.send("GET", "/openapi.json").text.utf8))
        var described: [String: String?] = [:]
        for path in document["paths"]?.object?.members ?? [] {
            for operation in path.value.object?.members ?? [] {
                described["\(operation.key.uppercased()) \(path.key)"] = .some(operation.value["x-scope"]?.string)
            }
        }
        let routes = Routes.all(house.dependencies)
        for route in routes {
            let name = "\(route.method) \(route.template)"
            let scope = try #require(described[name], "\(name) is not described")
            if case .scope(let needed) = route.access {
                #expect(scope == needed.rawValue, "\(name)")
            } else {
                #expect(scope == nil, "\(name)")
            }
        }
        #expect(described.count == routes.count)
    }

    @Test func `describes its parameters: every described one is taken, any other refused`() async throws {
        let house = try await House()
        // So that a stream has an end.
        house.readiness.close("stopping")
        let document = try JSONObject(parsing: Array(try await house.send("GET", "/openapi.json").text.utf8))
        let values = [
            "limit": "5", "since": "2h", "until": "2026-11-23T10:00:00Z", "state": "dead", "kind": "ignored",
            "replayed": "true", "open": "true", "after": Make.id(1, EventTag.self).description,
        ]
        for path in document["paths"]?.object?.members ?? [] {
            guard let operation = path.value["get"], !path.key.contains("{") else { continue }
            let names = (operation["parameters"]?.array ?? []).compactMap { $0["name"]?.string }
            guard !names.isEmpty else { continue }
            for name in names {
                let value = path.key == "/v1/tail" && name == "cursor" ? "1.1.0.0" : values[name] ?? "x"
                let reply = try await house.send("GET", "\(path.key)?\(name)=\(value)", key: "admin")
                #expect(reply.status == 200, "\(path.key)?\(name): \(reply.text)")
            }
            let refused = try await house.send("GET", "\(path.key)?stat=dead", key: "admin")
            #expect(refused.status == 400 && refused.json["error"]?["field"] == "stat")
        }
    }

    @Test func `answers with the members that it describes`() async throws {
        let house = try await House()
        house.journal.set {
            $0.jobs = [Make.job()]
            $0.story.events = [Make.event()]
            $0.alerts = [
                AlertRow(id: Make.id(1), alert: NewAlert(key: "k", title: "t", detail: "d", at: Make.at), endedAt: nil)
            ]
        }
        let document = try JSONObject(parsing: Array(try await house.send("GET", "/openapi.json").text.utf8))
        let schemas = try #require(document["components"]?["schemas"])
        for (path, schema) in [
            ("/v1/jobs", "Job"), ("/v1/events", "Event"), ("/v1/alerts", "Alert"), ("/v1/keys", "Key"),
        ] {
            let reply = try await house.send("GET", path, key: "admin").json
            let item = try #require(reply["items"]?.array?.first?.object)
            let described = Set(schemas[schema]?["properties"]?.object?.keys ?? [])
            #expect(Set(item.keys) == described, "\(path)")
        }
    }

    @Test func `finds trails by body and by path, also of ids with odd characters`() async throws {
        let house = try await House()
        let story = SubjectStory(root: Make.id(1), identifiers: [], records: [])
        house.journal.set { $0.stories = ["a/b c+d@x.example": [story]] }
        let encoded = PercentCoding.encode("a/b c+d@x.example")
        #expect(try await house.send("GET", "/v1/trace/\(encoded)", key: "read").status == 200)
        #expect(
            try await house.send("POST", "/v1/trace", key: "read", body: #"{"id": "a/b c+d@x.example"}"#).status == 200)
        let missing = try await house.send("POST", "/v1/trace", key: "read", body: #"{"id": "nobody"}"#)
        #expect(missing.status == 404 && missing.code == "not_found")
        #expect(try await house.send("POST", "/v1/trace", key: "read", body: "{}").json["error"]?["field"] == "id")
        #expect(try await house.send("POST", "/v1/trace", key: "read", body: "not json").status == 400)
    }

    @Test func `shows the plan of a bulk action first and then runs it in slices up to its limit`() async throws {
        let house = try await House()
        house.journal.set { $0.bulkLeft = 1234 }
        let plan = try await house.send("POST", "/v1/jobs/retry", key: "operate", body: #"{"destination": "crm"}"#)
        #expect(plan.json["dry_run"] == true && plan.json["plan"]?["count"] == 1234)
        #expect(plan.json["plan"]?["seconds_at_rate"] == 123)
        #expect(house.journal.get { $0.changes.isEmpty })
        #expect(house.journal.get { $0.filters.last?.states } == [.dead])
        let run = try await house.send(
            "POST", "/v1/jobs/retry", key: "operate",
            body: #"{"destination": "crm", "dry_run": false, "limit": 500}"#)
        #expect(run.json["changed"] == 500 && run.json["left"] == 734)
        #expect(house.journal.get { $0.changes.count } == 3)
        let rest = try await house.send("POST", "/v1/jobs/retry", key: "operate", body: #"{"dry_run": false}"#)
        #expect(rest.json["changed"] == 734 && rest.json["left"] == 0)
    }

    @Test(arguments: [
        #"{"state": "deed"}"#, #"{"filter": {}}"#, #"{"since": "yesterday"}"#, #"{"limit": 0}"#, #"{"dry_run": "no"}"#,
        "[]",
    ])
    func `refuses a filter that it does not understand whole`(body: String) async throws {
        let house = try await House()
        #expect(try await house.send("POST", "/v1/jobs/cancel", key: "operate", body: body).status == 400)
        #expect(house.journal.get { $0.filters.isEmpty && $0.changes.isEmpty })
    }

    @Test func `changes one job, with who did it`() async throws {
        let house = try await House()
        house.journal.set { $0.jobs = [Make.job(state: .dead)] }
        let id = Make.id(1, JobTag.self)
        #expect(try await house.send("POST", "/v1/jobs/\(id)/retry", key: "operate").status == 200)
        #expect(house.journal.get { $0.changes.first?.hasPrefix("retry \(id) by key tl_") } == true)
        #expect(try await house.send("POST", "/v1/jobs/\(Make.id(2, JobTag.self))/retry", key: "operate").status == 404)
        #expect(try await house.send("GET", "/v1/jobs/nonsense", key: "read").status == 404)
    }

    @Test func `resumes a destination when its probe works, and else tells its words`() async throws {
        let destinations = FakeDestinations(result: .stillFailing("401 token revoked"))
        let house = try await House(destinations: destinations)
        let reply = try await house.send("POST", "/v1/destinations/crm/resume", key: "operate")
        #expect(reply.status == 409 && reply.text.contains("401 token revoked"))
        #expect(
            try await house.send("POST", "/v1/destinations/crm/resume", key: "operate", body: #"{"force": true}"#)
                .status
                == 200)
        #expect(try await house.send("POST", "/v1/destinations/none/pause", key: "operate").status == 404)
        #expect(destinations.calls.withLock { $0 } == ["resume crm false", "resume crm true"])
        #expect(house.journal.get { $0.notes.map(\.action) } == ["destination.resume"])
    }

    @Test func `shows a new key once and keeps only its hash`() async throws {
        let house = try await House()
        let made = try await house.send(
            "POST", "/v1/keys", key: "admin", body: #"{"scope": "ingest", "source": "chat"}"#)
        let key = try #require(made.json["key"]?.string)
        #expect(made.status == 201 && key.hasPrefix("tl_") && key.utf8.count > 50)
        #expect(try await house.send("POST", "/v1/events", key: key, body: "{}").status == 200)
        let list = try await house.send("GET", "/v1/keys", key: "admin").text
        #expect(list.contains(key.prefix(11)) && !list.contains(key))
        #expect(
            try await house.send("POST", "/v1/keys", key: "admin", body: #"{"scope": "read", "source": "chat"}"#).status
                == 400)
    }

    @Test func `erases one person and refuses where the id fits several`() async throws {
        let house = try await House()
        let stories = [1, 2].map { SubjectStory(root: Make.id($0), identifiers: [], records: []) }
        house.journal.set { $0.stories = ["one": [stories[0]], "two": stories] }
        #expect(try await house.send("DELETE", "/v1/subjects", key: "admin", body: #"{"id": "two"}"#).status == 409)
        let plan = try await house.send(
            "DELETE", "/v1/subjects", key: "admin", body: #"{"id": "one", "dry_run": true}"#)
        #expect(plan.json["dry_run"] == true && house.journal.get { $0.changes.isEmpty })
        #expect(plan.json["events"] == 3 && plan.json["jobs"] == 4 && plan.json["identifiers"] == 5)
        #expect(try await house.send("DELETE", "/v1/subjects", key: "admin", body: #"{"id": "one"}"#).status == 200)
        #expect(house.journal.get { $0.changes } == ["forget \(Make.id(1, SubjectTag.self))"])
    }

    @Test func `replays kept deliveries in bulk, plan first`() async throws {
        let house = try await House()
        house.journal.set {
            $0.kept = (1...3).map {
                KeptDelivery(
                    id: Make.id($0), kind: .quarantined, source: "chat", externalID: "e\($0)", code: "invalid_field",
                    reason: "email", receivedAt: Make.at, payload: [])
            }
        }
        let plan = try await house.send("POST", "/v1/quarantine/replay", key: "operate", body: "{}").json
        #expect(plan["dry_run"] == true && plan["count"] == 3 && plan["by_code"]?["invalid_field"] == 3)
        let run = try await house.send("POST", "/v1/quarantine/replay", key: "operate", body: #"{"dry_run": false}"#)
            .json
        #expect(run["results"]?["accepted"] == 3)
        #expect(house.journal.get { $0.notes.map(\.action) } == ["quarantine.replay"])
    }

    @Test func `keeps passwords as scrypt and refuses short ones`() async throws {
        let house = try await House()
        let body = #"{"email": "Ada@example.com", "role": "operator", "password": "correct horse battery"}"#
        #expect(try await house.send("POST", "/v1/users", key: "admin", body: body).status == 201)
        let hash = try #require(house.journal.get { $0.users["ada@example.com"]?.passwordHash })
        #expect(hash.hasPrefix("scrypt$4$8$1$") && !hash.contains("horse"))
        let short = #"{"email": "b@example.com", "role": "reader", "password": "short"}"#
        #expect(
            try await house.send("POST", "/v1/users", key: "admin", body: short).json["error"]?["field"] == "password")
    }
}

@Suite struct `Alerts over HTTP` {
    private func house() async throws -> House {
        let house = try await House()
        let cause = IssueCause(destination: "crm", errorClass: "http_500", field: "email")
        let cost = Cost(groups: [.init(type: .leadCaptured, jobs: 3, subjects: 2)])
        house.journal.set {
            $0.alerts = [
                AlertRow(
                    id: Make.id(1), alert: NewAlert(key: "dead_letters:crm", title: "t", detail: "d", at: Make.at),
                    endedAt: nil)
            ]
            $0.issues = [
                IssueRow(
                    id: Make.id(2), cause: cause, error: "no", count: 9, firstAt: Make.at, lastAt: Make.at, cost: cost),
                IssueRow(
                    id: Make.id(3), cause: cause, error: "", count: 1, firstAt: Make.at, lastAt: Make.at,
                    endedAt: Make.at),
            ]
        }
        return house
    }

    @Test func `issues tell their cause and what they cost`() async throws {
        let house = try await house()
        let all = try await house.send("GET", "/v1/issues", key: "read").json
        #expect(all["items"]?.array?.count == 2)
        let open = try #require(try await house.send("GET", "/v1/issues?open=true", key: "read").json["items"]?.array)
        #expect(open.count == 1)
        #expect(open[0]["costs"]?.string == "2 leads not in the CRM (crm)")
        #expect(open[0]["count"] == 9 && open[0]["field"] == "email" && open[0]["error_class"] == "http_500")
        let id: IssueID = Make.id(2)
        #expect(try await house.send("GET", "/v1/issues/\(id)", key: "read").json["error"] == "no")
        let document = try JSONObject(parsing: Array(try await house.send("GET", "/openapi.json").text.utf8))
        let described = document["components"]?["schemas"]?["Issue"]?["properties"]?.object?.keys ?? []
        #expect(Set(open[0].object?.keys ?? []) == Set(described))
    }

    @Test func `are acknowledged by who may operate, and not by who may read`() async throws {
        let house = try await house()
        let (alert, issue, ended): (AlertID, IssueID, IssueID) = (Make.id(1), Make.id(2), Make.id(3))
        #expect(try await house.send("POST", "/v1/alerts/\(alert)/acknowledge", key: "read").status == 403)
        let answer = try await house.send("POST", "/v1/alerts/\(alert)/acknowledge", key: "operate")
        #expect(answer.status == 200)
        #expect(answer.json["acknowledged_by"]?.string?.hasPrefix("key tl_") == true)
        #expect(try await house.send("POST", "/v1/issues/\(issue)/acknowledge", key: "operate").status == 200)
        #expect(try await house.send("POST", "/v1/issues/\(ended)/acknowledge", key: "operate").status == 409)
        #expect(try await house.send("POST", "/v1/issues/tis_none/acknowledge", key: "operate").status == 404)
        #expect(try await house.send("GET", "/v1/alerts/\(alert)", key: "read").status == 200)
    }

    @Test func `are silenced for a while, by a pattern that is one`() async throws {
        let house = try await house()
        let until = (house.time.now + .seconds(3600)).description
        let put = try await house.send(
            "POST", "/v1/silences", key: "operate",
            body: #"{"pattern": "dead_letters:*", "until": "\#(until)", "reason": "moving"}"#)
        #expect(put.status == 200 && put.json["pattern"] == "dead_letters:*")
        #expect(try await house.send("GET", "/v1/silences", key: "read").json["items"]?.array?.count == 1)
        for body in [
            #"{"pattern": "a*b", "until": "\#(until)"}"#, #"{"pattern": "a", "until": "2020-01-01T00:00:00Z"}"#,
            #"{"pattern": "a", "until": "2h"}"#, #"{"until": "\#(until)"}"#,
            #"{"pattern": "a", "until": "2099-01-01T00:00:00Z"}"#,
        ] {
            #expect(try await house.send("POST", "/v1/silences", key: "operate", body: body).status == 400, "\(body)")
        }
        let end = #"{"pattern": "dead_letters:*"}"#
        #expect(try await house.send("POST", "/v1/silences/end", key: "operate", body: end).status == 200)
        #expect(try await house.send("POST", "/v1/silences/end", key: "operate", body: end).status == 404)
    }

    @Test func `are tried nowhere where nobody is told`() async throws {
        let house = try await house()
        let answer = try await house.send("POST", "/v1/alerts/test", key: "operate")
        #expect(answer.status == 404 && answer.json["error"]?["message"]?.string?.contains("alerts.to") == true)
    }
}
