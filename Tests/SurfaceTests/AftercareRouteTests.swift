import API
import Foundation
import Journal
import Model
import TestKit
import Testing

@Suite struct `The routes of reconciliation` {
    @Test func `order runs, show them, and repair after the plan alone`() async throws {
        let house = try await House()
        let ordered = try await house.send(
            "POST", "/v1/reconciliations", key: "operate", body: #"{"source": "crm", "since": "7d"}"#)
        #expect(ordered.status == 202)
        let run = try #require(ordered.json["items"]?.array?.first)
        let id = try #require(run["id"]?.string)
        #expect(run["rate"] == .double(0.75) && run["place"] == "crm")
        #expect(try await house.send("GET", "/v1/reconciliations", key: "read").json["items"]?.array?.count == 1)
        let shown = try await house.send("GET", "/v1/reconciliations/\(id)", key: "read")
        #expect(shown.json["by_cause"]?["changed_at_destination"]?["open"] == 2)
        let plan = try await house.send(
            "POST", "/v1/reconciliations/\(id)/repair", key: "operate", body: #"{"cause": "never_arrived"}"#)
        #expect(plan.status == 200 && plan.json["dry_run"] == true && plan.json["count"] == 1)
        #expect(house.aftercare.get { $0.repaired.isEmpty })
        let repair = try await house.send(
            "POST", "/v1/reconciliations/\(id)/repair", key: "operate", body: #"{"dry_run": false}"#)
        #expect(repair.status == 202 && house.aftercare.get { $0.repaired.count } == 1)
        #expect(house.journal.get { $0.notes.map(\.action) } == ["reconciliations.run"])
    }

    @Test func `refuse what does not exist, and whoever may only read`() async throws {
        let house = try await House()
        let unknown: ReconciliationID = Make.id(77)
        #expect(try await house.send("GET", "/v1/reconciliations/\(unknown)", key: "read").status == 404)
        let nowhere = try await house.send(
            "POST", "/v1/reconciliations", key: "operate", body: #"{"source": "nowhere"}"#)
        #expect(nowhere.status == 404 && nowhere.json["error"]?["field"] == "source")
        #expect(try await house.send("POST", "/v1/reconciliations", key: "read", body: "{}").status == 403)
        let wrong = try await house.send(
            "POST", "/v1/reconciliations/\(unknown)/repair", key: "operate", body: #"{"cause": "bad_luck"}"#)
        #expect(wrong.status == 400 && wrong.json["error"]?["field"] == "cause")
    }

    @Test func `answer with the members that are described`() async throws {
        let house = try await House()
        _ = try await house.send("POST", "/v1/reconciliations", key: "operate", body: "{}")
        house.aftercare.set {
            $0.differences = [
                Difference(number: 1, cause: .changed, sample: "s", key: "k", at: Make.at, detail: "d")
            ]
        }
        let document = try JSONObject(parsing: Array(try await house.send("GET", "/openapi.json").text.utf8))
        func described(_ schema: String) -> Set<String> {
            Set(document["components"]?["schemas"]?[schema]?["properties"]?.object?.keys ?? [])
        }
        let run = try await house.send("GET", "/v1/reconciliations", key: "read").json["items"]?.array?.first?.object
        let runKeys = Set(run?.keys ?? [])
        let runDescribed = described("Reconciliation")
        #expect(runKeys == runDescribed)
        let id = try #require(run?["id"]?.string)
        let differences = try await house.send("GET", "/v1/reconciliations/\(id)/differences", key: "read").json
        let keys = Set(differences["items"]?.array?.first?.object?.keys ?? [])
        let keysDescribed = described("Difference")
        #expect(keys == keysDescribed)
        let plan = try await house.send("GET", "/v1/retention", key: "read").json
        let planKeys = Set(plan.keys)
        let planDescribed = described("RetentionPlan")
        #expect(planKeys == planDescribed)
    }
}

@Suite struct `The routes of keeping` {
    @Test func `show what retention would let go of, and let go of it in slices`() async throws {
        let house = try await House()
        let plan = try await house.send("GET", "/v1/retention", key: "read").json
        #expect(plan["now"]?["payloads"] == 3 && plan["raw_days"] == 90)
        let first = try await house.send("POST", "/v1/retention", key: "admin", body: "{}").json
        #expect(first["events"] == 20 && first["next"] == "20")
        let second = try await house.send("POST", "/v1/retention", key: "admin", body: #"{"cursor": "20"}"#).json
        #expect(second["events"] == 20)
        let last = try await house.send("POST", "/v1/retention", key: "admin", body: #"{"cursor": "40"}"#).json
        #expect(last["next"] == .null)
        #expect(house.aftercare.get { $0.pruned } == Array(0..<20) + Array(20..<40) + Array(40...50))
        #expect(house.journal.get { $0.notes.map(\.action) } == ["journal.prune"])
        #expect(try await house.send("POST", "/v1/retention", key: "operate", body: "{}").status == 403)
    }

    @Test func `export one person or a stretch of time, with an end by which a reader knows that it is whole`()
        async throws
    {
        let house = try await House()
        house.journal.set {
            $0.stories["ada@example.com"] = [SubjectStory(root: Make.id(1), identifiers: [], records: [])]
        }
        let one = try await house.send("POST", "/v1/export", key: "admin", body: #"{"id": "ada@example.com"}"#)
        let lines = try one.text.split(separator: "\n").map { try JSONObject(parsing: Array($0.utf8)) }
        #expect(lines.map { $0["kind"]?.string } == ["subject", "identifier", "end"])
        #expect(lines.last?["lines"] == 2)
        #expect(try await house.send("POST", "/v1/export", key: "admin", body: #"{"since": "7d"}"#).status == 200)
        for wrong in ["{}", #"{"id": "a", "since": "7d"}"#] {
            #expect(try await house.send("POST", "/v1/export", key: "admin", body: wrong).status == 400)
        }
        #expect(try await house.send("POST", "/v1/export", key: "admin", body: #"{"id": "nobody"}"#).status == 404)
        #expect(try await house.send("POST", "/v1/export", key: "operate", body: #"{"since": "7d"}"#).status == 403)
        #expect(house.journal.get { $0.notes.map(\.action) } == ["journal.export", "journal.export"])
    }
}
