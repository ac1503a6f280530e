import API
import Foundation
import JWTKit
import Model
import Seams
import Synchronization

/// An OpenID provider and a Supabase project, which sign what a test tells them to say.
final class FakeProvider: HTTPTransport {
    static let issuer = "https://id.example.com"
    static let project = "https://abcd.supabase.example"

    struct State {
        /// What the next token says beside what it must.
        var claims: [String: JSONValue] = [:]
        /// Replaces the whole token.
        var token: String?
        var requests: [OutboundRequest] = []
        var user: JSONObject = [:]
        var authorizationEndpoint = "https://id.example.com/authorize"
    }

    let key = ES256PrivateKey()
    let state = Mutex(State())

    func set(_ change: @Sendable (inout State) -> Void) { state.withLock { change(&$0) } }
    var requests: [OutboundRequest] { state.withLock { $0.requests } }

    var jwks: JSONObject {
        let point = key.publicKey.parameters
        let key: JSONObject = [
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "k1",
            "x": .string(Self.url(point?.x ?? "")), "y": .string(Self.url(point?.y ?? "")),
        ]
        return ["keys": .array([.object(key)])]
    }

    private static func url(_ base64: String) -> String {
        base64.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    func send(_ request: OutboundRequest) async throws(TransportError) -> InboundResponse {
        state.withLock { $0.requests.append(request) }
        let body: JSONObject
        switch request.url {
        case "\(Self.issuer)/.well-known/openid-configuration":
            body = [
                "issuer": .string(Self.issuer),
                "authorization_endpoint": .string(state.withLock { $0.authorizationEndpoint }),
                "token_endpoint": .string("\(Self.issuer)/token"), "jwks_uri": .string("\(Self.issuer)/jwks"),
            ]
        case "\(Self.issuer)/jwks", "\(Self.project)/auth/v1/.well-known/jwks.json": body = jwks
        case "\(Self.issuer)/token": body = ["id_token": .string(await token(issuer: Self.issuer, audience: "client"))]
        case "\(Self.project)/auth/v1/token?grant_type=password":
            body = [
                "access_token": .string(await token(issuer: Self.project + "/auth/v1", audience: "authenticated")),
                "user": .object(state.withLock { $0.user }),
            ]
        default: return InboundResponse(status: 404)
        }
        return InboundResponse(status: 200, body: body.encoded)
    }

    private func token(issuer: String, audience: String) async -> String {
        if let token = state.withLock({ $0.token }) { return token }
        var claims: [String: JSONValue] = [
            "iss": .string(issuer), "aud": .string(audience), "sub": "u-1", "email": "ada@example.com",
            "email_verified": true, "exp": .int(House.at.milliseconds / 1000 + 600),
        ]
        claims.merge(state.withLock { $0.claims }) { $1 }
        return (try? await sign(claims)) ?? "unsigned"
    }

    func sign(_ claims: [String: JSONValue], kid: String = "k1") async throws -> String {
        let keys = JWTKeyCollection()
        await keys.add(ecdsa: key, kid: JWKIdentifier(string: kid))
        return try await keys.sign(Claims(members: claims), kid: JWKIdentifier(string: kid))
    }

    /// Any claims at all.
    struct Claims: JWTPayload {
        var members: [String: JSONValue]

        init(members: [String: JSONValue]) { self.members = members }
        init(from decoder: any Decoder) throws { members = [:] }

        struct Name: CodingKey {
            var stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { return nil }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Name.self)
            for (name, value) in members where value != .null {
                let name = Name(stringValue: name)
                switch value {
                case .string(let text): try container.encode(text, forKey: name)
                case .int(let number): try container.encode(number, forKey: name)
                case .bool(let flag): try container.encode(flag, forKey: name)
                case .array(let list): try container.encode(list.compactMap(\.string), forKey: name)
                default: continue
                }
            }
        }

        func verify(using algorithm: some JWTAlgorithm) {}
    }
}
