import API
import Foundation
import Journal
import JournalSQLite
import Model
import Seams
import Settings
import Synchronization
import TestKit
import Testing

@testable import Console

/// Paths of routes with something in the place of each parameter.
enum Paths {
    static func filled(_ template: String, _ values: [String: String] = [:]) -> String {
        var path = template
        for (name, value) in values.merging(
            ["action": "retry", "name": "crm", "id": "x"], uniquingKeysWith: { old, _ in old })
        {
            path = path.replacing("{\(name)}", with: value)
        }
        return path
    }
}

@Suite struct `The console's pages` {
    @Test func `show the plan of a group before it is replayed, then how far it came`() async throws {
        let house = try House()
        for number in 0..<3 { try await house.deadLead(email: "a\(number)@example.com") }
        try await house.deadLead(email: "b@example.com", errorClass: "http_500")
        let (cookie, csrf) = try await house.enter()
        let query = "state=dead&destination=crm&error=http_400"
        let dead = try await house.get("/console/dead", cookie: cookie)
        #expect(dead.text.contains("3 leads are not in HubSpot") && dead.text.contains("no such property"))
        let plan = try await house.get("/console/bulk/retry?\(query)", cookie: cookie)
        #expect(plan.text.contains("<strong>3 jobs</strong> would be tried again at once"))
        #expect(try await house.journal.figures(now: House.at).dead == 4, "nothing is done by looking")
        let fields = ["csrf": csrf, "state": "dead", "destination": "crm", "error": "http_400", "planned": "3"]
        let ordered = try await house.submit("/console/bulk/retry", fields, cookie: cookie)
        let path = try #require(ordered.header("location"))
        #expect(ordered.status == 303 && path.hasPrefix("/console/runs/"))
        #expect(try await house.get(path, cookie: cookie).text.contains("0 of 3 set going again"))
        try await house.work(until: path)
        let after = try await house.enter()
        #expect(try await house.get(path, cookie: after.cookie).text.contains("3 of 3 set going again"))
        #expect(
            try await house.get(path, cookie: after.cookie).text.contains("<strong>3 jobs</strong> on the way."),
            "the one that was not ordered is not told of")
        #expect(try await house.journal.figures(now: House.at).dead == 1)
        #expect(try await house.audit().contains { $0.action == "jobs.retry" && $0.actor == "user admin@example.com" })
        let again = fields.merging(["csrf": after.csrf]) { $1 }
        #expect(try await house.submit("/console/bulk/retry", again, cookie: after.cookie).status == 409)
    }

    @Test func `order what was shown, and show it anew where there is more`() async throws {
        let house = try House()
        for number in 0..<2 { try await house.deadLead(email: "a\(number)@example.com") }
        let (cookie, csrf) = try await house.enter()
        let plan = try await house.get("/console/bulk/cancel?state=dead", cookie: cookie)
        #expect(plan.text.contains("<strong>2 jobs</strong> would be cancelled for good"))
        #expect(plan.text.contains(#"name="planned" value="2""#) && plan.text.contains(#"name="until""#))
        try await house.deadLead(email: "late@example.com")
        let fields = ["csrf": csrf, "state": "dead", "planned": "2"]
        let again = try await house.submit("/console/bulk/cancel", fields, cookie: cookie)
        #expect(again.status == 200 && again.text.contains("2 jobs stood here when you decided"))
        #expect(again.text.contains(#"name="planned" value="3""#))
        #expect(try await house.journal.figures(now: House.at).dead == 3)
        let ordered = try await house.submit(
            "/console/bulk/cancel", fields.merging(["planned": "3"]) { $1 }, cookie: cookie)
        try await house.work(until: try #require(ordered.header("location")))
        #expect(try await house.journal.figures(now: House.at).dead == 0, "dead letters can be given up in groups")
    }

    @Test func `stop an order where they are told to`() async throws {
        let house = try House()
        for number in 0..<3 { try await house.deadLead(email: "a\(number)@example.com") }
        let (cookie, csrf) = try await house.enter()
        let ordered = try await house.submit(
            "/console/bulk/retry", ["csrf": csrf, "state": "dead", "planned": "3"], cookie: cookie)
        let path = try #require(ordered.header("location"))
        #expect(try await house.submit(path + "/stop", ["csrf": csrf], cookie: cookie).status == 303)
        try await house.work(until: path)
        let after = try await house.enter()
        #expect(try await house.get(path, cookie: after.cookie).text.contains(">stopped<"))
        #expect(try await house.journal.figures(now: House.at).dead == 3)
        #expect(try await house.audit().contains { $0.action == "bulk.stop" })
    }

    @Test func `tell a person's story in lanes, with what was said masked`() async throws {
        let house = try House()
        let lead = try await house.deadLead(
            email: "ada@example.com", data: ["firstname": "Ada", "plan": "team"],
            request: #"{"properties":{"email":"ada@example.com","lifecyclestage":"lead"}}"#)
        let cookie = try await house.enter(as: .reader).cookie
        let page = try await house.get("/console/trail?id=ada@example.com", cookie: cookie)
        #expect(page.status == 200)
        for part in [
            "in-chat", "in-crm", "in-throughline", "lead captured", "crm.upsert_contact", "Attempt 1",
            "a••••@example.com", "no such property", "lifecyclestage", "/console/trail?id=\(lead.subject)",
        ] { #expect(page.text.contains(part), "\(part)") }
        #expect(!page.text.contains("A••••</dd></div></dl><dl class=\"fields\"><div><dt>plan</dt><dd>t••••"))
        #expect(page.text.contains("<dd>team</dd>") && !page.text.contains("<dd>Ada</dd>"))
        #expect(try await house.get("/console/trail?id=nobody", cookie: cookie).status == 404)
        for id in [lead.event.description, lead.job.description, lead.subject.description] {
            #expect(try await house.get("/console/trail?id=\(id)", cookie: cookie).status == 200)
        }
    }

    @Test func `show a raw payload to administrators alone, and note it`() async throws {
        let house = try House()
        let lead = try await house.deadLead(payload: "the raw words", request: #"{"email":"ada@example.com"}"#)
        let kept = try await house.keep(payload: "the odd words")
        let (cookie, csrf) = try await house.enter()
        for (page, words) in [
            ("events/\(lead.event)", "the raw words"), ("quarantine/\(kept)", "the odd words"),
        ] {
            #expect(try await !house.get("/console/\(page)", cookie: cookie).text.contains(words))
            let shown = try await house.submit("/console/\(page)/payload", ["csrf": csrf], cookie: cookie)
            #expect(shown.text.contains(words))
        }
        let job = "/console/jobs/\(lead.job)"
        #expect(try await !house.get(job, cookie: cookie).text.contains("ada@example.com"))
        #expect(
            try await house.submit(job + "/request", ["csrf": csrf], cookie: cookie).text.contains("ada@example.com"))
        #expect(
            try await house.audit().map(\.action).filter { $0.contains("payload") || $0.contains("request") }
                == ["jobs.request", "quarantine.payload", "events.payload"])
    }

    @Test func `set aside what needs no mend, in groups and one by one`() async throws {
        let house = try House()
        for number in 0..<3 { _ = try await house.keep(externalID: "odd-\(number)") }
        let one = try await house.keep(code: "unknown_type", externalID: "odd-3")
        let (cookie, csrf) = try await house.enter()
        let plan = try await house.get("/console/quarantine/set-aside?code=invalid_field", cookie: cookie)
        #expect(plan.text.contains("<strong>3 deliveries</strong> would be put among the ignored ones"))
        #expect(plan.text.contains(#"name="until""#), "what comes later was not shown")
        let unseen = try await house.submit("/console/quarantine/set-aside", ["csrf": csrf], cookie: cookie)
        #expect(unseen.status == 400, "no plan was shown")
        let fields = ["csrf": csrf, "code": "invalid_field", "until": "2030-01-01T00:00:00Z"]
        #expect(try await house.submit("/console/quarantine/set-aside", fields, cookie: cookie).status == 303)
        #expect(try await house.journal.figures(now: House.at).quarantined == 1)
        let path = "/console/quarantine/\(one)"
        #expect(try await house.submit(path + "/set-aside", ["csrf": csrf], cookie: cookie).status == 303)
        #expect(try await house.submit(path + "/set-aside", ["csrf": csrf], cookie: cookie).status == 409)
        #expect(try await house.journal.figures(now: House.at).quarantined == 0)
        let ignored = try await house.get("/console/quarantine?kind=ignored", cookie: cookie)
        #expect(ignored.text.contains("odd-0") && ignored.text.contains("odd-3"))
        #expect(try await house.audit().map(\.target).prefix(2) == ["1 delivery", "3 deliveries"])
    }

    @Test func `read the quarantine again in groups`() async throws {
        let house = try House()
        for number in 0..<2 { _ = try await house.keep(externalID: "odd-\(number)") }
        let (cookie, csrf) = try await house.enter()
        let list = try await house.get("/console/quarantine", cookie: cookie)
        #expect(list.text.contains("2 × chat") && list.text.contains("no type"))
        let plan = try await house.get("/console/quarantine/replay?code=invalid_field", cookie: cookie)
        #expect(plan.text.contains("<strong>2 deliveries</strong> would be read again"))
        let unseen = try await house.submit("/console/quarantine/replay", ["csrf": csrf], cookie: cookie)
        #expect(unseen.status == 400, "no plan was shown")
        let fields = ["csrf": csrf, "code": "invalid_field", "until": "2030-01-01T00:00:00Z"]
        let ordered = try await house.submit("/console/quarantine/replay", fields, cookie: cookie)
        let path = try #require(ordered.header("location"))
        let twice = try await house.submit("/console/quarantine/replay", fields, cookie: cookie)
        #expect(twice.header("location") == path, "a button that was pressed twice is one order")
        try await house.work(until: path)
        let after = try await house.enter()
        #expect(try await house.get(path, cookie: after.cookie).text.contains("2 of 2 read again"))
        #expect(try await house.audit().contains { $0.action == "quarantine.replay" && $0.target == "2 deliveries" })
    }

    @Test func `compare with providers, and repair after a plan`() async throws {
        let house = try House()
        let (cookie, csrf) = try await house.enter(as: .operator)
        let empty = try await house.get("/console/reconciliations", cookie: cookie)
        #expect(empty.text.contains("Nothing was compared yet") && empty.text.contains("<option>stripe</option>"))
        let ordered = try await house.submit(
            "/console/reconciliations", ["csrf": csrf, "place": "stripe", "since": "7d"], cookie: cookie)
        #expect(ordered.status == 303)
        let lead = try await house.deadLead()
        let run = try await house.compared(
            [
                Difference(
                    number: 1, cause: .neverArrived, sample: "stripe", key: "evt_1", at: House.at, detail: "not here"),
                Difference(
                    number: 2, cause: .dead, sample: "stripe", key: "evt_2", event: lead.event, job: lead.job,
                    at: House.at, detail: "gave up"),
            ], judged: 1000)
        let list = try await house.get("/console/reconciliations", cookie: cookie)
        #expect(list.text.contains("99.8 %") && list.text.contains("2 differences"))
        let path = "/console/reconciliations/\(run)"
        let page = try await house.get(path, cookie: cookie)
        for part in [
            "1 × never arrived", "1 × arrived and dead", "evt_1", "/console/events/\(lead.event)",
            "/console/jobs/\(lead.job)", "\(path)/repair?cause=never_arrived", "99.8 %",
        ] { #expect(page.text.contains(part), "\(part)") }
        #expect(!page.text.contains("all repaired"))
        try await house.journal.noteRepair(
            Difference.Repair(outcome: .done, at: House.at, by: "ada"), of: 1, in: run)
        let half = try await house.get(path, cookie: cookie)
        #expect(half.text.contains("all repaired") && half.text.contains("1 not repaired"))
        let some = try await house.get(path + "?cause=never_arrived", cookie: cookie)
        #expect(some.text.contains("evt_1") && !some.text.contains("evt_2"))
        let plan = try await house.get(path + "/repair?cause=never_arrived", cookie: cookie)
        #expect(plan.text.contains("<strong>2 differences</strong>") && !plan.text.contains("cannot be undone"))
        #expect(try await house.get(path + "/repair", cookie: cookie).text.contains("cannot be undone"))
        #expect(house.reconciling.orders.withLock { $0.count } == 1)
        let repaired = try await house.submit(
            path + "/repair", ["csrf": csrf, "cause": "never_arrived"], cookie: cookie)
        #expect(repaired.header("location") == path)
        #expect(
            house.reconciling.orders.withLock { $0 } == [
                "compare stripe since 2026-11-16T10:00:00Z", "repair \(run) never_arrived",
            ])
        #expect(try await house.get("/console/reconciliations/x", cookie: cookie).status == 404)
        #expect(try await house.get(path + "?cause=odd", cookie: cookie).status == 400)
    }

    @Test func `replay an event after its plan`() async throws {
        let house = try House()
        let lead = try await house.deadLead()
        let (cookie, csrf) = try await house.enter(as: .operator)
        let path = "/console/events/\(lead.event)/replay"
        #expect(try await house.get(path, cookie: cookie).text.contains("1 job</strong> of it gave up"))
        #expect(try await house.journal.figures(now: House.at).pending == 0)
        #expect(try await house.submit(path, ["csrf": csrf], cookie: cookie).status == 303)
        #expect(try await house.journal.figures(now: House.at).pending == 1)
    }

    @Test func `pause and resume a destination, and say its words where the probe still fails`() async throws {
        let destinations = FakeDestinations(result: .stillFailing("401 token expired"))
        let house = try House(destinations: destinations)
        let (cookie, csrf) = try await house.enter(as: .operator)
        let path = "/console/destinations/crm"
        #expect(try await house.submit(path + "/pause", ["csrf": csrf], cookie: cookie).status == 303)
        let failing = try await house.submit(path + "/resume", ["csrf": csrf], cookie: cookie)
        #expect(failing.status == 409 && failing.text.contains("401 token expired"))
        #expect(
            try await house.submit(path + "/resume", ["csrf": csrf, "force": "true"], cookie: cookie).status == 303)
        #expect(destinations.calls.withLock { $0 } == ["pause crm", "resume crm false", "resume crm true"])
        #expect(
            try await house.audit().map(\.action).filter { $0.hasPrefix("destination") }
                == ["destination.resume", "destination.pause"])
        #expect(
            try await house.submit("/console/destinations/none/pause", ["csrf": csrf], cookie: cookie).status == 404)
        let page = try await house.get(path, cookie: cookie)
        #expect(page.text.contains("10 in 1.0 s") && page.text.contains("env:T"))
        #expect(page.text.contains("Required and not mapped: <strong>email</strong>"))
    }

    @Test func `let an administrator add people and keys, and nobody lock themselves out`() async throws {
        let house = try House()
        let (cookie, csrf) = try await house.enter()
        func put(_ email: String, _ role: String, _ password: String) async throws -> Int {
            try await house.submit(
                "/console/settings/users",
                ["csrf": csrf, "email": email, "role": role, "password": password], cookie: cookie
            ).status
        }
        #expect(try await put("bob@example.com", "reader", "long enough for us") == 303)
        #expect(try await house.journal.user(email: "bob@example.com")?.row.role == .reader)
        #expect(try await put("carl@example.com", "reader", "short") == 400)
        #expect(try await put("carl@example.com", "reader", "") == 400, "nobody else says who it is")
        #expect(try await put("no address", "reader", "long enough for us") == 400)
        #expect(try await put("admin@example.com", "reader", "long enough for us") == 409)
        let remove = ["csrf": csrf, "email": "admin@example.com"]
        #expect(try await house.submit("/console/settings/users/remove", remove, cookie: cookie).status == 409)
        let made = try await house.submit(
            "/console/settings/keys", ["csrf": csrf, "scope": "ingest", "source": "chat"], cookie: cookie)
        let key = try #require(try await house.journal.keys().first)
        #expect(made.status == 303 && key.scope == .ingest && key.source == "chat")
        // Another page of the session, fetched in between, does not take it.
        #expect(try await !house.get("/console/settings", cookie: cookie).text.contains("tl_\(key.shown)_"))
        let next = try #require(made.header("location"))
        #expect(try await house.get(next, cookie: cookie).text.contains("tl_\(key.shown)_"))
        #expect(try await !house.get(next, cookie: cookie).text.contains("tl_\(key.shown)_"))
        #expect(try await !house.get("/console/settings", cookie: cookie).text.contains("tl_\(key.shown)_"))
        let revoke = ["csrf": csrf, "key": key.shown]
        #expect(try await house.submit("/console/settings/keys/revoke", revoke, cookie: cookie).status == 303)
        #expect(try await house.journal.keys().first?.revokedAt != nil)
    }

    @Test func `follow what happens, and stop when somebody may not look any more`() async throws {
        let house = try House()
        try await house.add("ada@example.com", .reader)
        let id = house.sessions.open(email: "ada@example.com", role: .reader, replacing: nil)
        let call = Call(
            method: "GET", headers: [("cookie", "throughline_session=\(id)")], requestID: "r")
        let visit = try #require(try await house.console.visit(of: call))
        let follower = try #require(house.console.followers.enter(id))
        let feed = LiveFeed(console: house.console, visit: visit, follower: follower)
        var told: [String] = []
        try await feed.run { bytes in
            told.append(String(decoding: bytes, as: UTF8.self))
            if told.count == 1 { try await house.deadLead() }
            if told.count == 2 {
                _ = try await house.journal.removeUser(email: "ada@example.com", by: "t", now: House.at)
            }
        }
        #expect(told.count == 3 && told[0].contains("hello"))
        #expect(told[1] == "event: change\ndata: {}\n\n" && told[2] == "event: end\ndata: {}\n\n")
    }

    @Test func `stay small and have a name for every asset`() async throws {
        let house = try House()
        for number in 0..<60 { try await house.deadLead(email: "a\(number)@example.com") }
        let cookie = try await house.enter().cookie
        for path in ["/console", "/console/jobs", "/console/events", "/console/dead"] {
            let page = try await house.get(path, cookie: cookie)
            #expect(page.text.utf8.count < 100_000, "\(path) has \(page.text.utf8.count) bytes")
        }
        let page = try await house.get("/console", cookie: cookie).text
        var total = page.utf8.count
        for part in page.components(separatedBy: "/console/assets/").dropFirst() {
            let asset = try await house.get("/console/assets/" + part.prefix { $0 != "\"" })
            #expect(asset.status == 200 && asset.header("cache-control")?.contains("immutable") == true)
            total += asset.text.utf8.count
        }
        #expect(total < 100_000, "the first page and all that it loads")
    }

    @Test func `lead from an event to the trail of any id`() async throws {
        let house = try House()
        let (session, user) = ("abc+def/g==", "a b&c=d")
        let event: EventID = house.id()
        let said = Event(
            id: event, source: "chat", externalID: "x", externalType: "lead_captured", type: .leadCaptured,
            occurredAt: House.at, receivedAt: House.at, session: session, user: user, data: [:])
        _ = try await house.journal.append([.event(said, payload: Array("{}".utf8))])
        let page = try await house.get("/console/events/\(event)", cookie: try await house.enter().cookie)
        for id in [session, user] {
            #expect(page.text.contains("href=\"/console/trail?id=\(PercentCoding.encode(id))\""), "\(id)")
        }
    }
}
