package import Model
package import Seams

/// A Slack incoming webhook: one secret path, one channel, about one message a second.
package struct SlackStandIn: StandIn {
    /// What one call left in the channel.
    package struct Message: Sendable, Hashable {
        package var text: String
        package var payload: JSONObject
        package var at: Instant
    }

    /// The path of the webhook's address (`/services/T0/B0/x`).
    package let path: String
    /// How many messages may come at once; after them one a second.
    let burst: Int
    /// Set where the webhook was taken away: it answers 404 from then on.
    package var isRemoved = false
    package private(set) var messages: [Message] = []
    private var credit: Int64
    private var creditAt: Instant?

    package init(path: String = "/services/T00000000/B00000000/sandbox", burst: Int = 10) {
        self.path = path
        self.burst = burst
        credit = Int64(burst) * 1000
    }

    package mutating func respond(to request: OutboundRequest, at now: Instant) -> InboundResponse {
        let call = Call(request)
        guard call.path == path, !isRemoved else { return .text(404, "no_service") }
        guard call.method == "POST" else { return .text(405, "invalid_payload") }
        guard takesOne(at: now) else { return .text(429, "rate_limited", headers: [.init("retry-after", "1")]) }
        guard call.saysJSON, let payload = call.json else { return .text(400, "invalid_payload") }
        guard payload["text"] == nil || payload["text"]?.string != nil else { return .text(400, "invalid_payload") }
        let attachments = payload["attachments"]?.array?.count ?? 0
        guard attachments <= 100 else { return .text(400, "too_many_attachments") }
        let text = payload.present("text")?.string
        guard text != nil || attachments > 0 || payload["blocks"]?.array?.isEmpty == false else {
            return .text(400, "no_text")
        }
        messages.append(Message(text: text ?? "", payload: payload, at: now))
        return .text(200, "ok")
    }

    /// A message costs a thousand; each millisecond gives one back.
    private mutating func takesOne(at now: Instant) -> Bool {
        let passed = creditAt.map { max(0, now.milliseconds - $0.milliseconds) } ?? 0
        credit = min(Int64(burst) * 1000, credit + passed)
        creditAt = now
        guard credit >= 1000 else { return false }
        credit -= 1000
        return true
    }

    package var ledger: JSONObject {
        ["messages": .array(messages.map { ["text": .string($0.text), "at": .string($0.at.description)] })]
    }
}
