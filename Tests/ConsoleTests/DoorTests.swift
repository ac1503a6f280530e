import API
import Foundation
import Journal
import JournalSQLite
import Model
import Seams
import Settings
import TestKit
import Testing

@testable import Console

@Suite struct `The door of the console` {
    @Test func `sends whoever is not signed in to the door`() async throws {
        let house = try House()
        let open = ["/", "/console/sign-in", "/console/enter", "/console/sign-in/back", "/console/sign-in/with/{name}"]
        for route in house.console.routes where !route.template.hasPrefix("/console/assets/") {
            guard !open.contains(route.template) else { continue }
            let reply = try await house.send(
                route.method, Paths.filled(route.template), body: route.method == "POST" ? "" : nil)
            #expect(reply.status == 303 && reply.header("location") == "/console/sign-in", "\(route.template)")
        }
    }

    @Test func `is where a browser comes from the bare address, and answers it what is no page`() async throws {
        let house = try House()
        let browser = ["accept": "text/html,application/xhtml+xml"]
        #expect(try await house.send("GET", "/", headers: browser).header("location") == "/console")
        let program = try await house.send("GET", "/", headers: ["accept": "application/json"])
        #expect(program.status == 404 && program.text.contains("/openapi.json"))
        let (cookie, _) = try await house.enter()
        for path in ["/console/nowhere", "/console/jobs/x/y", "/console/a/b/c"] {
            let missing = try await house.get(path, cookie: cookie)
            #expect(missing.status == 404 && missing.text.contains("There is no such page."), "\(path)")
        }
    }

    @Test func `says how to make the first user where there is none`() async throws {
        let text = try await House().get("/console/sign-in").text
        #expect(text.contains("throughline users add you@example.com --role admin"))
        #expect(!text.contains("type=\"password\""))
    }

    @Test func `opens by a link once and not twice, and not late`() async throws {
        let house = try House()
        let path = house.console.makeSignInPath()
        let first = try await house.get(path)
        #expect(first.status == 303 && first.cookie != nil)
        #expect(try await house.get(path).status == 403)
        let late = house.console.makeSignInPath()
        house.time.advance(by: Sessions.linkLifetime + .seconds(1))
        #expect(try await house.get(late).status == 403)
    }

    @Test func `gives a cookie that scripts and other sites cannot use`() async throws {
        let plain = try House()
        let cookie = try await plain.get(plain.console.makeSignInPath()).header("set-cookie") ?? ""
        #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && cookie.contains("Path=/console"))
        #expect(!cookie.contains("Secure"))
        let tls = try House(publicURL: "https://hooks.example.com")
        #expect(try await tls.get(tls.console.makeSignInPath()).header("set-cookie")?.contains("; Secure") == true)
    }

    @Test func `signs in with the right password and says the same of a wrong one and an unknown address`() async throws
    {
        let house = try House()
        try await house.add("ada@example.com", .reader, password: "correct horse")
        let wrong = try await house.submit("/console/sign-in", ["email": "ada@example.com", "password": "wrong"])
        let unknown = try await house.submit("/console/sign-in", ["email": "bob@example.com", "password": "wrong"])
        #expect(wrong.status == 401 && wrong.cookie == nil)
        #expect(wrong.text.contains("value=\"ada@example.com\""), "the address need not be typed again")
        #expect(wrong.text == unknown.text.replacing("bob@example.com", with: "ada@example.com"))
        let right = try await house.submit(
            "/console/sign-in", ["email": "Ada@example.com", "password": "correct horse"])
        #expect(right.status == 303)
        let entry = try await house.journal.audit(page: PageRequest(limit: 1)).items.first
        #expect(entry?.actor == "user ada@example.com" && entry?.action == "console.sign_in")
        let cookie = try #require(right.cookie)
        #expect(try await house.get("/console", cookie: cookie).status == 200)
        try await house.add("ada@example.com", .reader, password: "another horse")
        #expect(try await house.get("/console", cookie: cookie).status == 303, "the password is another one")
        _ = try await house.journal.removeUser(email: "ada@example.com", by: "test", now: House.at)
        let late = try await house.submit(
            "/console/sign-in", ["email": "ada@example.com", "password": "another horse"])
        #expect(late.status == 401)
    }

    @Test func `lets nobody in by a password where there is none`() async throws {
        let house = try House()
        try await house.add("ada@example.com", .admin)
        for password in ["", " ", "scrypt"] {
            let reply = try await house.submit("/console/sign-in", ["email": "ada@example.com", "password": password])
            #expect(reply.status == 401)
        }
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
