import ConnectorKit
import Foundation
import Intake
import Journal
import JournalPostgres
import JournalSQLite
import Model
import Reconciliation
import Sandbox
import Seams
import Settings
import TestKit
import Testing

@Suite(.timeLimit(.minutes(5))) struct `An erased person` {
    /// In no field of anybody else, and in nothing that Throughline says.
    private static let word = "zqxjkvwq"

    private static let flows =
        Shop.flows + [
            Flow(
                id: "booking", name: "booking", on: [.bookingConfirmed],
                calls: [Flow.Call(destination: "crm", action: "upsert_contact")]),
            Flow(
                id: "later", name: "later", on: [.chatStarted],
                calls: [Flow.Call(destination: "crm", action: "upsert_contact")], after: .seconds(7200)),
        ]

    private var email: String { "\(Self.word)@example.com" }
    private var everything: JSONObject {
        [
            "email": .string(email), "name": .string("\(Self.word) Lovelace"), "firstname": .string(Self.word),
            "lastname": .string(Self.word), "company": .string("\(Self.word) Ltd"),
            "phone": .string("+49 30 \(Self.word)"),
            "website": .string("https://\(Self.word).example"), "message": .string("my name is \(Self.word)"),
            "consent": .string(Self.word), "reference": .string("booking-\(Self.word)"),
            "reason": .string(Self.word), "intent": .string(Self.word), "urgency": .string(Self.word),
            "payment": .string("pi_\(Self.word)"), "extra": ["deep": [.string(Self.word)]],
        ]
    }

    /// The word in every field of every kind of event, in jobs that are done, dead and waiting, in errors, in requests,
    /// in quarantine and in a run's differences.
    private func plant(in shop: Shop) async throws {
        let (session, user) = ("session-\(Self.word)", "user-\(Self.word)")
        for (index, type) in [EventType.leadCaptured, .supportEscalated, .bookingConfirmed, .chatStarted].enumerated() {
            try await shop.chat(type, "own-\(index)", session: session, user: user, everything)
        }
        var purchase = shop.purchase("tag", email: email)
        purchase.name = Self.word
        purchase.clientReference = session
        purchase.metadata = ["user": user, "note": Self.word]
        try await shop.deliver(purchase.paymentSucceeded(at: shop.time.now))
        try await shop.deliver(purchase.chargeSucceeded(at: shop.time.now))
        try await shop.deliver(purchase.checkoutCompleted(at: shop.time.now))
        try await shop.settle()
        // What a destination answers may repeat what it was sent, and be kept as an error.
        shop.services.setFaults([.status(400)], for: "zendesk")
        try await shop.chat(.supportEscalated, "dead", session: session, user: user, everything)
        try await shop.settle()
        shop.services.setFaults([], for: "zendesk")
        // Two that became no event, and one that planning could not take.
        let body: JSONObject = [
            "id": "refused", "type": "lead_captured", "data": ["email": 7, "name": .string(email)],
        ]
        let refused = await shop.intake.receiveEvents(
            source: "chat", contentType: "application/json", body: body.encoded, boundSource: nil)
        #expect(refused.status == 400)
    }

    private func plantUnplannable(in shop: Shop) async throws {
        struct Broken: Error {}
        let event = Event(
            id: shop.world.mint.make(), source: "chat", externalID: "broken", externalType: "lead_captured",
            type: .leadCaptured, occurredAt: shop.time.now, receivedAt: shop.time.now,
            session: "session-\(Self.word)", user: "user-\(Self.word)", data: everything)
        _ = try await shop.journal.append([.event(event, payload: everything.encoded)])
        _ = try await shop.journal.planPending(limit: 1, now: shop.time.now) { _, _ in throw Broken() }
    }

    private func plantDifference(in shop: Shop) async throws {
        let story = try #require(await shop.journal.subjects(matching: email).first)
        let event = try #require(await shop.journal.story(of: story.root, limit: 10).events.first).event.id
        let run = Reconciliation(
            id: shop.world.mint.make(), place: "crm", side: .destination, since: shop.time.now,
            until: shop.time.now, startedAt: shop.time.now, startedBy: "ada")
        try await shop.journal.beginReconciliation(run)
        let difference = Difference(
            number: 1, cause: .changed, sample: "new-lead", key: Self.word, event: event, records: [Self.word],
            at: shop.time.now, detail: Self.word)
        try await shop.journal.keepDifferences([difference], of: run.id)
    }

    @Test(arguments: Store.all) func `is found in no byte of the journal`(store: Store) async throws {
        try await Shop.open(store, flows: Self.flows) { shop in
            let crm = try #require(shop.connectors["crm"])
            _ = await crm.missingRequirements(for: Self.flows, isCreating: true)
            try await plantUnplannable(in: shop)
        } _: { shop in
            try await plant(in: shop)
            try await plantDifference(in: shop)
            // Somebody else, of whom all must stay.
            try await shop.chat(.leadCaptured, "other", ["email": "grace@example.com", "name": "Grace"])
            try await shop.settle()
            #expect(try await traces(in: shop).count > 5)

            let root = try #require(await shop.journal.subjects(matching: email).first).root
            let plan = try await shop.journal.forgetPlan(root)
            #expect(plan.kept >= 2 && plan.events >= 8)
            #expect(try await shop.journal.forget(root, by: "ada", now: shop.time.now) == plan)

            #expect(try await traces(in: shop) == [])
            #expect(try await shop.journal.subjects(matching: email).isEmpty)
            let grace = try #require(await shop.journal.subjects(matching: "grace@example.com").first)
            #expect(try await shop.journal.story(of: grace.root, limit: 10).events.first?.event.data["name"] == "Grace")
            // A late repeat of what was erased is still no new event.
            let again = await shop.intake.receiveEvents(
                source: "chat", contentType: "application/json",
                body: (["id": "own-0", "type": "lead_captured", "data": ["email": "x@example.com"]] as JSONObject)
                    .encoded,
                boundSource: nil)
            #expect(again.body["status"] == "duplicate")
        }
    }

    /// Where the word stands: files of the embedded journal, or tables and columns of the database.
    private func traces(in shop: Shop) async throws -> [String] {
        if shop.journal is PostgresJournal { return try await tables(of: shop) }
        let folder = shop.path("")
        let needle = Data(Self.word.utf8)
        return try FileManager.default.contentsOfDirectory(atPath: folder).flatMap { name -> [String] in
            guard let bytes = FileManager.default.contents(atPath: folder + "/" + name) else { return [] }
            var (found, place): ([String], Data.Index) = ([], bytes.startIndex)
            while let range = bytes.range(of: needle, in: place..<bytes.endIndex) {
                found.append("\(name) at \(range.lowerBound)")
                place = range.upperBound
            }
            return found
        }
    }

    private func tables(of shop: Shop) async throws -> [String] {
        let url = try #require(shop.databaseURL)
        let server = try await PostgresServer.shared
        let tables = try await server.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'throughline' ORDER BY 1", in: url)
        // Bytes are shown in hexadecimal.
        let hex = Self.word.utf8.map { String($0, radix: 16) }.joined()
        var found: [String] = []
        for table in tables.split(whereSeparator: \.isNewline).map({ $0.trimmingCharacters(in: .whitespaces) }) {
            let rows = try await server.execute(
                """
                SELECT row::text FROM throughline.\(table) AS row
                WHERE row::text LIKE '%\(Self.word)%' OR row::text LIKE '%\(hex)%'
                """, in: url)
            found += rows.split(whereSeparator: \.isNewline).map { "\(table): \($0.prefix(200))" }
        }
        return found
    }
}
