internal import Crypto
internal import Model
internal import Settings

/// Decides whether a delivery was signed with one of a source's secrets, and lately.
struct SignatureVerifier: Sendable {
    let scheme: SignatureScheme
    let tolerance: Duration
    private let keys: [KeyedHash]

    /// Secrets are trimmed: a line end in an environment variable is the most common cause of a bad signature.
    init(scheme: SignatureScheme, secrets: [Redacted<String>], tolerance: Duration) {
        self.scheme = scheme
        self.tolerance = tolerance
        keys = secrets.compactMap { secret in
            scheme.key(of: Bytes.trimmed(secret.revealed)).map { KeyedHash(scheme.algorithm, key: $0) }
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
            let code = key.code(of: claim.prefix, body)
            for candidate in claim.candidates where Bytes.areEqual(code, candidate) { isFound = true }
        }
        return isFound
    }
}

/// An HMAC that has taken in its key, so that a delivery costs only its own bytes.
private enum KeyedHash: Sendable {
    case sha1(HMAC<Insecure.SHA1>)
    case sha256(HMAC<SHA256>)
    case sha512(HMAC<SHA512>)

    init(_ algorithm: HMACScheme.Algorithm, key: [UInt8]) {
        let key = SymmetricKey(data: key)
        self =
            switch algorithm {
            case .sha1: .sha1(HMAC(key: key))
            case .sha256: .sha256(HMAC(key: key))
            case .sha512: .sha512(HMAC(key: key))
            }
    }

    /// The code over `prefix` and `body`, as one.
    func code(of prefix: [UInt8], _ body: [UInt8]) -> [UInt8] {
        switch self {
        case .sha1(let hash): Self.code(hash, prefix, body)
        case .sha256(let hash): Self.code(hash, prefix, body)
        case .sha512(let hash): Self.code(hash, prefix, body)
        }
    }

    private static func code<Hash: HashFunction>(_ keyed: HMAC<Hash>, _ prefix: [UInt8], _ body: [UInt8]) -> [UInt8] {
        var hash = keyed
        if !prefix.isEmpty { hash.update(data: prefix) }
        hash.update(data: body)
        return Array(hash.finalize())
    }
}
