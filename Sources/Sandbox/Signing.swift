internal import Crypto
package import Model
package import Seams

/// How a sender signs what it delivers.
package enum Signing: Sendable, Hashable {
    /// Stripe's header: one `v1` for each secret, as while a secret is being rolled.
    case stripe(secrets: [String])
    /// Standard Webhooks v1: `whsec_` and base64.
    case standard(secret: String)

    /// The headers of a delivery that leaves at this moment.
    ///
    /// `id` is the Standard Webhooks message id.
    package func headers(id: String, body: [UInt8], at now: Instant) -> [OutboundRequest.Header] {
        switch self {
        case .stripe(let secrets):
            let marks = secrets.map { ",v1=" + Self.stripeMark(of: body, at: now.seconds, secret: $0) }
            return [
                .init("content-type", "application/json; charset=utf-8"),
                .init("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)"),
                .init("accept", "*/*; q=0.5, application/xml"),
                .init("stripe-signature", "t=\(now.seconds)" + marks.joined()),
            ]
        case .standard(let secret):
            // A secret that is no base64 signs as an empty key would: no receiver accepts it.
            let mark = Self.standardMark(of: body, id: id, at: now.seconds, secret: secret) ?? ""
            return [
                .init("content-type", "application/json"),
                .init("webhook-id", id),
                .init("webhook-timestamp", String(now.seconds)),
                .init("webhook-signature", "v1," + mark),
            ]
        }
    }

    /// Lower-case hex of HMAC-SHA256 over `t.body`; the key is the whole secret as text, `whsec_` included.
    static func stripeMark(of body: [UInt8], at seconds: Int64, secret: String) -> String {
        let digits = Array("0123456789abcdef".utf8)
        let mark = hmac(Array("\(seconds).".utf8) + body, key: Array(secret.utf8))
        return String(decoding: mark.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// Base64 of HMAC-SHA256 over `id.timestamp.body`; nil where the secret is empty or no base64.
    static func standardMark(of body: [UInt8], id: String, at seconds: Int64, secret: String) -> String? {
        let encoded = secret.hasPrefix("whsec_") ? secret.dropFirst(6) : secret[...]
        guard let key = Base64.decode(encoded), !key.isEmpty else { return nil }
        return Base64.encode(hmac(Array("\(id).\(seconds).".utf8) + body, key: key))
    }

    private static func hmac(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: key)))
    }
}
