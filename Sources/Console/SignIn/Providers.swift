internal import API
internal import Crypto
internal import Model
internal import Seams
internal import Settings
internal import Synchronization

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Asks others who somebody is: OpenID Connect's code flow with PKCE and nonce (RFC 7636, RFC 9700), and Supabase Auth.
final class Providers: Sendable {
    typealias Refusal = TokenVerifier.Refusal

    /// A sign-in that was sent to a provider and has not come back.
    private struct Journey {
        var provider: SignInProvider
        var nonce: String
        var verifier: String
        /// What the browser that was sent carries in a cookie: nobody else can bring the answer.
        var browser: [UInt8]
        var redirect: String
        var until: Duration
    }

    private struct Kept {
        var document: JSONObject
        var at: Duration
    }

    private struct State {
        var journeys: [[UInt8]: Journey] = [:]
        var documents: [String: Kept] = [:]
    }

    static let journeysMax = 200
    static let journeyLifetime: Duration = .seconds(600)
    static let documentLifetime: Duration = .seconds(3600)
    /// Keys are asked for anew when a token names one that is not known, this seldom.
    static let documentPause: Duration = .seconds(60)
    static let documentsMax = 100
    private static let timeout: Duration = .seconds(10)

    private let http: any HTTPTransport
    private let time: any TimeSource
    private let chance: any ChanceSource
    private let secret: @Sendable (SecretReference) -> Redacted<String>?
    private let state = Mutex(State())

    init(
        http: any HTTPTransport, time: any TimeSource, chance: any ChanceSource,
        secret: @escaping @Sendable (SecretReference) -> Redacted<String>?
    ) {
        self.http = http
        self.time = time
        self.chance = chance
        self.secret = secret
    }

    // MARK: OpenID Connect

    /// Where to send the browser, and what it carries for its way back.
    func begin(_ provider: SignInProvider, redirect: String) async throws -> (url: String, browser: String) {
        guard case .openID(let issuer, let client, _) = provider.kind else { throw Refusal("it asks for no journey") }
        let about = try await description(of: issuer)
        guard let endpoint = about["authorization_endpoint"]?.string, Self.isSafe(endpoint) else {
            throw Refusal("it names no place to sign in")
        }
        let (id, browser) = (token(), token())
        let journey = Journey(
            provider: provider, nonce: token(), verifier: token() + token(), browser: KeyText.hash(browser),
            redirect: redirect, until: time.uptime + Self.journeyLifetime)
        keep(journey, as: id)
        let query = [
            ("response_type", "code"), ("client_id", client), ("redirect_uri", redirect), ("scope", "openid email"),
            ("state", id), ("nonce", journey.nonce), ("code_challenge", Self.challenge(journey.verifier)),
            ("code_challenge_method", "S256"),
        ].map { "\($0.0)=\(PercentCoding.encode($0.1))" }.joined(separator: "&")
        return (endpoint + (endpoint.contains("?") ? "&" : "?") + query, browser)
    }

    /// The address of who comes back with this code; each journey ends with the first try.
    func finish(state id: String, code: String, browser: String?) async throws -> (provider: String, email: String) {
        let found = state.withLock { $0.journeys.removeValue(forKey: KeyText.hash(id)) }
        guard let journey = found, journey.until > time.uptime,
            let browser, KeyText.isEqual(KeyText.hash(browser), journey.browser),
            case .openID(let issuer, let client, let clientSecret) = journey.provider.kind
        else { throw Refusal("nobody was sent for it from this browser") }
        let about = try await description(of: issuer)
        guard let endpoint = about["token_endpoint"]?.string, Self.isSafe(endpoint) else {
            throw Refusal("it names no place for codes")
        }
        var form = [
            ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", journey.redirect),
            ("client_id", client), ("code_verifier", journey.verifier),
        ]
        if let clientSecret {
            guard let secret = secret(clientSecret) else { throw Refusal("\(clientSecret) is not set") }
            form.append(("client_secret", secret.revealed))
        }
        let body = form.map { "\($0.0)=\(PercentCoding.encode($0.1))" }.joined(separator: "&")
        let answer = try await send(
            OutboundRequest(
                method: "POST", url: endpoint,
                headers: [
                    .init("content-type", "application/x-www-form-urlencoded"), .init("accept", "application/json"),
                ], body: Array(body.utf8), timeout: Self.timeout, trust: Self.trust(endpoint, issuer)))
        guard let idToken = answer["id_token"]?.string else { throw Refusal("it gives no token for the code") }
        let claims = try await believe(
            idToken, from: journey.provider, keysAt: about["jwks_uri"]?.string, journey.nonce)
        guard claims.isEmailVerified == true, let email = claims.email else {
            throw Refusal("it does not say that the address is verified")
        }
        return (journey.provider.name, email)
    }

    // MARK: Supabase Auth

    /// The address of whom Supabase knows by this password.
    ///
    /// Whether it is confirmed is told by Supabase's own record of the user: what a token says under `user_metadata` can be
    /// written by the user.
    func ask(_ provider: SignInProvider, email: String, password: String) async throws -> String {
        guard case .supabase(let url, let reference) = provider.kind else { throw Refusal("it takes no password") }
        guard let key = secret(reference) else { throw Refusal("\(reference) is not set") }
        let body: JSONObject = ["email": .string(email), "password": .string(password)]
        let answer = try await send(
            OutboundRequest(
                method: "POST", url: url + "/auth/v1/token?grant_type=password",
                headers: [.init("content-type", "application/json"), .init("apikey", key.revealed)],
                body: body.encoded, timeout: Self.timeout))
        guard let accessToken = answer["access_token"]?.string, let user = answer["user"]?.object else {
            throw Refusal("it gives no token")
        }
        let claims = try await believe(accessToken, from: provider, keysAt: url + "/auth/v1/.well-known/jwks.json")
        guard user["id"]?.string == claims.subject, let known = user["email"]?.string?.lowercased(),
            claims.email == known, !claims.isAnonymous, user["email_confirmed_at"]?.string?.isEmpty == false
        else { throw Refusal("it does not say that the address is confirmed") }
        return known
    }

    // MARK: Tokens and keys

    private func believe(
        _ token: String, from provider: SignInProvider, keysAt address: String?, _ nonce: String? = nil
    ) async throws -> TokenVerifier.Claims {
        guard let address, Self.isSafe(address) else { throw Refusal("it publishes no keys") }
        let verifier = TokenVerifier(
            issuer: provider.issuer, audience: provider.audience, algorithms: provider.algorithms)
        let keys = try await document(address, trust: Self.trust(address, provider.issuer))
        do {
            return try await verifier.verify(token, keys: keys, nonce: nonce, now: time.now)
        } catch let refusal as Refusal where refusal == .noKey {
            let fresh = try await document(
                address, trust: Self.trust(address, provider.issuer), atMostOld: Self.documentPause)
            return try await verifier.verify(token, keys: fresh, nonce: nonce, now: time.now)
        }
    }

    private func description(of issuer: String) async throws -> JSONObject {
        let about = try await document(issuer + "/.well-known/openid-configuration", trust: .configured)
        guard let told = about["issuer"]?.string, told == issuer || told == issuer + "/" else {
            throw Refusal("it calls itself by another name")
        }
        return about
    }

    private func document(
        _ url: String, trust: OutboundRequest.AddressTrust, atMostOld age: Duration = documentLifetime
    ) async throws -> JSONObject {
        let now = time.uptime
        if let kept = state.withLock({ $0.documents[url] }), now - kept.at < age { return kept.document }
        let document = try await send(
            OutboundRequest(
                method: "GET", url: url, headers: [.init("accept", "application/json")], timeout: Self.timeout,
                trust: trust))
        state.withLock { state in
            if state.documents.count >= Self.documentsMax { state.documents.removeAll() }
            state.documents[url] = Kept(document: document, at: now)
        }
        return document
    }

    private func send(_ request: OutboundRequest) async throws -> JSONObject {
        let answer: InboundResponse
        do { answer = try await http.send(request) } catch {
            throw Refusal("it cannot be reached (\(error.kind.rawValue))")
        }
        guard answer.status == 200 else { throw Refusal("it answers \(answer.status)") }
        do { return try JSONObject(parsing: answer.body) } catch { throw Refusal("its answer is no JSON object") }
    }

    private func keep(_ journey: Journey, as id: String) {
        let now = time.uptime
        state.withLock { state in
            state.journeys = state.journeys.filter { $0.value.until > now }
            if state.journeys.count >= Self.journeysMax,
                let oldest = state.journeys.min(by: { $0.value.until < $1.value.until })
            {
                state.journeys.removeValue(forKey: oldest.key)
            }
            state.journeys[KeyText.hash(id)] = journey
        }
    }

    private func token() -> String { Crockford.encode(chance.bytes(20)) }

    static func challenge(_ verifier: String) -> String {
        Data(SHA256.hash(data: Data(verifier.utf8))).base64EncodedString().replacing("+", with: "-")
            .replacing("/", with: "_").replacing("=", with: "")
    }

    /// Tokens and codes travel encrypted, or not beyond this machine.
    private static func isSafe(_ url: String) -> Bool {
        url.hasPrefix("https://")
            || ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"].contains { url.hasPrefix($0) }
    }

    /// A place at the issuer itself was written in the configuration; any other must be a public one.
    private static func trust(_ url: String, _ issuer: String) -> OutboundRequest.AddressTrust {
        func origin(_ text: String) -> Substring {
            text.prefix(text.count - text.drop { $0 != ":" }.dropFirst(3).drop { $0 != "/" }.count)
        }
        return origin(url) == origin(issuer) ? .configured : .untrusted
    }
}
