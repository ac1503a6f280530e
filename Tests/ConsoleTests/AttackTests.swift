import API
import Crypto
import Foundation
import HTTPTypes
import JWTKit
import Journal
import JournalSQLite
import Model
import Seams
import ServiceLifecycle
import Settings
import Synchronization
import TestKit
import Testing

@testable import Console

/// What an attacker tries, and that it does not work.
@Suite struct `An attacker` {
    private static let hostile =
        #"<script>alert(1)</script>"\#u{301} onload='x' &amp; javascript:alert(1)\#u{1B}[2J\#u{7}\#u{202E}x"#

    @Test func `plants a session that ends when its victim signs in`() async throws {
        let house = try House()
        try await house.add("ada@example.com", .admin, password: "correct horse")
        let planted = try #require(try await house.get(house.console.makeSignInPath()).cookie)
        let signedIn = try await house.send(
            "POST", "/console/sign-in", cookie: planted, body: "email=ada%40example.com&password=correct+horse")
        let own = try #require(signedIn.cookie)
        #expect(own != planted)
        #expect(try await house.get("/console", cookie: planted).status == 303)
        #expect(try await house.get("/console", cookie: own).status == 200)
        let invented = "throughline_session=00000000000000000000000000"
        let fresh = try await house.send(
            "POST", "/console/sign-in", cookie: invented, body: "email=ada%40example.com&password=correct+horse")
        #expect(fresh.cookie != invented)
        house.time.advance(by: Sessions.lifetime)
        #expect(try await house.get("/console", cookie: own).status == 303)
    }

    @Test func `sends forms from another site, without their token or with an older one`() async throws {
        let house = try House()
        let lead = try await house.deadLead()
        let kept = try await house.keep()
        let run = try await house.compared([], judged: 1)
        let (cookie, csrf) = try await house.enter()
        let older = try await house.enter().csrf
        let ids = [
            "/console/jobs/{id}": lead.job.description, "/console/events/{id}": lead.event.description,
            "/console/quarantine/{id}": kept.description, "/console/reconciliations/{id}": run.description,
        ]
        let changing = house.console.routes.filter { $0.method == "POST" && !$0.template.hasPrefix("/console/sign-in") }
        #expect(changing.count >= 24)
        let before = try await house.audit().count
        for route in changing {
            let id = ids.first { route.template.hasPrefix($0.key) }?.value ?? "x"
            let path = Paths.filled(route.template, ["id": id])
            let foreign = ["sec-fetch-site": "cross-site"]
            for (fields, headers) in [
                ([:], [:]), (["csrf": csrf + "0"], [:]), (["csrf": ""], [:]), (["csrf": older], [:]),
                (["csrf": csrf], foreign), (["csrf": csrf], ["sec-fetch-site": "same-site"]),
            ] as [([String: String], [String: String])] {
                let reply = try await house.submit(path, fields, cookie: cookie, headers: headers)
                #expect(reply.status == 403, "\(path) \(fields) \(headers)")
            }
            // A link or a picture cannot change anything either.
            #expect(try await house.get(path, cookie: cookie).status != 303, "\(path)")
        }
        #expect(try await house.audit().count == before)
        #expect(house.destinations.calls.withLock { $0.isEmpty } && house.reconciling.orders.withLock { $0.isEmpty })
        #expect(try await house.journal.figures(now: House.at).dead == 1)
    }

    @Test func `signs a victim in from another site`() async throws {
        let house = try House()
        try await house.add("eve@example.com", .admin, password: "correct horse")
        let fields = ["email": "eve@example.com", "password": "correct horse"]
        let reply = try await house.submit("/console/sign-in", fields, headers: ["sec-fetch-site": "cross-site"])
        #expect(reply.status == 403 && reply.cookie == nil)
    }

    @Test func `writes scripts into every field that reaches a page`() async throws {
        let hostile = Self.hostile
        let pause = Pause(cause: .credentials, reason: hostile, since: House.at)
        let house = try House(
            receiving: FakeReceiving(
                refusals: [RefusedDelivery(at: House.at, source: "chat", reason: hostile)],
                answer: ReceiptAnswer(status: 400, body: ["status": .string(hostile)])),
            destinations: FakeDestinations(result: .stillFailing(hostile), pause: pause))
        house.backstage.hostile.withLock { $0 = hostile }
        let lead = try await house.deadLead(
            email: hostile, data: ["name": .string(hostile), "message": .string(hostile), "plan": .string(hostile)],
            error: hostile, errorClass: hostile, externalID: hostile, payload: hostile,
            request: JSONObject(members: [.init(key: hostile, value: .string(hostile))]).encodedText)
        let kept = try await house.keep(reason: hostile, code: hostile, externalID: hostile, payload: hostile)
        let run = try await house.compared(
            [
                Difference(
                    number: 1, cause: .changed, sample: hostile, key: hostile, records: [hostile], at: House.at,
                    detail: hostile)
            ], judged: 3, words: hostile)
        try await house.journal.openAlert(NewAlert(key: "k", title: hostile, detail: hostile, at: House.at))
        try await house.journal.note(
            AuditRow(at: House.at, actor: hostile, action: hostile, target: hostile, detail: hostile))
        let (cookie, csrf) = try await house.enter()
        let query = PercentCoding.encode(hostile)
        let pages = [
            "/console", "/console/trail?id=\(query)", "/console/trail?id=no\(query)",
            "/console/trail?id=\(lead.subject)",
            "/console/events", "/console/events?source=\(query)", "/console/events/\(lead.event)",
            "/console/events/\(lead.event)/replay", "/console/jobs", "/console/jobs?destination=\(query)",
            "/console/jobs/\(lead.job)", "/console/jobs?state=\(query)", "/console/dead",
            "/console/dead?error=\(query)",
            "/console/quarantine", "/console/quarantine?code=\(query)", "/console/quarantine/\(kept)",
            "/console/quarantine/replay?code=\(query)", "/console/bulk/retry?error=\(query)", "/console/destinations",
            "/console/destinations/crm", "/console/flows", "/console/flows/new-lead", "/console/alerts",
            "/console/audit", "/console/settings", "/console/rehearse?event=\(lead.event)&configuration=\(query)",
            "/console/rehearse?event=\(query)", "/console/flows/\(query)", "/console/runs/\(query)",
            "/console/sign-in/with/\(query)", "/console/reconciliations", "/console/reconciliations/\(run)",
            "/console/reconciliations/\(run)?cause=\(query)", "/console/reconciliations/\(run)/repair",
        ]
        var replies: [(String, House.Reply)] = []
        for page in pages { replies.append((page, try await house.get(page, cookie: cookie))) }
        for post in [
            "/console/events/\(lead.event)/payload", "/console/quarantine/\(kept)/payload",
            "/console/quarantine/\(kept)/replay", "/console/jobs/\(lead.job)/request",
            "/console/destinations/crm/resume", "/console/destinations/crm/check", "/console/rehearse",
        ] {
            let fields = ["csrf": csrf, "event": lead.event.description, "configuration": hostile]
            replies.append((post, try await house.submit(post, fields, cookie: cookie)))
        }
        replies.append(
            ("sign-in", try await house.submit("/console/sign-in", ["email": hostile, "password": hostile])))
        for (path, reply) in replies { expectHarmless(reply, path) }
        let shown = replies.filter { $0.1.text.contains("&lt;script&gt;") }.count
        #expect(shown > 27, "the words are shown, as words: \(shown)")
    }

    private func expectHarmless(_ reply: House.Reply, _ path: String) {
        #expect(reply.status < 500, "\(path)")
        let scripts = reply.text.components(separatedBy: "<script").count - 1
        #expect(scripts == (reply.text.contains("class=\"inside\"") ? 1 : 0), "\(path): ours and no other")
        let scalars = Array(reply.text.unicodeScalars)
        #expect(!zip(scalars, scalars.dropFirst()).contains { $0 == "\"" && $1 == "\u{301}" }, "\(path)")
        #expect(!scalars.contains { "\u{1B}\u{7}\u{202E}".unicodeScalars.contains($0) }, "\(path): controls")
        #expect(!reply.text.contains("style=") && !reply.text.contains("onload='") && !reply.text.contains("onload=\""))
        #expect(!reply.text.lowercased().contains("href=\"javascript:"), "\(path)")
        let policy = reply.header("content-security-policy") ?? ""
        #expect(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"), "\(path)")
        #expect(!policy.contains("unsafe"), "\(path)")
        #expect(reply.header("cache-control") == "no-store" && reply.header("x-content-type-options") == "nosniff")
    }

    @Test func `makes a link out of a record's address`() {
        for address in [
            "javascript:alert(1)", "JAVASCRIPT:alert(1)", "data:text/html,x", "//evil.example", "https://a b",
            "vbscript:x",
            "https://x\u{0}y", " https://x",
        ] {
            #expect(ExternalLink.checked(address) == nil, "\(address)")
        }
        #expect(ExternalLink.checked("https://app.hubspot.com/contacts/1") != nil)
    }

    @Test func `is sent on to another site`() async throws {
        let house = try House()
        try await house.add("ada@example.com", .reader, password: "correct horse")
        for extra in ["next", "return", "redirect", "url", "return_to", "continue"] {
            for place in ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"] {
                let reply = try await house.submit(
                    "/console/sign-in?\(extra)=\(PercentCoding.encode(place))",
                    ["email": "ada@example.com", "password": "correct horse", extra: place])
                #expect(reply.header("location") == "/console", "\(extra)=\(place)")
                house.time.advance(by: .seconds(3600))
                let page = try await house.get("/console/sign-in?\(extra)=\(PercentCoding.encode(place))")
                #expect(!page.text.contains("evil.example"))
            }
        }
        for path in ["//evil.example/console", "/console//evil.example", "/console/..//evil.example"] {
            let reply = try await house.get(path)
            #expect(reply.status == 404 && reply.header("location") == nil, "\(path)")
        }
    }

    @Test func `comes from a page of another site`() async throws {
        let house = try House()
        try await house.add("ada@example.com", .reader, password: "correct horse")
        func signIn(_ headers: [String: String]) async throws -> Int {
            try await house.submit(
                "/console/sign-in", ["email": "ada@example.com", "password": "correct horse"], headers: headers
            ).status
        }
        // Towards plain HTTP on another machine a browser says nothing but the origin.
        for origin in ["https://evil.example", "null", "http://localhost:1", "http://acme.test.evil.example"] {
            #expect(try await signIn(["origin": origin, "host": "acme.test"]) == 403, "\(origin)")
        }
        #expect(try await signIn(["sec-fetch-site": "cross-site"]) == 403)
        #expect(try await signIn(["origin": "http://Acme.test", "host": "acme.test"]) == 303)
        let (cookie, csrf) = try await house.enter()
        let reply = try await house.submit(
            "/console/destinations/crm/pause", ["csrf": csrf], cookie: cookie,
            headers: ["origin": "https://evil.example", "host": "acme.test"])
        #expect(reply.status == 403)
    }

    @Test func `reads what was said under another name`() {
        let fields: JSONObject = [
            "vorname": "Robert", "status": "for robert: call", "plan": "team", "seats": 3, "ok": true,
        ]
        let said = Masked.said(in: [
            "name": "Robert", "plan": "team", "transcript": [["role": "user", "text": "hunter2"]],
        ])
        #expect(said == ["Robert", "hunter2"])
        let own = Masked.rows(of: fields, hiding: said).encodedText
        #expect(!own.lowercased().contains("robert") && own.contains("team"))
        let body = Masked.body(
            Array(#"{"kunde":"Robert","in":[{"summary":"robert wrote hunter2"}],"plan":"team"}"#.utf8), hiding: said)
        #expect(!body.lowercased().contains("robert") && !body.contains("hunter2") && body.contains("team"))
    }

    @Test func `asks by the conditions of another configuration what is masked`() async throws {
        let house = try House()
        let lead = try await house.deadLead()
        let (cookie, csrf) = try await house.enter(as: .operator)
        let page = try await house.get("/console/rehearse", cookie: cookie)
        #expect(page.status == 200 && !page.text.contains("<textarea"))
        let fields = ["csrf": csrf, "event": lead.event.description, "configuration": "product: Acme"]
        let reply = try await house.submit("/console/rehearse", fields, cookie: cookie)
        #expect(reply.status == 403 && reply.text.contains("takes an administrator"))
    }

    @Test func `learns from the audit who else comes in`() async throws {
        let house = try House()
        try await house.add("eve@example.com", .admin, password: "correct horse")
        let form = ["email": "eve@example.com", "password": "correct horse"]
        #expect(try await house.submit("/console/sign-in", form).status == 303)
        let admin = try await house.get("/console/audit", cookie: try await house.enter().cookie)
        #expect(admin.text.contains("users.put") && admin.text.contains("console.sign_in"))
        let audit = try await house.get("/console/audit", cookie: try await house.enter(as: .reader).cookie)
        #expect(audit.status == 200 && !audit.text.contains("users.put"))
        #expect(!audit.text.contains("console.sign_in") && !audit.text.contains("eve@example.com"))
    }

    @Test func `walks out of the folder of assets`() async throws {
        let house = try House()
        let cookie = try await house.enter().cookie
        for path in [
            "/console/assets/../../etc/passwd", "/console/assets/..%2f..%2fetc%2fpasswd",
            "/console/assets/%2e%2e/%2e%2e/etc/passwd", "/console/assets/..%5c..%5cwindows",
            "/console/assets/console.css/../../../etc/passwd", "/console/assets/",
            "/console/assets/console.css%00.html",
            "/console/assets/layout.mustache", "/console/../v1/keys", "/console/%2e%2e/v1/keys",
        ] {
            let reply = try await house.get(path, cookie: cookie)
            #expect(reply.status == 404, "\(path)")
            #expect(!reply.text.contains("root:"))
        }
        let name = PercentCoding.encode("../../../etc/passwd")
        for path in [
            "/console/jobs/\(name)", "/console/destinations/\(name)", "/console/flows/\(name)", "/console/runs/\(name)",
        ] {
            #expect(try await house.get(path, cookie: cookie).status == 404, "\(path)")
        }
    }

    @Test func `does with one role what is another's`() async throws {
        let house = try House()
        let lead = try await house.deadLead()
        let kept = try await house.keep()
        let needs: [(path: String, fields: [String: String], role: UserRow.Role)] = [
            ("/console/jobs/\(lead.job)/retry", [:], .operator), ("/console/jobs/\(lead.job)/cancel", [:], .operator),
            ("/console/bulk/retry", ["state": "dead"], .operator), ("/console/runs/x/stop", [:], .operator),
            ("/console/events/\(lead.event)/replay", [:], .operator),
            ("/console/quarantine/\(kept)/replay", [:], .operator), ("/console/quarantine/replay", [:], .operator),
            ("/console/quarantine/\(kept)/set-aside", [:], .operator),
            ("/console/quarantine/set-aside", [:], .operator),
            ("/console/destinations/crm/pause", [:], .operator), ("/console/destinations/crm/resume", [:], .operator),
            ("/console/destinations/crm/check", [:], .operator),
            ("/console/reconciliations", [:], .operator), ("/console/reconciliations/x/repair", [:], .operator),
            ("/console/alerts/x/acknowledge", [:], .operator), ("/console/issues/x/acknowledge", [:], .operator),
            ("/console/silences", ["pattern": "*", "for": "7d"], .operator), ("/console/silences/end", [:], .operator),
            ("/console/events/\(lead.event)/payload", [:], .admin),
            ("/console/quarantine/\(kept)/payload", [:], .admin), ("/console/jobs/\(lead.job)/request", [:], .admin),
            ("/console/settings/users", ["email": "eve@example.com", "role": "admin"], .admin),
            ("/console/settings/users/remove", ["email": "admin@example.com"], .admin),
            ("/console/settings/keys", ["scope": "admin"], .admin),
            ("/console/settings/keys/revoke", ["key": "x"], .admin),
        ]
        let told = Set(
            needs.map {
                $0.path.replacing("\(lead.job)", with: "{id}").replacing("\(lead.event)", with: "{id}")
                    .replacing("\(kept)", with: "{id}").replacing("/crm/", with: "/{name}/").replacing(
                        "/x/", with: "/{id}/"
                    ).replacing(
                        "/runs/x", with: "/runs/{id}"
                    )
                    .replacing("bulk/retry", with: "bulk/{action}")
            })
        let all = Set(house.console.routes.filter { $0.method == "POST" }.map(\.template))
            .subtracting(["/console/sign-in", "/console/sign-in/with/{name}", "/console/sign-out", "/console/rehearse"])
        #expect(told == all, "each change has a role")
        for role in [UserRow.Role.reader, .operator] {
            let (cookie, csrf) = try await house.enter(as: role)
            for need in needs where !role.includes(need.role) {
                let reply = try await house.submit(
                    need.path, need.fields.merging(["csrf": csrf]) { $1 }, cookie: cookie)
                #expect(reply.status == 403, "\(role) at \(need.path)")
            }
            let page = try await house.get("/console/settings", cookie: cookie)
            #expect(page.status == 200 && !page.text.contains("admin@example.com"))
            #expect(try await !house.get("/console/events/\(lead.event)", cookie: cookie).text.contains("Show the raw"))
        }
        let reader = try await house.enter(as: .reader)
        let job = try await house.get("/console/jobs/\(lead.job)", cookie: reader.cookie)
        #expect(job.status == 200 && !job.text.contains("Replay now"))
        #expect(try await house.get("/console/bulk/retry?state=dead", cookie: reader.cookie).status == 403)
        #expect(try await house.journal.figures(now: House.at).dead == 1)
        #expect(try await house.journal.user(email: "eve@example.com") == nil)
    }

    @Test func `keeps a role that was taken away`() async throws {
        let house = try House()
        let (cookie, csrf) = try await house.enter()
        try await house.add("admin@example.com", .reader)
        let fields = ["csrf": csrf, "scope": "admin"]
        #expect(try await house.submit("/console/settings/keys", fields, cookie: cookie).status == 403)
        _ = try await house.journal.removeUser(email: "admin@example.com", by: "test", now: House.at)
        #expect(try await house.get("/console", cookie: cookie).status == 303)
    }

    @Test func `guesses at one address, also slowly and when the right password comes at last`() async throws {
        let house = try House()
        try await house.add("ada@example.com", .reader, password: "correct horse")
        for _ in 0..<SignInLimiter.perAddress {
            _ = try await house.submit("/console/sign-in", ["email": "ada@example.com", "password": "wrong"])
        }
        let form = ["email": "ada@example.com", "password": "correct horse"]
        let late = try await house.submit("/console/sign-in", form)
        #expect(late.status == 429 && late.cookie == nil && late.header("retry-after") == "60")
        house.time.advance(by: .seconds(61))
        #expect(try await house.submit("/console/sign-in", form).status == 303)
    }

    @Test func `guesses once a minute for a week, or at all addresses at once`() {
        var slow = SignInLimiter()
        let minutes = 7 * 24 * 60
        let admitted = (0..<minutes).filter { slow.admits("ada", now: .seconds(60 * Int64($0))) }.count
        #expect(admitted <= SignInLimiter.perAddressSlowly + minutes / 15 + 1)
        var wide = SignInLimiter()
        let many = (0..<30_000).filter { wide.admits("a\($0)", now: .zero) }.count
        #expect(many == SignInLimiter.together && wide.addressCount == SignInLimiter.together)
        for second in 1...10_500 { _ = wide.admits("b\(second)", now: .seconds(Int64(second))) }
        #expect(wide.addressCount <= SignInLimiter.addressesMax)
    }

    @Test func `sends what is too large for a form`() async throws {
        let house = try House()
        let (cookie, csrf) = try await house.enter()
        let long = String(repeating: "a", count: 5000)
        #expect(try await house.submit("/console/sign-in", ["email": long, "password": long]).status == 413)
        let fields = ["csrf": csrf, "event": "x", "configuration": String(repeating: "a", count: 600_000)]
        #expect(try await house.submit("/console/rehearse", fields, cookie: cookie).status == 413)
    }
}
