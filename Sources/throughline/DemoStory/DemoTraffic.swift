import Model
import Sandbox
import Seams

/// Simulated users of a chatbot product: chat -> lead -> CRM -> payment -> support, sent as the real senders would.
struct DemoTraffic: Sendable {
    let base: String
    let http: any HTTPTransport
    let time: any TimeSource

    /// How far to look for the story that is worth following; few are charged twice and complain.
    private static let lookedThroughMax = 1000

    /// Sends this many whole stories, one of them with a double charge and a complaint, which it returns.
    func run(stories count: Int, pace: Duration, terminal: Terminal) async throws -> ChatTraffic.Story? {
        var traffic = ChatTraffic(
            seed: 7, chat: StandardWebhooksSender(secret: DemoConfiguration.chatSecret),
            stripe: StripeSender(secrets: [DemoConfiguration.stripeSecret]))
        var shown: ChatTraffic.Story?
        var sent = 0
        for number in 1...count {
            var story = traffic.next(startingAt: time.now - .seconds(600))
            if number == count && shown == nil {
                for _ in 0..<Self.lookedThroughMax where !Self.isWorthFollowing(story) {
                    story = traffic.next(startingAt: time.now - .seconds(600))
                }
            }
            for delivery in story.deliveries {
                try await send(delivery)
                sent += 1
                try await time.sleep(for: pace)
            }
            if shown == nil && Self.isWorthFollowing(story) { shown = story }
            terminal.progress("\(sent) deliveries of \(counted(number, "person", "people"))")
        }
        terminal.endProgress()
        terminal.line("Sent \(sent) signed deliveries of \(counted(count, "person", "people")).")
        return shown
    }

    private static func isWorthFollowing(_ story: ChatTraffic.Story) -> Bool {
        story.isDoubleCharged && story.isEscalated
    }

    private func send(_ delivery: SimulatedDelivery) async throws {
        let response = try await http.send(
            OutboundRequest(
                method: "POST", url: "\(base)/in/\(delivery.source)", headers: delivery.headers(at: time.now),
                body: delivery.body))
        guard response.status == 200 else {
            throw Failure(.unavailable, "A delivery of type \(delivery.type) was answered \(response.status).")
        }
    }
}
