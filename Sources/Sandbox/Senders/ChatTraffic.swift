package import Model

/// Invented stories of a chatbot product, one after the other: the same seed tells the same ones.
///
/// A story goes chat, lead, checkout, payment, perhaps a second charge for the same thing, complaint; some people stop
/// on the way. Addresses are of the domains that are reserved for examples.
package struct ChatTraffic: Sendable {
    /// What one person did, and what should come of it.
    package struct Story: Sendable {
        package var number: Int
        package var session: String
        package var person: ChatPerson
        /// In the order in which they leave.
        package var deliveries: [SimulatedDelivery] = []
        package var isLead = false
        /// Payments that succeeded.
        package var purchases: [StripePurchase] = []
        package var isEscalated = false

        package var isDoubleCharged: Bool { purchases.count > 1 }
    }

    private let seed: UInt64
    private let chat: StandardWebhooksSender
    private let stripe: StripeSender
    /// Sets this traffic's sessions and ids apart from those of another run.
    private let run: String
    private var generator: StoryChance
    private var number = 0

    package init(seed: UInt64, chat: StandardWebhooksSender, stripe: StripeSender, run: String = "a") {
        self.seed = seed
        self.chat = chat
        self.stripe = stripe
        self.run = run
        generator = StoryChance(state: seed)
    }

    /// The next story, beginning at this moment.
    package mutating func next(startingAt start: Instant) -> Story {
        number += 1
        let person = ChatPerson(number: number, &generator)
        let key = "\(run)\(seed)-\(number)"
        var story = Story(number: number, session: "sess_\(key)", person: person)
        var clock = start
        tell(
            &story, .chatStarted, "chat-\(key)",
            ["channel": "web", "page": .string(generator.pick(Phrases.pages)), "locale": "en"], at: clock)
        guard generator.isHit(0.8) else { return story }
        clock = clock + generator.seconds(2...20)
        captureLead(&story, "lead-\(key)", at: clock)
        guard generator.isHit(0.6) else { return story }
        clock = clock + generator.seconds(5...40)
        clock = buy(&story, key, at: clock)
        // A paid story ends in a complaint when it was charged twice, and now and then without a reason of ours.
        guard story.isDoubleCharged || generator.isHit(0.15) else { return story }
        clock = clock + generator.seconds(5...30)
        complain(&story, "help-\(key)", at: clock)
        return story
    }

    private mutating func captureLead(_ story: inout Story, _ id: String, at now: Instant) {
        let person = story.person
        tell(
            &story, .leadCaptured, id,
            [
                "email": .string(person.email), "name": .string(person.name), "firstname": .string(person.firstName),
                "lastname": .string(person.lastName), "company": .string(person.company),
                "message": .string(generator.pick(Phrases.questions)),
            ], at: now)
        story.isLead = true
    }

    /// The purchase with all events that Stripe sends of it, some out of order; returns when the last one left.
    private mutating func buy(_ story: inout Story, _ key: String, at start: Instant) -> Instant {
        let amount = generator.pick([1900, 4900, 9900, 24_900, 99_000, 590_000] as [Int64])
        let shape: StripeShape = generator.isHit(0.8) ? .current : .legacy
        let isSubscription = generator.isHit(0.4)
        func purchase(_ part: String) -> StripePurchase {
            StripePurchase(
                tag: key + part, email: story.person.email, name: story.person.name, amount: amount,
                clientReference: story.session, metadata: ["chat_session": story.session],
                isSubscription: isSubscription, shape: shape, startedAt: start)
        }
        let first = purchase("")
        if generator.isHit(0.12) {
            story.deliveries.append(stripe.delivery(first.checkoutExpired(at: start), at: start))
            return start
        }
        var clock = start
        if generator.isHit(0.1) {
            story.deliveries.append(stripe.delivery(first.paymentFailed(at: clock), at: clock))
            clock = clock + generator.seconds(8...30)
        }
        settle(first, &story, at: clock)
        if generator.isHit(0.12) { settle(purchase(" again"), &story, at: clock + .milliseconds(900)) }
        return clock + .seconds(2)
    }

    private mutating func settle(_ purchase: StripePurchase, _ story: inout Story, at now: Instant) {
        var events = [
            purchase.paymentSucceeded(at: now), purchase.chargeSucceeded(at: now), purchase.checkoutCompleted(at: now),
        ]
        if purchase.isSubscription { events += [purchase.subscriptionCreated(at: now), purchase.invoicePaid(at: now)] }
        events = generator.shuffled(events)
        // Now and then Stripe delivers the same event again.
        if generator.isHit(0.1), let first = events.first { events.append(first) }
        for (index, event) in events.enumerated() {
            story.deliveries.append(stripe.delivery(event, at: now + .milliseconds(150 * Int64(index))))
        }
        story.purchases.append(purchase)
    }

    private mutating func complain(_ story: inout Story, _ id: String, at now: Instant) {
        let isDouble = story.isDoubleCharged
        var data: JSONObject = [
            "reason": .string(isDouble ? "double charge" : "question about an order"),
            "message": .string(generator.pick(isDouble ? Phrases.doubleCharges : Phrases.complaints)),
            "intent": .string(isDouble ? "refund_request" : "complaint"),
            "confidence": .double(Double(generator.number(in: 70...98)) / 100),
            "urgency": .string(isDouble ? "high" : "normal"), "email": .string(story.person.email),
        ]
        data["payment"] = story.purchases.last.map { .string($0.paymentIntentID) }
        tell(&story, .supportEscalated, id, data, at: now)
        story.isEscalated = true
    }

    private func tell(
        _ story: inout Story, _ type: EventType, _ id: String, _ data: JSONObject, at now: Instant
    ) {
        story.deliveries.append(chat.delivery(id: id, type: type, session: story.session, data: data, at: now))
    }
}
