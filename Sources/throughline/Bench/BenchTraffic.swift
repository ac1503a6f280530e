import Crypto
import Model
import Sandbox
import Seams

/// Successful Stripe payments without end: one body as Stripe sends it, with ids of its own in each, signed each.
final class BenchTraffic: Sendable {
    enum Signature: String, Sendable, CaseIterable {
        /// As Stripe signs: the time and the body.
        case stripe
        /// The body alone, in `X-Hub-Signature-256`, for receivers that know no other.
        case body
    }

    private static let digits = 12
    private static let payer = "ada.000000000000"
    private let template: [UInt8]
    /// Where in the body the number is written.
    private let places: [Int]
    private let secret: String
    private let signature: Signature
    private let time: any TimeSource
    private let counter: Counter

    /// Ids are numbered from `firstNumber`; a receiver that knew earlier ones would refuse them as duplicates.
    init(secret: String, time: any TimeSource, signature: Signature = .stripe, firstNumber: Int = 0) {
        let purchase = StripePurchase(
            tag: "bench", email: Self.payer + "@example.com", name: "Ada Example", amount: 4_900,
            metadata: Self.metadata, startedAt: time.now)
        let event = purchase.paymentSucceeded(at: time.now)
        let body = event.json.encoded
        let ids = [event.id, purchase.paymentIntentID, purchase.chargeID, purchase.customerID, Self.payer]
        template = body
        places = ids.flatMap { id in body.ranges(of: Array(id.utf8)).map { $0.upperBound - Self.digits } }
        (self.secret, self.signature, self.time) = (secret, signature, time)
        counter = Counter(from: firstNumber)
    }

    var bodySize: Int { template.count }

    /// The next payment, for a path that takes Stripe's deliveries.
    func next(path: String) -> LoadGenerator.Request {
        var rest = counter.next()
        var number = [UInt8](repeating: UInt8(ascii: "0"), count: Self.digits)
        for index in number.indices.reversed() {
            number[index] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
        var body = template
        for place in places { body.replaceSubrange(place..<place + Self.digits, with: number) }
        return LoadGenerator.Request(path: path, headers: headers(for: body), body: body)
    }

    private func headers(for body: [UInt8]) -> [(String, String)] {
        guard signature == .body else {
            return Signing.stripe(secrets: [secret]).headers(id: "", body: body, at: time.now).map {
                ($0.name, $0.value)
            }
        }
        let mark = HMAC<SHA256>.authenticationCode(for: body, using: SymmetricKey(data: Array(secret.utf8)))
        let digits = Array("0123456789abcdef".utf8)
        let text = String(decoding: mark.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
        return [("content-type", "application/json"), ("x-hub-signature-256", "sha256=" + text)]
    }

    /// What a product gives along with a payment; it brings the body to the usual size of an event of Stripe's.
    private static var metadata: [String: String] {
        var metadata: [String: String] = [:]
        for number in 1...12 {
            metadata["product_note_\(number)"] = String(repeating: "what the product keeps of the order ", count: 3)
        }
        return metadata
    }
}
