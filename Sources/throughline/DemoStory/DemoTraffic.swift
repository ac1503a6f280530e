import Model
import Sandbox
import Seams

/// Simulated users of a chatbot product: chat -> lead -> CRM -> payment -> support, sent as the real senders would.
struct DemoTraffic: Sendable {
    let base: String
    let http: any HTTPTransport
    let time: any TimeSource

    /// Sends whole stories until each kind was seen; returns the one with a double charge and a complaint.
    func run(stories count: Int, pace: Duration, terminal: Terminal) async throws -> ChatTraffic.Story? {
        var traffic = ChatTraffic(
            seed: 7, chat: StandardWebhooksSender(secret: DemoConfiguration.chatSecret),
            stripe: StripeSender(secrets: [DemoConfiguration.stripeSecret]))
        var shown: ChatTraffic.Story?
        var (sent, number) = (0, 0)
        while number < count || (shown == nil && number < 10 * count) {
            let story = traffic.next(startingAt: time.now - .seconds(600))
            number += 1
            for delivery in story.deliveries {
                try await send(delivery)
                sent += 1
                try await time.sleep(for: pace)
            }
            if story.isDoubleCharged && story.isEscalated { shown = shown ?? story }
            terminal.progress("\(sent) deliveries of \(number) people")
        }
        terminal.endProgress()
        terminal.line("Sent \(sent) signed deliveries of \(number) people.")
        return shown
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
