import Crypto
import Intake
import Journal
import Model
import Seams
import Settings
import Synchronization
import TestKit
import Testing

@Suite struct `The door` {
    private let journal = MemoryJournal()
    private let admission: Admission
    private let intake: Intake
    private let settings: LiveSettings
    private let time = ManualTime(Sender.now)
    private static let secrets: [String: [Redacted<String>]] = [
        "stripe": [Redacted(Sender.stripeSecret)], "chat": [Redacted(Sender.standardSecret)],
    ]

    init() {
        settings = LiveSettings(
            Settings(
                product: "Test",
                sources: [
                    SourceSettings(name: "stripe", kind: .stripe(payments: .intents), secrets: []),
                    SourceSettings(name: "chat", kind: .events, secrets: []),
                ]))
        admission = Admission(journal: journal, logger: silent)
        intake = Intake(
            settings: settings, secrets: Self.secrets, admission: admission, time: time,
            chance: SeededChance(seed: 1), logger: silent)
    }

    private func running(_ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await admission.run() }
            try await body()
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    private static let payment: JSONObject = [
        "id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "created": 1_795_457_040,
        "data": ["object": ["id": "pi_1", "amount": 4900, "currency": "usd"]],
    ]

    private func stripe(_ payload: JSONObject, headers: [(String, String)] = []) async -> IntakeAnswer {
        let delivery = Sender.stripe(payload.encoded, at: time.now)
        return await intake.receive(
            source: "stripe", headers: delivery.headers.lines + headers.map { ($0.0, $0.1) }, body: delivery.body)
    }

    private func events(
        _ text: String, type: String? = "application/json", source: String? = nil, bound: String? = nil
    ) async -> IntakeAnswer {
        await intake.receiveEvents(source: source, contentType: type, body: Array(text.utf8), boundSource: bound)
    }

    private func code(_ answer: IntakeAnswer) -> String? { answer.body["error"]?["code"]?.string }

    @Test func `accepts a new event and tells a duplicate by the same id`() async throws {
        try await running {
            let first = await stripe(Self.payment)
            #expect(first.status == 200 && first.body["status"] == "accepted" && first.event != nil)
            let second = await stripe(Self.payment)
            #expect(second.status == 200 && second.body["status"] == "duplicate" && second.event == first.event)
        }
        #expect(journal.eventCount == 1)
    }

    @Test func `answers what is of no interest, and what cannot be mapped, as taken`() async throws {
        try await running {
            var payload = Self.payment
            payload["type"] = "radar.rule"
            let ignored = await stripe(payload)
            #expect(ignored.status == 200 && ignored.body["status"] == "ignored" && ignored.body["event"] == .null)
            payload = Self.payment
            payload["data"] = ["object": ["id": "pi_1"]]
            let quarantined = await stripe(payload)
            #expect(quarantined.status == 200 && quarantined.body["status"] == "quarantined")
            #expect(quarantined.body["quarantine"]?.string?.hasPrefix("tqu_") == true)
            #expect(await stripe(payload).body["quarantine"] == quarantined.body["quarantine"])
        }
    }

    @Test func `answers what is signed but unusable with 400 and where it is kept`() async throws {
        try await running {
            var payload = Self.payment
            payload["id"] = nil
            let answer = await stripe(payload)
            #expect(answer.status == 400 && code(answer) == "missing_id")
            #expect(answer.body["error"]?["field"] == "id")
            #expect(answer.body["quarantine"]?.string?.hasPrefix("tqu_") == true)
        }
    }

    @Test func `keeps nothing of what it does not believe, and tells only the operator why`() async throws {
        let delivery = Sender.stripe(Self.payment.encoded, secret: "whsec_other")
        let forged = await intake.receive(source: "stripe", headers: delivery.headers.lines, body: delivery.body)
        let late = Sender.stripe(Self.payment.encoded, at: Sender.now - .seconds(1000))
        let stale = await intake.receive(source: "stripe", headers: late.headers.lines, body: late.body)
        let bare = await intake.receive(source: "stripe", headers: [], body: delivery.body)
        #expect(forged.status == 401 && forged == stale && stale == bare)
        #expect(journal.batchSizes.isEmpty)
        #expect(Set(intake.recentRefusals().map(\.code)) == [.mismatch, .stale, .missing])
        #expect(intake.recentRefusals().allSatisfy { $0.source == "stripe" && !$0.reason.contains("whsec_other") })
    }

    @Test func `remembers only so many refusals of a source, and looks into one a second`() async throws {
        let delivery = Sender.stripe(Self.payment.encoded + [0x0A], secret: Sender.stripeSecret)
        for _ in 0..<50 {
            let changed = Self.payment.encoded
            #expect(
                await intake.receive(source: "stripe", headers: delivery.headers.lines, body: changed).status == 401)
            time.advance(by: .milliseconds(100))
        }
        let refusals = intake.recentRefusals()
        #expect(refusals.count == 20)
        #expect(refusals.count { $0.reason.contains("changed on the way") } == 2)
        #expect(refusals.first.map { $0.at } == Sender.now + .milliseconds(4900))
    }

    @Test func `knows no other source, size or form`() async throws {
        let nowhere = await intake.receive(source: "nowhere", headers: [], body: [])
        #expect(nowhere.status == 404 && code(nowhere) == "not_found")
        let large = await intake.receive(
            source: "stripe", headers: [], body: [UInt8](repeating: 0x20, count: Limits.deliverySizeMax + 1))
        #expect(large.status == 413 && code(large) == "too_large")
        #expect(await stripe(Self.payment, headers: [("content-type", "text/html")]).status == 415)
        #expect(await stripe(Self.payment, headers: [("Content-Encoding", "gzip")]).status == 415)
        try await running {
            #expect(
                await stripe(Self.payment, headers: [("Content-Type", "application/json; charset=utf-8")]).status == 200
            )
        }
    }

    @Test func `asks to try again when it cannot keep`() async throws {
        try await running {
            journal.breakDown(true)
            let answer = await stripe(Self.payment)
            #expect(answer.status == 503 && answer.retryAfter == 5 && code(answer) == "unavailable")
        }
        let stopped = await stripe(Self.payment)
        #expect(stopped.status == 503 && stopped.retryAfter != nil)
    }

    @Test func `takes a new secret, and a new source, without a restart`() async throws {
        try await running {
            var next = settings.current
            next.sources.append(SourceSettings(name: "second", kind: .stripe(payments: .intents), secrets: []))
            settings.replace(with: next)
            intake.replaceSecrets(["second": [Redacted("whsec_new")], "stripe": [Redacted("whsec_new")]])
            let delivery = Sender.stripe(Self.payment.encoded, secret: "whsec_new")
            for source in ["stripe", "second"] {
                let answer = await intake.receive(
                    source: source, headers: delivery.headers.lines, body: delivery.body)
                #expect(answer.body["status"] == "accepted")
            }
            #expect(await stripe(Self.payment).status == 401)
        }
    }

    // MARK: With a key

    private static let chat = #"{"id":"c1","type":"chat_started","session":"s"}"#

    @Test func `answers one event of a key as it answers a delivery`() async throws {
        try await running {
            #expect(await events(Self.chat).body["status"] == "accepted")
            #expect(await events(Self.chat, source: "chat").body["status"] == "duplicate")
            #expect(await events(Self.chat, type: nil, bound: "chat").body["status"] == "duplicate")
            let wrong = await events(#"{"id":"c2","type":"chat_begun","session":"s"}"#)
            #expect(wrong.status == 400 && code(wrong) == "unknown_type")
            #expect(await events("[{]").status == 400)
        }
    }

    @Test func `says which source it needs`() async throws {
        #expect(await events(Self.chat, source: "stripe").status == 404)
        #expect(await events(Self.chat, source: "nowhere").status == 404)
        #expect(await events(Self.chat, source: "chat", bound: "other").status == 403)
        var several = settings.current
        several.sources.append(SourceSettings(name: "second", kind: .events, secrets: []))
        settings.replace(with: several)
        intake.replaceSecrets([:])
        let unsaid = await events(Self.chat)
        #expect(unsaid.status == 400 && unsaid.body["error"]?["field"] == "source")
    }

    @Test(arguments: [true, false])
    func `takes a list and tells of each`(isLines: Bool) async throws {
        let items = [
            Self.chat, #"{"id":"c2","type":"chat_started"}"#, Self.chat, #"{"type":"chat_started","session":"s"}"#,
        ]
        let text = isLines ? items.joined(separator: "\n") + "\n\n" : "[" + items.joined(separator: ",") + "]"
        try await running {
            let answer = await events(text, type: isLines ? "application/x-ndjson" : "application/json")
            #expect(answer.status == 207)
            let rows = answer.body["items"]?.array ?? []
            #expect(rows.compactMap { $0["status"]?.string } == ["accepted", "rejected", "duplicate", "rejected"])
            #expect(rows.compactMap { $0["index"]?.int } == [0, 1, 2, 3])
            #expect(rows.map { $0["id"]?.string } == ["c1", "c2", "c1", nil])
            #expect(rows.first?["event"] == rows[2]["event"] && rows.first?["error"] == .null)
            #expect(rows[1]["error"]?["code"] == "missing_identity" && rows[3]["error"]?["field"] == "id")
            let taken = await events("[\(Self.chat)]")
            #expect(taken.status == 200)
        }
    }

    @Test func `bounds a list`() async throws {
        func list(_ count: Int) -> String {
            "[" + (0..<count).map { #"{"id":"n\#($0)","type":"chat_started","session":"s"}"# }.joined(separator: ",")
                + "]"
        }
        try await running {
            #expect(await events(list(Limits.batchEventsMax)).status == 200)
            #expect(await events(list(Limits.batchEventsMax + 1)).status == 413)
            #expect(await events("[]").status == 400)
            #expect(await events("", type: "text/csv").status == 415)
            #expect(await events(String(repeating: " ", count: Limits.eventsSizeMax + 1)).status == 413)
        }
        #expect(journal.eventCount == Limits.batchEventsMax)
    }

    // MARK: Again

    @Test func `reads a kept delivery again with the configuration of today`() async throws {
        let body = Array(#"{"id":"x1","type":"seat_added","session":"s","data":{"team":"t"}}"#.utf8)
        try await running {
            #expect(await events(String(decoding: body, as: UTF8.self)).status == 400)
            let kept = KeptDelivery(
                id: Sender.mint().make(), kind: .quarantined, source: "chat", externalID: "x1", code: "unknown_type",
                reason: "", receivedAt: Sender.now - .seconds(60), payload: body)
            let before = await intake.replay(kept)
            #expect(before.status == 409 && code(before) == "conflict")
            var mended = settings.current
            mended.catalogue = EventCatalogue(declared: [
                EventShape(EventType("seat_added"), fields: [.init("team", .id)])
            ])
            settings.replace(with: mended)
            intake.replaceSecrets(Self.secrets)
            let after = await intake.replay(kept)
            #expect(after.status == 200 && after.body["status"] == "accepted")
            let arrival = journal.state.withLock { $0.batches.last?.last }
            guard case .event(let event, let payload, let replayed) = arrival else {
                Issue.record("no event arrived")
                return
            }
            #expect(event.receivedAt == kept.receivedAt && payload == body && replayed == kept.id)
            #expect(event.externalID == "x1")
        }
    }
}
