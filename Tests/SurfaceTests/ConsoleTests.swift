import API
import Foundation
import Journal
import Model
import Synchronization
import TestKit
import Testing

@testable import Console

@Suite struct `The console` {
    private static let hostile = #"<script>alert(1)</script>"\#u{301} onload='x' &amp;"#

    @Test func `sends whoever is not signed in to the door`() async throws {
        let house = try await House()
        for route in house.console.routes where route.method == "GET" {
            guard !["/console/sign-in", "/console/enter", "/console/assets/console.css"].contains(route.template) else {
                continue
            }
            let path = route.template.replacingOccurrences(of: "{id}", with: "x")
                .replacingOccurrences(of: "{action}", with: "retry")
            let reply = try await house.send("GET", path)
            #expect(reply.status == 303 && reply.header("location") == "/console/sign-in", "\(path)")
        }
    }

    @Test func `says how to make the first user where there is none`() async throws {
        let text = try await House().send("GET", "/console/sign-in").text
        #expect(text.contains("throughline users add you@example.com --role admin"))
        #expect(!text.contains("type=\"password\""))
    }

    @Test func `opens by a link once and not twice, and not late`() async throws {
        let house = try await House()
        let path = house.console.makeSignInPath()
        let first = try await house.send("GET", path)
        #expect(first.status == 303 && first.cookie != nil)
        #expect(try await house.send("GET", path).status == 403)
        let late = house.console.makeSignInPath()
        house.time.advance(by: Sessions.linkLifetime + .seconds(1))
        #expect(try await house.send("GET", late).status == 403)
    }

    @Test func `gives a cookie that scripts and other sites cannot use`() async throws {
        let plain = try await House()
        let cookie = try await plain.send("GET", plain.console.makeSignInPath()).header("set-cookie") ?? ""
        #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && cookie.contains("Path=/console"))
        #expect(!cookie.contains("Secure"))
        let tls = try await House(publicURL: "https://hooks.example.com")
        #expect(
            try await tls.send("GET", tls.console.makeSignInPath()).header("set-cookie")?.contains("; Secure") == true)
    }

    @Test func `gives a new session at sign-in and ends the one before`() async throws {
        let house = try await House()
        let planted = try await house.enter().cookie
        let reply = try await house.send("GET", house.console.makeSignInPath(), headers: ["cookie": planted])
        #expect(reply.cookie != planted)
        #expect(try await house.send("GET", "/console", headers: ["cookie": planted]).status == 303)
        let own = try #require(reply.cookie)
        #expect(try await house.send("GET", "/console", headers: ["cookie": own]).status == 200)
        house.time.advance(by: Sessions.lifetime)
        #expect(try await house.send("GET", "/console", headers: ["cookie": own]).status == 303)
    }

    @Test func `signs in with the right password and says the same of a wrong one and an unknown address`() async throws
    {
        let house = try await House()
        try await house.journal.putUser(
            UserRow(email: "ada@example.com", role: .reader, createdAt: Make.at),
            passwordHash: house.passwords.hash("correct horse"), by: "test")
        let wrong = try await house.submit("/console/sign-in", ["email": "ada@example.com", "password": "wrong"])
        let unknown = try await house.submit("/console/sign-in", ["email": "bob@example.com", "password": "wrong"])
        #expect(wrong.status == 401 && wrong.text == unknown.text && wrong.cookie == nil)
        let right = try await house.submit(
            "/console/sign-in", ["email": "Ada@example.com", "password": "correct horse"])
        #expect(right.status == 303)
        let cookie = try #require(right.cookie)
        #expect(try await house.send("GET", "/console", headers: ["cookie": cookie]).status == 200)
        _ = try await house.journal.removeUser(email: "ada@example.com", by: "test", now: Make.at)
        #expect(try await house.send("GET", "/console", headers: ["cookie": cookie]).status == 303)
    }

    @Test func `stops guessing at one address, also when the right password comes at last`() async throws {
        let house = try await House()
        try await house.journal.putUser(
            UserRow(email: "ada@example.com", role: .reader, createdAt: Make.at),
            passwordHash: house.passwords.hash("correct horse"), by: "test")
        for _ in 0..<SignInLimiter.perAddress {
            _ = try await house.submit("/console/sign-in", ["email": "ada@example.com", "password": "wrong"])
        }
        let form = ["email": "ada@example.com", "password": "correct horse"]
        #expect(try await house.submit("/console/sign-in", form).status == 401)
        house.time.advance(by: .seconds(61))
        #expect(try await house.submit("/console/sign-in", form).status == 303)
    }

    @Test func `limits guesses over all addresses and stays small`() {
        var limiter = SignInLimiter()
        let admitted = (0..<3000).filter { limiter.admits("a\($0)", now: .zero) }.count
        #expect(admitted == SignInLimiter.together)
        let isLateAdmitted = limiter.admits("late", now: .seconds(2))
        #expect(isLateAdmitted)
        #expect(limiter.addressCount <= SignInLimiter.addressesMax)
    }

    @Test func `changes nothing without the token of its forms or from another site`() async throws {
        let destinations = FakeDestinations()
        let house = try await House(destinations: destinations)
        let (cookie, csrf) = try await house.enter()
        house.journal.set { $0.jobs = [Make.job(state: .dead)] }
        for route in house.console.routes where route.method == "POST" && route.template != "/console/sign-in" {
            let path = route.template.replacingOccurrences(of: "{id}", with: Make.id(1, JobTag.self).description)
                .replacingOccurrences(of: "{action}", with: "retry").replacingOccurrences(of: "{name}", with: "crm")
            #expect(try await house.submit(path, [:], cookie: cookie).status == 403, "\(path)")
            #expect(try await house.submit(path, ["csrf": csrf + "0"], cookie: cookie).status == 403, "\(path)")
            let foreign = ["sec-fetch-site": "cross-site"]
            #expect(try await house.submit(path, ["csrf": csrf], cookie: cookie, headers: foreign).status == 403)
        }
        #expect(house.journal.get { $0.changes.isEmpty } && destinations.calls.withLock { $0.isEmpty })
        let path = "/console/destinations/crm/resume"
        #expect(try await house.submit(path, ["csrf": csrf], cookie: cookie).status == 303)
        #expect(destinations.calls.withLock { $0 } == ["resume crm false"])
    }

    @Test func `lets a reader look and not act`() async throws {
        let house = try await House()
        try await house.journal.putUser(
            UserRow(email: "r@example.com", role: .reader, createdAt: Make.at), passwordHash: "", by: "test")
        house.journal.set { $0.jobs = [Make.job(state: .dead)] }
        let id = house.sessions.open(email: "r@example.com", role: .reader, replacing: nil)
        let cookie = "throughline_session=\(id)"
        let csrf = try #require(house.sessions.session(id)?.csrf)
        let job = "/console/jobs/\(Make.id(1, JobTag.self))"
        let page = try await house.send("GET", job, headers: ["cookie": cookie])
        #expect(page.status == 200 && !page.text.contains("Replay now"))
        #expect(try await house.submit(job + "/retry", ["csrf": csrf], cookie: cookie).status == 403)
        #expect(house.journal.get { $0.changes.isEmpty })
    }

    @Test func `shows hostile text as text on every page`() async throws {
        let pause = Pause(cause: .credentials, reason: Self.hostile, since: Make.at)
        let house = try await House(
            receiving: FakeReceiving(
                ReceiptAnswer(status: 200, body: [:]),
                refusals: [RefusedDelivery(at: Make.at, source: "chat", reason: Self.hostile)]),
            destinations: FakeDestinations(
                result: .stillFailing(Self.hostile),
                statuses: [
                    DestinationStatus(name: "crm", kind: "hubspot", pause: pause, breaker: "closed", running: 0)
                ]))
        let subject = SubjectStory(
            root: Make.id(1), identifiers: [SubjectIdentifier(.email, Self.hostile, .claimed)], records: [])
        let kept = KeptDelivery(
            id: Make.id(1), kind: .quarantined, source: "chat", externalID: Self.hostile, code: "invalid_field",
            reason: Self.hostile, receivedAt: Make.at, payload: Array(Self.hostile.utf8))
        house.journal.set { state in
            state.stories = [Self.hostile: [subject]]
            state.story.jobs = [Make.job(state: .dead, error: Self.hostile)]
            state.jobs = [Make.job(state: .dead, error: Self.hostile)]
            state.groups = [
                DeadGroup(
                    destination: "crm", action: "a", errorClass: Self.hostile, error: Self.hostile, count: 2,
                    first: Make.at, last: Make.at)
            ]
            state.kept = [kept]
            state.bulkLeft = 3
            state.alerts = [
                AlertRow(
                    id: Make.id(1), alert: NewAlert(key: "k", title: Self.hostile, detail: Self.hostile, at: Make.at),
                    endedAt: nil)
            ]
        }
        let cookie = try await house.enter().cookie
        let query = PercentCoding.encode(Self.hostile)
        for path in [
            "/console", "/console/trail?id=\(query)", "/console/trail?id=no\(query)", "/console/dead", "/console/jobs",
            "/console/jobs?destination=\(query)", "/console/jobs/\(Make.id(1, JobTag.self))", "/console/quarantine",
            "/console/quarantine/\(kept.id)", "/console/bulk/retry?error=\(query)", "/console/jobs?state=\(query)",
        ] {
            let reply = try await house.send("GET", path, headers: ["cookie": cookie])
            let scalars = Array(reply.text.unicodeScalars)
            #expect(!reply.text.contains("<script"), "\(path)")
            let quote = zip(scalars, scalars.dropFirst()).contains { $0 == "\"" && $1 == "\u{301}" }
            #expect(!quote, "\(path)")
            #expect(reply.status < 500, "\(path)")
            #expect(reply.header("content-security-policy")?.contains("default-src 'none'") == true)
            #expect(reply.header("cache-control") == "no-store" && reply.header("x-content-type-options") == "nosniff")
            #expect(!reply.text.contains("style=") && !reply.text.contains("onload=\""), "\(path)")
        }
    }

    @Test func `shows the plan of a group before it replays it`() async throws {
        let house = try await House()
        house.journal.set { $0.bulkLeft = 3 }
        let (cookie, csrf) = try await house.enter()
        let plan = try await house.send(
            "GET", "/console/bulk/retry?state=dead&destination=crm&error=http_500", headers: ["cookie": cookie])
        #expect(plan.text.contains("<strong>3</strong> jobs would be changed"))
        #expect(house.journal.get { $0.changes.isEmpty })
        let fields = ["csrf": csrf, "state": "dead", "destination": "crm", "error": "http_500"]
        let done = try await house.submit("/console/bulk/retry", fields, cookie: cookie)
        #expect(done.status == 200 && done.text.contains("retry of 3 jobs"))
        #expect(house.journal.get { $0.changes.first } == "retry 3 by sign-in link")
        #expect(house.journal.get { $0.filters.last?.errorClass } == "http_500")
    }

    @Test func `says in one sentence how things stand`() {
        var figures = JournalFigures(
            pending: 0, openJobs: ["crm": [.available: 40]], dead: 0, quarantined: 0, openAlerts: 0, eventsLastHour: 1,
            completedLastHour: 1, deadLastHour: 0, lastEventAt: nil)
        let well = StateOfThings(
            figures: figures, destinations: [], refusals: 0, readiness: nil, wellSince: Make.at)
        #expect(well.isWell && well.sentence == "All is well since 2026-11-23 10:00:00 UTC.")
        figures.dead = 1
        figures.openAlerts = 1
        let pause = Pause(cause: .credentials, reason: "401", since: Make.at)
        let paused = DestinationStatus(name: "crm", kind: "hubspot", pause: pause, breaker: "closed", running: 0)
        let unwell = StateOfThings(
            figures: figures, destinations: [paused], refusals: 2, readiness: nil, wellSince: Make.at)
        #expect(!unwell.isWell)
        #expect(
            unwell.sentence
                == "Destination crm is paused, 40 jobs behind it; 1 dead letter; 2 deliveries refused at the door lately."
        )
    }

    @Test func `keeps a password as the published scrypt vector says`() async throws {
        let passwords = Passwords(chance: SeededChance(seed: 1), blocking: InlineWork(), costExponent: 14)
        // RFC 7914, section 12: "pleaseletmein" with salt "SodiumChloride", N = 16384, r = 8, p = 1; its first 32 bytes.
        let known =
            "scrypt$14$8$1$536f6469756d43686c6f72696465$"
            + "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
        #expect(try await passwords.check("pleaseletmein", against: known))
        #expect(try await !passwords.check("pleaseletmeim", against: known))
        #expect(try await !passwords.check("anything", against: nil))
    }
}
