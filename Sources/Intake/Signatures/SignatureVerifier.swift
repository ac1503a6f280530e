internal import Crypto
internal import Model
internal import Settings

/// Decides whether a delivery was signed with one of a source's secrets, and lately.
struct SignatureVerifier: Sendable {
    let scheme: SignatureScheme
    let tolerance: Duration
    private let keys: [SymmetricKey]

    /// Secrets are trimmed: a line end in an environment variable is the most common cause of a bad signature.
    init(scheme: SignatureScheme, secrets: [Redacted<String>], tolerance: Duration) {
        self.scheme = scheme
        self.tolerance = tolerance
        keys = secrets.compactMap { secret in
            scheme.key(of: Bytes.trimmed(secret.revealed)).map { SymmetricKey(data: $0) }
        }
    }

    /// Throws the reason where the delivery is not to be believed.
    ///
    /// The signature is checked before its age, so that nobody without the secret can feel for our clock.
    func verify(_ delivery: InboundDelivery, at now: Instant) throws(SignatureRefusal) {
        guard !keys.isEmpty else { throw .noSecret(expected: scheme.secretForm) }
        let claim = try scheme.claim(in: delivery.headers)
        guard isMatch(claim, body: delivery.body) else { throw .mismatch(secretCount: keys.count) }
        guard let time = claim.time else { return }
        let age = now.milliseconds - time.milliseconds
        if age > tolerance.milliseconds { throw .stale(by: .milliseconds(age), tolerance: tolerance) }
        if age < -tolerance.milliseconds { throw .future(by: .milliseconds(-age), tolerance: tolerance) }
    }

    /// Whether any candidate is the signature of `body` under any secret; each pair is tried.
    func isMatch(_ claim: SignatureScheme.Claim, body: [UInt8]) -> Bool {
        var isFound = false
        for key in keys {
            let code = Self.code(scheme.algorithm, key: key, prefix: claim.prefix, body: body)
            for candidate in claim.candidates where Bytes.areEqual(code, candidate) { isFound = true }
        }
        return isFound
    }

    private static func code(
        _ algorithm: HMACScheme.Algorithm, key: SymmetricKey, prefix: [UInt8], body: [UInt8]
    ) -> [UInt8] {
        switch algorithm {
        case .sha1: code(Insecure.SHA1.self, key, prefix, body)
        case .sha256: code(SHA256.self, key, prefix, body)
        case .sha512: code(SHA512.self, key, prefix, body)
        }
    }

    private static func code<Hash: HashFunction>(
        _ hash: Hash.Type, _ key: SymmetricKey, _ prefix: [UInt8], _ body: [UInt8]
    ) -> [UInt8] {
        var hmac = HMAC<Hash>(key: key)
        if !prefix.isEmpty { hmac.update(data: prefix) }
        hmac.update(data: body)
        return Array(hmac.finalize())
    }
}
