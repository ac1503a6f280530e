internal import Model

/// Why a delivery is not believed: for the operator; its sender hears only 401.
package struct SignatureRefusal: Error, Sendable, Hashable {
    package enum Code: String, Sendable, Hashable, CaseIterable {
        case missing = "missing_signature"
        case repeated = "repeated_header"
        case malformed = "malformed_signature"
        case noSecret = "no_usable_secret"
        case mismatch = "no_secret_matched"
        case stale = "stale"
        case future = "in_the_future"
    }

    package var code: Code
    /// What is wrong and what to do.
    ///
    /// Holds nothing of the body, the signature or a secret.
    package var reason: String

    static func missing(header: String) -> Self {
        Self(code: .missing, reason: "there is no \(header) header: is this the sender that the source is made for?")
    }

    static func repeated(header: String) -> Self {
        Self(
            code: .repeated,
            reason: "the \(header) header stands twice: a proxy adds it, or somebody tries what is taken")
    }

    static func malformed(header: String, expected: String) -> Self {
        Self(code: .malformed, reason: "the \(header) header is not \(expected)")
    }

    static func noSecret(expected: String) -> Self {
        Self(code: .noSecret, reason: "no configured secret can be used: \(expected)")
    }

    static func mismatch(secretCount: Int) -> Self {
        let secrets = secretCount == 1 ? "the configured secret" : "any of the \(secretCount) configured secrets"
        return Self(code: .mismatch, reason: "the signature was not made with \(secrets) over this body")
    }

    static func stale(by age: Duration, tolerance: Duration) -> Self {
        Self(
            code: .stale,
            reason:
                "the signature is right, but \(age.milliseconds / 1000) s old where \(tolerance.milliseconds / 1000)"
                + " s are allowed: a replay, a slow queue before us, or a clock that is wrong")
    }

    static func future(by lead: Duration, tolerance: Duration) -> Self {
        Self(
            code: .future,
            reason: "the signature is right, but from \(lead.milliseconds / 1000) s in the future where"
                + " \(tolerance.milliseconds / 1000) s are allowed: set this machine's clock")
    }
}
