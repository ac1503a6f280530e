internal import Model
internal import Settings

/// How a kind of sender signs: where the signatures stand, what is signed, and what a secret's text means.
enum SignatureScheme: Sendable, Equatable {
    case stripe
    case standard
    case zendesk
    case hmac(HMACScheme)

    /// What a delivery's headers say of its signature, before anything is computed.
    struct Claim: Sendable {
        /// Decoded signatures; one that fits is enough.
        var candidates: [[UInt8]]
        /// What is signed before the body.
        var prefix: [UInt8]
        /// When it was signed; nil: the scheme signs no time.
        var time: Instant?
    }

    var algorithm: HMACScheme.Algorithm {
        if case .hmac(let scheme) = self { scheme.algorithm } else { .sha256 }
    }

    func claim(in headers: HeaderList) throws(SignatureRefusal) -> Claim {
        switch self {
        case .stripe: try Self.stripeClaim(in: headers)
        case .standard: try Self.standardClaim(in: headers)
        case .zendesk: try Self.zendeskClaim(in: headers)
        case .hmac(let scheme): try scheme.claim(in: headers)
        }
    }

    /// The key's bytes of a secret as the sender shows it, already trimmed; nil where it is none.
    func key(of secret: String) -> [UInt8]? {
        guard self == .standard else { return secret.isEmpty ? nil : Array(secret.utf8) }
        var text = secret[...]
        // Supabase shows its secrets as `v1,whsec_…`.
        for start in ["v1,", "whsec_"] where text.hasPrefix(start) { text = text.dropFirst(start.count) }
        guard let key = Bytes.base64(text), !key.isEmpty else { return nil }
        return key
    }

    var secretForm: String {
        self == .standard ? "it must be whsec_ and base64, as the sender shows it" : "it is empty"
    }
}

extension SignatureScheme {
    /// `Stripe-Signature: t=…,v1=…[,v1=…][,v0=…]`; `t.body` is signed, with the secret's text as it stands.
    private static func stripeClaim(in headers: HeaderList) throws(SignatureRefusal) -> Claim {
        let name = "Stripe-Signature"
        guard let header = try headers.single(name) else { throw .missing(header: name) }
        var time: Int64?
        var timeText: Substring = ""
        var candidates: [[UInt8]] = []
        for item in header.utf8.split(separator: UInt8(ascii: ",")) {
            guard let equals = item.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let value = Substring(item[item.index(after: equals)...])
            switch Substring(item[..<equals].drop { $0 == UInt8(ascii: " ") }) {
            case "t":
                guard time == nil, let seconds = Bytes.wholeNumber(value) else {
                    throw .malformed(header: name, expected: "with one t= in whole seconds")
                }
                (time, timeText) = (seconds, value)
            case "v1":
                if let candidate = Bytes.hex(value) { candidates.append(candidate) }
            default: continue
            }
        }
        guard let time, !candidates.isEmpty else {
            throw .malformed(header: name, expected: "of the form t=<seconds>,v1=<hex>")
        }
        return Claim(candidates: candidates, prefix: Array("\(timeText).".utf8), time: Instant(seconds: time))
    }

    /// Standard Webhooks v1 and Svix: `id.timestamp.body`, a list of `version,base64` joined by spaces.
    ///
    /// Versions that we do not know are skipped, as the standard asks. Supabase joins the list with `, `. Svix's own
    /// names win where both sets stand, as in its libraries.
    private static func standardClaim(in headers: HeaderList) throws(SignatureRefusal) -> Claim {
        let set = headers.first("svix-signature") == nil ? "webhook" : "svix"
        guard let list = try headers.single("\(set)-signature") else { throw .missing(header: "\(set)-signature") }
        guard let id = try headers.single("\(set)-id"), !id.isEmpty else { throw .missing(header: "\(set)-id") }
        guard let timeText = try headers.single("\(set)-timestamp") else { throw .missing(header: "\(set)-timestamp") }
        guard let time = Bytes.wholeNumber(timeText) else {
            throw .malformed(header: "\(set)-timestamp", expected: "in whole seconds")
        }
        let candidates = list.split(separator: " ").compactMap { entry -> [UInt8]? in
            guard entry.hasPrefix("v1,") else { return nil }
            let text = entry.dropFirst(3)
            return Bytes.base64(text.hasSuffix(",") ? text.dropLast() : text).flatMap { $0.isEmpty ? nil : $0 }
        }
        guard !candidates.isEmpty else {
            throw .malformed(header: "\(set)-signature", expected: "a list with a v1,<base64> signature")
        }
        return Claim(candidates: candidates, prefix: Array("\(id).\(timeText).".utf8), time: Instant(seconds: time))
    }

    /// Zendesk: the timestamp's text and the body with nothing between, base64.
    private static func zendeskClaim(in headers: HeaderList) throws(SignatureRefusal) -> Claim {
        let (name, timeName) = ("X-Zendesk-Webhook-Signature", "X-Zendesk-Webhook-Signature-Timestamp")
        guard let signature = try headers.single(name) else { throw .missing(header: name) }
        guard let timeText = try headers.single(timeName) else { throw .missing(header: timeName) }
        guard let candidate = Bytes.base64(signature), !candidate.isEmpty else {
            throw .malformed(header: name, expected: "base64")
        }
        guard let time = Instant(rfc3339: timeText) else {
            throw .malformed(header: timeName, expected: "an RFC 3339 time")
        }
        return Claim(candidates: [candidate], prefix: Array(timeText.utf8), time: time)
    }
}

extension HMACScheme {
    fileprivate func claim(in headers: HeaderList) throws(SignatureRefusal) -> SignatureScheme.Claim {
        guard let value = try headers.single(header) else { throw .missing(header: header) }
        guard value.hasPrefix(prefix) else {
            throw .malformed(header: header, expected: "a signature that begins with \(prefix)")
        }
        let text = value.dropFirst(prefix.count)
        let decoded = encoding == .hex ? Bytes.hex(text) : Bytes.base64(text)
        guard let decoded, !decoded.isEmpty else { throw .malformed(header: header, expected: encoding.rawValue) }
        guard let timestamp else {
            return SignatureScheme.Claim(candidates: [decoded], prefix: Array(signedPrefix.utf8), time: nil)
        }
        guard let timeText = try headers.single(timestamp.header) else { throw .missing(header: timestamp.header) }
        guard let time = timestamp.unit.instant(timeText) else {
            throw .malformed(header: timestamp.header, expected: "a time in \(timestamp.unit.rawValue)")
        }
        return SignatureScheme.Claim(
            candidates: [decoded], prefix: Array("\(signedPrefix)\(timeText)\(timestamp.separator)".utf8), time: time)
    }
}

extension HMACScheme.TimestampUnit {
    fileprivate func instant(_ text: String) -> Instant? {
        switch self {
        case .seconds: Bytes.wholeNumber(text).map { Instant(seconds: $0) }
        case .milliseconds: Bytes.wholeNumber(text).map { Instant(milliseconds: $0) }
        case .rfc3339: Instant(rfc3339: text)
        }
    }
}
