import Crypto
import Intake
import Journal
import Model
import Seams
import Settings
import TestKit

/// Signs as senders do, and stands in for what intake is handed.
enum Sender {
    static let now = Instant(rfc3339: "2026-11-23T10:00:00Z") ?? Instant(milliseconds: 0)
    static let stripeSecret = "whsec_test_secret"
    /// Base64 of 24 bytes, as Standard Webhooks shows it.
    static let standardSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    static func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
    }

    static func mac(_ secret: String, _ message: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: Array(secret.utf8))))
    }

    static func stripe(_ body: [UInt8], secret: String = stripeSecret, at time: Instant = now) -> InboundDelivery {
        let signature = hex(mac(secret, Array("\(time.seconds).".utf8) + body))
        return InboundDelivery(
            headers: HeaderList([("Stripe-Signature", "t=\(time.seconds),v1=\(signature)")]), body: body)
    }

    static func standard(_ body: [UInt8], key: SymmetricKey, id: String, at time: Instant = now) -> InboundDelivery {
        let message = Array("\(id).\(time.seconds).".utf8) + body
        let code = Base64.encode(Array(HMAC<SHA256>.authenticationCode(for: message, using: key)))
        return InboundDelivery(
            headers: HeaderList([
                ("webhook-id", id), ("webhook-timestamp", "\(time.seconds)"), ("webhook-signature", "v1,\(code)"),
            ]), body: body)
    }

    static func zendesk(
        _ body: [UInt8], secret: String, invocation: String?, at time: Instant = now
    ) -> InboundDelivery {
        var lines: [(name: String, value: String)] = [
            (
                "X-Zendesk-Webhook-Signature",
                Base64.encode(mac(secret, Array(time.description.utf8) + body))
            ),
            ("X-Zendesk-Webhook-Signature-Timestamp", time.description),
        ]
        if let invocation { lines.append(("X-Zendesk-Webhook-Invocation-Id", invocation)) }
        return InboundDelivery(headers: HeaderList(lines), body: body)
    }

    static func mint(_ seed: UInt64 = 1) -> IDMint {
        IDMint(time: ManualTime(now), chance: SeededChance(seed: seed))
    }

    static func reader(
        _ kind: SourceKind, secrets: [String], tolerance: Duration = .seconds(300),
        catalogue: EventCatalogue = EventCatalogue()
    ) -> SourceReader {
        SourceReader(
            source: SourceSettings(name: "source", kind: kind, secrets: [], tolerance: tolerance),
            secrets: secrets.map { Redacted($0) }, catalogue: catalogue)
    }
}

/// Base64 as senders write it, apart from the reader under test.
enum Base64 {
    static func encode(_ bytes: [UInt8]) -> String {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        var text = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let word = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0..<4 {
                text.append(place > group.count ? "=" : digits[word >> (18 - 6 * place) & 63])
            }
        }
        return text
    }
}

extension Reception {
    var event: Event? { if case .event(let event) = self { event } else { nil } }
    var refusal: SignatureRefusal? { if case .refused(let refusal) = self { refusal } else { nil } }
    /// `event`, `refused`, `rejected`, `quarantined` or `ignored`.
    var word: String {
        switch self {
        case .refused: "refused"
        case .rejected: "rejected"
        case .quarantined: "quarantined"
        case .ignored: "ignored"
        case .event: "event"
        }
    }
    var code: String? {
        switch self {
        case .rejected(let kept), .quarantined(let kept), .ignored(let kept): kept.code
        default: nil
        }
    }
    var field: String? {
        switch self {
        case .rejected(let kept), .quarantined(let kept), .ignored(let kept): kept.field
        default: nil
        }
    }
}
