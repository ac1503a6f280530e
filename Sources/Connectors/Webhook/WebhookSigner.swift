internal import ConnectorKit
internal import Crypto
package import Model
package import Seams

/// Signs outgoing deliveries by Standard Webhooks, version `v1`: HMAC-SHA256 over id, time of the attempt and body.
package struct WebhookSigner: Sendable {
    private let key: Redacted<[UInt8]>

    /// From `whsec_` and base64, or base64 alone; nil for anything else, and for an empty key.
    package init?(secret: Redacted<String>) {
        let text = secret.revealed.trimmed
        let encoded = text.hasPrefix("whsec_") ? String(text.dropFirst(6)) : text
        guard let bytes = Encodings.bytes(base64: encoded), !bytes.isEmpty else { return nil }
        key = Redacted(bytes)
    }

    package func headers(id: String, body: [UInt8], at now: Instant) -> [OutboundRequest.Header] {
        let signed = Array("\(id).\(now.seconds).".utf8) + body
        let signature = HMAC<SHA256>.authenticationCode(for: signed, using: SymmetricKey(data: key.revealed))
        return [
            .init("webhook-id", id), .init("webhook-timestamp", "\(now.seconds)"),
            .init("webhook-signature", "v1,\(Encodings.base64(signature))"),
        ]
    }
}
