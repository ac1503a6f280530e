import Model
import Sandbox
import Seams
import Synchronization

/// Successful Stripe payments without end: one body as Stripe sends it, with ids of its own in each, signed each.
final class BenchTraffic: Sendable {
    private static let digits = 12
    private let template: [UInt8]
    /// Where in the body the number is written.
    private let places: [Int]
    private let signing: Signing
    private let time: any TimeSource
    private let count = Atomic<Int>(0)

    init(secret: String, time: any TimeSource) {
        let purchase = StripePurchase(
            tag: "bench", email: "ada@example.com", name: "Ada Example", amount: 4_900,
            metadata: Self.metadata, startedAt: time.now)
        let event = purchase.paymentSucceeded(at: time.now)
        let body = event.json.encoded
        let ids = [event.id, purchase.paymentIntentID, purchase.chargeID, purchase.customerID]
        template = body
        places = ids.flatMap { id in body.ranges(of: Array(id.utf8)).map { $0.upperBound - Self.digits } }
        signing = .stripe(secrets: [secret])
        self.time = time
    }

    var bodySize: Int { template.count }

    /// The next payment, for a path that takes Stripe's deliveries.
    func next(path: String) -> LoadGenerator.Request {
        var rest = count.wrappingAdd(1, ordering: .relaxed).oldValue
        var number = [UInt8](repeating: UInt8(ascii: "0"), count: Self.digits)
        for index in number.indices.reversed() {
            number[index] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
        var body = template
        for place in places { body.replaceSubrange(place..<place + Self.digits, with: number) }
        let headers = signing.headers(id: "", body: body, at: time.now)
        return LoadGenerator.Request(path: path, headers: headers.map { ($0.name, $0.value) }, body: body)
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
