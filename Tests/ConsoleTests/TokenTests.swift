import API
import Crypto
import Foundation
import HTTPTypes
import Journal
import JournalSQLite
import JWTKit
import Model
import Seams
import ServiceLifecycle
import Settings
import Synchronization
import Testing
import TestKit

@testable import Console

@Suite struct `A token` {
    private let provider = FakeProvider()
    private let verifier = TokenVerifier(
        issuer: FakeProvider.issuer, audience: "client", algorithms: [.rs256, .es256])
    private let seconds = House.at.milliseconds / 1000

    private func claims(_ changes: [String: JSONValue] = [:]) -> [String: JSONValue] {
        let usual: [String: JSONValue] = [
            "iss": .string(FakeProvider.issuer), "aud": "client", "sub": "u-1", "email": "Ada@Example.com",
            "email_verified": true, "exp": .int(seconds + 600), "nonce": "n-1",
        ]
        return usual.merging(changes) { $1 }
    }

    /// Why it is refused; nil: it is believed.
    private func refusal(of token: String, nonce: String? = nil) async -> String? {
        do {
            _ = try await verifier.verify(token, keys: provider.jwks, nonce: nonce, now: House.at)
            return nil
        } catch {
            return (error as? TokenVerifier.Refusal)?.reason ?? "\(error)"
        }
    }

    private func base64(_ object: JSONObject) -> String {
        Data(object.encoded).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
            .replacing("=", with: "")
    }

    @Test func `of the right issuer is believed`() async throws {
        let token = try await provider.sign(claims())
        let told = try await verifier.verify(token, keys: provider.jwks, nonce: "n-1", now: House.at)
        #expect(told.email == "ada@example.com" && told.isEmailVerified == true && told.subject == "u-1")
        let slash = try await provider.sign(claims(["iss": .string(FakeProvider.issuer + "/")]))
        #expect(await refusal(of: slash) == nil)
        let several = try await provider.sign(claims(["aud": .array(["client", "other"]), "azp": "client"]))
        #expect(await refusal(of: several) == nil)
    }

    @Test func `without a signature is refused`() async throws {
        let body = base64(JSONObject(members: claims().map { JSONObject.Member(key: $0.key, value: $0.value) }))
        for algorithm in ["none", "None", "NONE", ""] {
            let header = base64(["alg": .string(algorithm), "kid": "k1"])
            #expect(await refusal(of: "\(header).\(body).")?.contains("algorithm") == true, "\(algorithm)")
        }
    }

    @Test func `signed with the public key as if it were a shared secret is refused`() async throws {
        let body = base64(JSONObject(members: claims().map { JSONObject.Member(key: $0.key, value: $0.value) }))
        let header = base64(["alg": "HS256", "kid": "k1"])
        for secret in [provider.key.publicKey.pemRepresentation, provider.jwks.encodedText] {
            let code = HMAC<SHA256>.authenticationCode(
                for: Data("\(header).\(body)".utf8), using: SymmetricKey(data: Data(secret.utf8)))
            let signature = Data(code).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
                .replacing("=", with: "")
            #expect(await refusal(of: "\(header).\(body).\(signature)")?.contains("algorithm") == true)
        }
    }

    @Test func `that is not what it must be is refused, with the reason`() async throws {
        let wrong: [(String, [String: JSONValue], String)] = [
            ("issuer", ["iss": "https://id.example.com.evil.example"], "another issuer"),
            ("audience", ["aud": "another"], "somebody else"), ("no audience", ["aud": .null], "somebody else"),
            ("party", ["aud": .array(["client", "other"]), "azp": "other"], "somebody else asked"),
            ("expired", ["exp": .int(seconds - 61)], "expired"), ("no end", ["exp": .null], "never ends"),
            ("not yet", ["nbf": .int(seconds + 120)], "not valid yet"),
            ("future", ["iat": .int(seconds + 120)], "future"), ("nobody", ["sub": .null], "nobody"),
            ("nonce", ["nonce": "n-2"], "another sign-in"),
        ]
        for (name, changes, words) in wrong {
            let token = try await provider.sign(claims(changes))
            #expect(await refusal(of: token, nonce: "n-1")?.contains(words) == true, "\(name)")
        }
    }

    @Test func `changed after it was signed, or signed by another key, is refused`() async throws {
        let token = try await provider.sign(claims())
        let parts = token.split(separator: ".").map(String.init)
        let forged = base64([
            "iss": .string(FakeProvider.issuer), "aud": "client", "sub": "root", "exp": .int(seconds + 9),
        ])
        #expect(await refusal(of: "\(parts[0]).\(forged).\(parts[2])")?.contains("signature") == true)
        let other = try await FakeProvider().sign(claims())
        #expect(await refusal(of: other)?.contains("signature") == true)
        let unknown = try await provider.sign(claims(), kid: "k2")
        #expect(await refusal(of: unknown)?.contains("no published key") == true)
        for text in ["", ".", "..", "a.b.c", String(repeating: "a", count: 20_000), parts[0] + "." + parts[1]] {
            #expect(await refusal(of: text) != nil)
        }
    }
}

@Suite struct `Sign-in by a provider` {
    private static let oidc = SignInProvider(
        name: "company",
        kind: .openID(issuer: FakeProvider.issuer, clientID: "client", clientSecret: .environment("OIDC_SECRET")),
        audience: "client")
    private static let supabase = SignInProvider(
        name: "product", kind: .supabase(url: FakeProvider.project, key: .environment("ANON")),
        audience: "authenticated")

    /// Sends a browser off and brings it back; the answer to its way back.
    private func travel(
        _ house: House, nonce: Bool = true, browser: Bool = true, twice: Bool = false
    ) async throws -> House.Reply {
        let away = try await house.get("/console/sign-in/with/company")
        let url = try #require(away.header("location"))
        let query = Query(url.drop { $0 != "?" }.dropFirst())
        let nonceText = query["nonce"] ?? ""
        if nonce { house.provider.set { $0.claims["nonce"] = .string(nonceText) } }
        let back = "/console/sign-in/back?code=c-1&state=\(query["state"] ?? "")"
        if twice { _ = try await house.get(back, cookie: away.cookie) }
        return try await house.get(back, cookie: browser ? away.cookie : nil)
    }

    @Test func `brings a user in by a verified address, with a code, a verifier and a nonce`() async throws {
        let house = try House(publicURL: "https://hooks.example.com", signIn: [Self.oidc])
        try await house.add("ada@example.com", .operator)
        let away = try await house.get("/console/sign-in/with/company")
        let location = try #require(away.header("location"))
        #expect(away.status == 303 && location.hasPrefix("https://id.example.com/authorize?"))
        #expect(location.contains("code_challenge_method=S256") && location.contains("nonce="))
        #expect(away.header("set-cookie")?.contains("HttpOnly; SameSite=Lax; Secure") == true)
        let back = try await travel(house)
        #expect(back.status == 200 && back.text.contains("href=\"/console\""))
        let cookie = try #require(back.cookie)
        #expect(back.header("set-cookie")?.contains("SameSite=Strict") == true)
        let page = try await house.get("/console", cookie: cookie)
        #expect(page.status == 200 && page.text.contains("operator"))
        let exchange = try #require(house.provider.requests.last { $0.url.hasSuffix("/token") })
        let form = Query(String(decoding: exchange.body, as: UTF8.self))
        #expect(form["client_secret"] == "client-secret" && form["code"] == "c-1" && form["code_verifier"] != nil)
        #expect(form["redirect_uri"] == "https://hooks.example.com/console/sign-in/back")
    }

    @Test func `makes no user, believes no unverified address, and takes each journey once from its own browser`()
        async throws
    {
        let house = try House(signIn: [Self.oidc])
        #expect(try await travel(house).status == 401, "there is no such user")
        try await house.add("ada@example.com", .operator)
        #expect(try await travel(house).status == 200)
        #expect(try await travel(house, browser: false).status == 401)
        #expect(try await travel(house, twice: true).status == 401)
        #expect(try await travel(house, nonce: false).status == 401, "the nonce is an older one's")
        house.provider.set { $0.claims["email_verified"] = false }
        #expect(try await travel(house).status == 401)
        house.provider.set { $0.claims["email_verified"] = .null }
        #expect(try await travel(house).status == 401)
        #expect(try await house.get("/console/sign-in/back?code=a&state=b").status == 401)
        #expect(try await house.get("/console/sign-in/back").status == 401)
        #expect(try await house.get("/console/sign-in/with/nobody").status == 404)
    }

    @Test func `asks Supabase, and believes its record of the user and not what the user wrote`() async throws {
        let house = try House(signIn: [Self.supabase])
        try await house.add("ada@example.com", .reader)
        let user: JSONObject = [
            "id": "u-1", "email": "ada@example.com", "email_confirmed_at": "2026-01-01T00:00:00Z",
        ]
        func tryIt() async throws -> House.Reply {
            try await house.submit(
                "/console/sign-in/with/product", ["email": "ada@example.com", "password": "of the product"])
        }
        house.provider.set { $0.user = user }
        let inside = try await tryIt()
        #expect(inside.status == 200)
        #expect(try await house.get("/console", cookie: inside.cookie).status == 200)
        let asked = try #require(house.provider.requests.first { $0.method == "POST" })
        #expect(asked.headers.contains { $0.name == "apikey" && $0.value == "client-secret" })
        for change: @Sendable (inout FakeProvider.State) -> Void in [
            { $0.user["email_confirmed_at"] = .null }, { $0.user["id"] = "u-2" },
            { $0.user["email"] = "admin@example.com" }, { $0.claims["is_anonymous"] = true },
            { $0.claims["aud"] = "anon" },
        ] {
            house.provider.set { state in
                state.user = user
                state.claims = [:]
                change(&state)
            }
            #expect(try await tryIt().status == 401)
            house.time.advance(by: .seconds(3600))
        }
    }

    @Test func `sends nobody to a place that is not safe`() async throws {
        let house = try House(signIn: [Self.oidc])
        for place in ["javascript:alert(1)", "http://evil.example/authorize", "//evil.example", "data:text/html,x"] {
            house.provider.set { $0.authorizationEndpoint = place }
            house.time.advance(by: .seconds(7200))
            let reply = try await house.get("/console/sign-in/with/company")
            #expect(reply.status == 401 && reply.header("location") == nil, "\(place)")
        }
    }
}
