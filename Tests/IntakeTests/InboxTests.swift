import Intake
import Journal
import Model
import Seams
import Settings
import Synchronization
import TestKit
import Testing

@Suite struct `A row of the inbox` {
    private let journal = MemoryJournal()
    private let admission: Admission
    private let intake: Intake

    init() {
        let sources = [
            SourceSettings(name: "app", kind: .inbox(url: .environment("URL")), secrets: []),
            SourceSettings(name: "stripe", kind: .stripe(payments: .intents), secrets: []),
        ]
        admission = Admission(journal: journal, logger: silent)
        intake = Intake(
            settings: LiveSettings(Settings(product: "Test", sources: sources)),
            secrets: ["stripe": [Redacted(Sender.stripeSecret)]], admission: admission,
            // Long after the rows were accepted: what counts is the database's clock of then.
            time: ManualTime(Sender.now + .seconds(86_400)), chance: SeededChance(seed: 1), logger: silent)
    }

    private func taken(_ rows: [InboxRow]) async throws -> [InboxVerdict] {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await admission.run() }
            defer { group.cancelAll() }
            return try await intake.take(rows, inbox: "app")
        }
    }

    private func own(_ payload: JSONObject) -> InboxRow {
        InboxRow(position: 1, payload: payload.encoded, acceptedAt: Sender.now)
    }

    private func signed(_ delivery: InboundDelivery, source: String = "stripe", after: Duration = .zero) -> InboxRow {
        InboxRow(
            position: 1, source: source, headers: delivery.headers.lines.map { .init(name: $0.name, value: $0.value) },
            payload: delivery.body, acceptedAt: Sender.now + after)
    }

    private var arrivals: [Arrival] { journal.state.withLock { $0.batches.flatMap { $0 } } }

    private static let lead: JSONObject = [
        "id": "lead-1", "type": "lead_captured", "session": "s", "data": ["email": "ada@example.com"],
    ]
    private static let payment: JSONObject = [
        "id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "created": 1_795_457_040,
        "data": ["object": ["id": "pi_1", "amount": 4900, "currency": "usd"]],
    ]

    @Test func `becomes an event of the inbox by its own id`() async throws {
        #expect(try await taken([own(Self.lead)]) == [.taken])
        guard case .event(let event, let payload, _)? = arrivals.first else {
            Issue.record("no event arrived")
            return
        }
        #expect(event.source == "app" && event.externalID == "lead-1" && payload == Self.lead.encoded)
        #expect(event.occurredAt == Sender.now && event.receivedAt == Sender.now, "when it was accepted")
    }

    @Test func `becomes an event of the source that signed it, as its delivery would`() async throws {
        let row = signed(Sender.stripe(Self.payment.encoded), after: .seconds(299))
        #expect(try await taken([row]) == [.taken])
        guard case .event(let event, _, _)? = arrivals.first else {
            Issue.record("no event arrived")
            return
        }
        #expect(event.source == "stripe" && event.externalID == "evt_1" && event.type == .paymentSucceeded)
    }

    @Test func `is held where it is not believed, and nothing of it is kept`() async throws {
        let body = Self.payment.encoded
        let rows = [
            signed(Sender.stripe(body, secret: "whsec_another")), signed(Sender.stripe(body), after: .seconds(301)),
            signed(Sender.stripe(body), source: "paddle"), signed(Sender.stripe(Self.lead.encoded), source: "app"),
            InboxRow(position: 1, source: "stripe", payload: body, acceptedAt: Sender.now),
        ]
        for (row, words) in zip(rows, ["not made with", "s old", "no source", "no source", "no Stripe-Signature"]) {
            guard case .held(let reason)? = try await taken([row]).first else {
                Issue.record("believed: \(row)")
                continue
            }
            #expect(reason.contains(words), "\(reason)")
        }
        #expect(arrivals.isEmpty)
    }

    @Test func `goes into quarantine where it is believed and no event`() async throws {
        var unknown = Self.lead
        unknown["type"] = "lead_captivated"
        let rows = [
            own(unknown), InboxRow(position: 1, payload: Array("{".utf8), acceptedAt: Sender.now),
            InboxRow(position: 1, payload: Self.lead.encoded, isCut: true, acceptedAt: Sender.now),
        ]
        #expect(try await taken(rows) == [.taken, .taken, .taken])
        let codes = arrivals.compactMap { if case .kept(let kept) = $0 { kept.code } else { nil } }
        #expect(codes == ["unknown_type", "invalid_json", "too_large"])
    }

    @Test func `stays while the journal takes nothing`() async throws {
        journal.breakDown(true)
        await #expect(throws: Failure.self) { try await taken([own(Self.lead)]) }
    }

    @Test func `cannot come by HTTP`() async {
        let answer = await intake.receive(source: "app", headers: [], body: Self.lead.encoded)
        #expect(answer.status == 404)
    }
}
