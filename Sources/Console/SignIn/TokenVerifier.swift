internal import JWTKit
internal import Model
internal import Settings

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Reads a provider's token and believes it only where everything fits.
///
/// The signature's algorithm is one of the provider's list, all of which need its private key: `none` and shared secrets
/// are refused before a key is looked for, so that a public key is never used as one (RFC 8725, sections 2.1 and 3.1).
struct TokenVerifier: Sendable {
    /// Why a token is not believed; safe to log.
    struct Refusal: Error, Hashable {
        var reason: String
        init(_ reason: String) { self.reason = reason }
    }

    /// What a token says, once it is believed.
    struct Claims: Sendable, Hashable {
        var subject: String
        var email: String?
        /// Nil where it does not say.
        var isEmailVerified: Bool?
        var isAnonymous: Bool
    }

    static let lengthMax = 16 << 10
    /// How far two clocks may lie apart.
    static let leeway: Int64 = 60

    var issuer: String
    var audience: String
    var algorithms: Set<SignInProvider.Algorithm>

    /// `keys` are the provider's, as it publishes them (RFC 7517); `nonce` is what the token must repeat.
    func verify(_ token: String, keys: JSONObject, nonce: String? = nil, now: Instant) async throws -> Claims {
        let (header, key) = try key(for: token, among: keys)
        do {
            let collection = JWTKeyCollection()
            let set: JSONObject = ["keys": .array([.object(key)])]
            try await collection.add(jwksJSON: set.encodedText)
            let parts = token.split(separator: ".", omittingEmptySubsequences: false)
            _ = try await collection.verify(token, as: AnyPayload.self)
            guard let claims = Self.object(parts[1]) else { throw Refusal("its claims are no JSON object") }
            return try checked(claims, nonce: nonce, now: now)
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal("its signature by \(header) does not fit")
        }
    }

    /// The one published key that the token's header names, with the algorithm.
    private func key(for token: String, among keys: JSONObject) throws(Refusal) -> (String, JSONObject) {
        guard token.utf8.count <= Self.lengthMax else { throw Refusal("it is too long") }
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Self.object(parts[0]) else { throw Refusal("it is no signed token") }
        guard let name = header["alg"]?.string, let algorithm = SignInProvider.Algorithm(rawValue: name),
            algorithms.contains(algorithm)
        else { throw Refusal("its algorithm is not one of \(algorithms.map(\.rawValue).sorted())") }
        guard header["crit"] == nil else { throw Refusal("it asks for what is not known here") }
        let usable = (keys["keys"]?.array ?? []).compactMap(\.object).filter { key in
            key["kty"]?.string == algorithm.keyType && (key["use"]?.string ?? "sig") == "sig"
                && (key["alg"]?.string ?? name) == name
        }
        let kid = header["kid"]?.string
        let fitting = usable.filter { $0["kid"]?.string == kid || (kid == nil && usable.count == 1) }
        guard fitting.count == 1, var key = fitting.first else { throw Refusal.noKey }
        key["alg"] = .string(name)
        if key["kid"] == nil { key["kid"] = "only" }
        return (name, key)
    }

    private func checked(_ claims: JSONObject, nonce: String?, now: Instant) throws(Refusal) -> Claims {
        let at = now.milliseconds / 1000
        guard let by = claims["iss"]?.string, Self.plain(by) == Self.plain(issuer) else {
            throw Refusal("another issuer made it")
        }
        let audiences = claims["aud"]?.string.map { [$0] } ?? (claims["aud"]?.array ?? []).compactMap(\.string)
        guard audiences.contains(audience) else { throw Refusal("it is meant for somebody else") }
        if audiences.count > 1, claims["azp"]?.string != audience { throw Refusal("somebody else asked for it") }
        guard let expires = Self.seconds(claims["exp"]) else { throw Refusal("it never ends") }
        guard at < expires + Self.leeway else { throw Refusal("it has expired") }
        if let from = Self.seconds(claims["nbf"]), from > at + Self.leeway { throw Refusal("it is not valid yet") }
        if let made = Self.seconds(claims["iat"]), made > at + Self.leeway { throw Refusal("it is from the future") }
        if let nonce, claims["nonce"]?.string != nonce { throw Refusal("it answers another sign-in") }
        guard let subject = claims["sub"]?.string, !subject.isEmpty else { throw Refusal("it is about nobody") }
        return Claims(
            subject: subject, email: claims["email"]?.string?.lowercased(),
            isEmailVerified: claims["email_verified"]?.bool ?? (claims["email_verified"]?.string).map { $0 == "true" },
            isAnonymous: claims["is_anonymous"]?.bool ?? false)
    }

    /// Some issuers write a slash at their end and some do not.
    private static func plain(_ issuer: String) -> Substring { issuer.hasSuffix("/") ? issuer.dropLast() : issuer[...] }

    private static func seconds(_ value: JSONValue?) -> Int64? {
        if let whole = value?.int { return whole }
        guard let number = value?.double, number.isFinite, abs(number) < 1e15 else { return nil }
        return Int64(number)
    }

    static func object(_ part: Substring) -> JSONObject? {
        var text = String(part).replacing("-", with: "+").replacing("_", with: "/")
        while text.count % 4 != 0 { text += "=" }
        guard let data = Data(base64Encoded: text) else { return nil }
        // What is no JSON is no token; the caller says so.
        return try? JSONObject(parsing: Array(data))
    }

    /// The library reads the claims too; what they must be is checked here, by the clock that is handed in.
    private struct AnyPayload: JWTPayload {
        func verify(using algorithm: some JWTAlgorithm) {}
    }
}

extension TokenVerifier.Refusal {
    /// The provider may have new keys since.
    static let noKey = TokenVerifier.Refusal("no published key fits it")
}

extension SignInProvider.Algorithm {
    /// The kind of key that it is used with (RFC 7518, section 6).
    var keyType: String {
        switch self {
        case .rs256, .rs384, .rs512: "RSA"
        case .es256, .es384: "EC"
        case .edDSA: "OKP"
        }
    }
}
