package import Model
package import Seams

/// Somebody's own endpoint for Standard Webhooks: it verifies, takes each message once and keeps the bodies.
package struct WebhookReceiver: StandIn {
    package struct Message: Sendable, Hashable {
        package var id: String
        package var body: [UInt8]
        package var at: Instant
    }

    /// All live secrets: a delivery that fits any is authentic.
    package var secrets: [String]
    /// How far the signed time may lie from ours, either way.
    let tolerance: Duration
    /// Set where the endpoint wants nothing any more: it answers 410.
    package var isGone = false
    /// Each message once, in the order of arrival.
    package private(set) var messages: [Message] = []
    /// Deliveries of a message that was there already.
    package private(set) var duplicates = 0
    private var seen: Set<String> = []

    package init(secrets: [String], tolerance: Duration = .seconds(300)) {
        self.secrets = secrets
        self.tolerance = tolerance
    }

    package mutating func respond(to request: OutboundRequest, at now: Instant) -> InboundResponse {
        let call = Call(request)
        guard !isGone else { return .text(410, "gone") }
        guard call.method == "POST" else { return .text(405, "only POST") }
        if let problem = problem(with: call, at: now) { return .text(401, problem) }
        guard call.json != nil else { return .text(400, "the body is no JSON object") }
        let id = call.header("webhook-id") ?? ""
        if seen.insert(id).inserted {
            messages.append(Message(id: id, body: call.body, at: now))
        } else {
            duplicates += 1
        }
        return .json(200, ["received": true])
    }

    private func problem(with call: Call, at now: Instant) -> String? {
        let names = ["webhook-id", "webhook-timestamp", "webhook-signature"]
        let values = names.map { name in call.headers.filter { $0.name == name } }
        guard values.allSatisfy({ $0.count == 1 && !$0[0].value.isEmpty }) else { return "missing required headers" }
        guard let seconds = Int64(values[1][0].value) else { return "invalid timestamp" }
        let bound = tolerance.milliseconds / 1000
        guard now.seconds - seconds <= bound else { return "message timestamp too old" }
        guard seconds - now.seconds <= bound else { return "message timestamp too new" }
        let expected = secrets.compactMap {
            Signing.standardMark(of: call.body, id: values[0][0].value, at: seconds, secret: $0)
        }
        let given = values[2][0].value.split(separator: " ")
        return given.contains { mark in expected.contains { mark == "v1," + $0 } } ? nil : "no matching signature"
    }

    package var ledger: JSONObject {
        [
            "messages": .array(
                messages.map { message in
                    [
                        "id": .string(message.id), "at": .string(message.at.description),
                        "body": .string(String(decoding: message.body, as: UTF8.self)),
                    ]
                }), "duplicates": .int(Int64(duplicates)),
        ]
    }
}
