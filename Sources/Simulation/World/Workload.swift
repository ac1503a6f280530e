internal import Model
internal import Sandbox

/// What senders send in a run: a few people, each with a conversation, payments and complaints.
struct Workload {
    /// What a delivery tells.
    enum Kind: Hashable {
        case chat, lead, complaint
        case payment(String), enrichment(String)
        /// Wrongly signed: refused, nothing kept.
        case forged
        /// Signed, but no event: kept in quarantine.
        case malformed
    }

    struct Item {
        var kind: Kind
        var delivery: SimulatedDelivery
        var email: String
        /// When it is sent first.
        var at: Int64
        /// What was paid, and when by the provider's own word.
        var money: Money?
        var toldAt: Int64 = 0
    }

    private let chat = StandardWebhooksSender(secret: Configuration.chatSecret)
    private let stripe = StripeSender(secrets: [Configuration.stripeSecret])
    private(set) var items: [Item] = []

    /// Some five to forty deliveries within `length` milliseconds.
    init(_ dice: Dice, length: Int) {
        let people = dice.number(1...4)
        let stories = dice.number(2...12)
        for number in 0..<stories {
            let person = dice.below(people)
            let start = Int64(dice.below(length))
            switch dice.below(10) {
            case 0...3: lead(person, number, at: start)
            case 4...6: purchase(person, number, dice, at: start)
            case 7...8: complain(person, number, at: start)
            default: small(person, number, dice, at: start)
            }
        }
        items.sort { ($0.at, $0.delivery.id) < ($1.at, $1.delivery.id) }
    }

    /// One of each, of a person of its own: shows after the faults that every destination works.
    init(canaryAt start: Int64) {
        lead(99, 99, at: start)
        complain(99, 98, at: start + 100)
        let purchase = Self.purchase(99, 97, at: start)
        add(payment: purchase, told: start, at: start)
        add(
            .enrichment(purchase.paymentIntentID),
            stripe.delivery(purchase.checkoutCompleted(at: Self.moment(start)), at: Self.moment(start)), 99, start)
    }

    private static func moment(_ uptime: Int64) -> Instant { VirtualTime.start + .milliseconds(uptime) }
    private static func email(_ person: Int) -> String { "person\(person)@example.com" }
    private static func session(_ person: Int, _ number: Int) -> String { "sess-\(person)-\(number % 3)" }

    private mutating func add(_ kind: Kind, _ delivery: SimulatedDelivery, _ person: Int, _ at: Int64) {
        items.append(Item(kind: kind, delivery: delivery, email: Self.email(person), at: at))
    }

    private mutating func add(payment purchase: StripePurchase, told: Int64, at: Int64) {
        let event = purchase.paymentSucceeded(at: Self.moment(told))
        items.append(
            Item(
                kind: .payment(purchase.paymentIntentID), delivery: stripe.delivery(event, at: Self.moment(at)),
                email: purchase.email, at: at, money: Money(amount: purchase.amount, currency: purchase.currency),
                toldAt: told))
    }

    private mutating func tell(
        _ kind: Kind, _ type: EventType, _ person: Int, _ number: Int, _ data: JSONObject, at: Int64
    ) {
        let delivery = chat.delivery(
            id: "\(type.name)-\(number)", type: type, session: Self.session(person, number), data: data,
            at: Self.moment(at))
        add(kind, delivery, person, at)
    }

    private mutating func lead(_ person: Int, _ number: Int, at: Int64) {
        // The number in the name of the mailbox makes each lead a lead of its own in its conversation.
        let data: JSONObject = [
            "email": .string(Self.email(person)), "name": .string("Person \(person)"), "company": .string("C\(number)"),
        ]
        tell(.lead, .leadCaptured, person, number, data, at: at)
    }

    private mutating func complain(_ person: Int, _ number: Int, at: Int64) {
        let data: JSONObject = [
            "reason": "complaint", "message": .string("What about number \(number)?"),
            "email": .string(Self.email(person)),
        ]
        tell(.complaint, .supportEscalated, person, number, data, at: at)
    }

    private static func purchase(_ person: Int, _ number: Int, at: Int64) -> StripePurchase {
        StripePurchase(
            tag: "purchase-\(number)", email: email(person), name: "Person \(person)", amount: Int64(1000 + number),
            clientReference: session(person, number), metadata: ["chat_session": session(person, number)],
            startedAt: moment(at))
    }

    private mutating func purchase(_ person: Int, _ number: Int, _ dice: Dice, at: Int64) {
        let purchase = Self.purchase(person, number, at: at)
        let told = Self.moment(at)
        let payment = purchase.paymentIntentID
        func later() -> Int64 { at + Int64(dice.below(3_000)) }
        add(payment: purchase, told: at, at: later())
        for event in [purchase.chargeSucceeded(at: told), purchase.checkoutCompleted(at: told)] {
            let leaves = later()
            add(.enrichment(payment), stripe.delivery(event, at: Self.moment(leaves)), person, leaves)
        }
    }

    private mutating func small(_ person: Int, _ number: Int, _ dice: Dice, at: Int64) {
        switch dice.below(3) {
        case 0: tell(.chat, .chatStarted, person, number, ["channel": "web"], at: at)
        case 1:
            let data: JSONObject = ["email": .string(Self.email(person))]
            let forger = StandardWebhooksSender(secret: "whsec_Zm9yZ2VkLWZvcmdlZC1mb3JnZWQtZm9yZ2Vk")
            let delivery = forger.delivery(
                id: "forged-\(number)", type: .leadCaptured, session: "sess-forged", data: data, at: Self.moment(at))
            add(.forged, delivery, person, at)
        default: tell(.malformed, .leadCaptured, person, number, ["email": "no address"], at: at)
        }
    }
}
