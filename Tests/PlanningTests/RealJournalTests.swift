internal import ConnectorKit
internal import Journal
internal import JournalSQLite
internal import Model
internal import Planning
internal import Settings
internal import TestKit
internal import Testing

/// The planner on the journal that the server has, in a file of its own.
private struct Desk {
    let folder: TemporaryFolder
    let journal: SQLiteJournal
    let scene: Scene

    init(_ flows: [Flow] = []) throws {
        folder = try TemporaryFolder()
        journal = try SQLiteJournal.open(path: folder.file("journal.db"))
        scene = Scene(flows)
    }

    /// Receives the events and plans all that is pending; returns whether a job became claimable.
    @discardableResult
    func tell(_ events: Event...) async throws -> Bool { try await tell(events) }

    @discardableResult
    func tell(_ events: [Event]) async throws -> Bool {
        _ = try await journal.append(events.map { .event($0, payload: []) })
        let connectors = ConnectorSet(["crm": SilentConnector.crm])
        let (planner, now) = (
            Planner(settings: scene.settings, connectors: connectors, mint: scene.mint), scene.time.now
        )
        var hasNewWork = false
        while true {
            let summary = try await journal.planPending(limit: 64, now: now) { event, tx in
                try planner.plan(event, in: tx, now: now)
            }
            #expect(summary.unplannable.isEmpty)
            hasNewWork = hasNewWork || summary.hasNewWork
            if !summary.isMore { return hasNewWork }
        }
    }

    /// The one subject that answers to the identifier; nil where there is none or more than one.
    func root(_ identifier: String) async throws -> SubjectID? {
        let found = try await journal.subjects(matching: identifier).map(\.root)
        return found.count == 1 ? found[0] : nil
    }

    /// The payments that the job of this event sees, each with whether it is proven to be the same person's.
    func payments(seenBy event: Event) async throws -> [String: Bool] {
        let job = try #require(await journal.event(event.id)?.jobs.first)
        let payments = try #require(await journal.surroundings(of: job.id)).payments
        return Dictionary(uniqueKeysWithValues: payments.map { ($0.payment, $0.isProven) })
    }
}

private func permutations<Element>(of elements: [Element]) -> [[Element]] {
    guard !elements.isEmpty else { return [[]] }
    return elements.indices.flatMap { index in
        var rest = elements
        let first = rest.remove(at: index)
        return permutations(of: rest).map { [first] + $0 }
    }
}

@Suite struct `The planner on a journal file` {
    @Test func `makes one fact and one job of a payment that five events tell in any order`() async throws {
        let desk = try Desk([.to("upsert_contact", on: .paymentSucceeded)])
        var told: [(payment: String, named: EventID, order: [Int], events: [Event])] = []
        for (index, order) in permutations(of: Array(0..<5)).enumerated() {
            let events = tellings(of: "pi_\(index)", customer: "cus_\(index)", in: desk.scene)
            told.append(("pi_\(index)", events[3].id, order, order.map { events[$0] }))
        }
        #expect(told.count == 120)
        try await desk.tell(told.flatMap(\.events))

        for (payment, named, order, events) in told {
            let root = try #require(await desk.root("payment:\(payment)"), "\(order)")
            let story = try await desk.journal.story(of: root, limit: 50)
            #expect(Set(story.events.map(\.event.id)) == Set(events.map(\.id)), "\(order)")
            #expect(story.jobs.map(\.state) == [.available], "\(order)")
            var facts: Set<Fact> = []
            for event in events { facts.formUnion(try #require(await desk.journal.event(event.id)).facts) }
            #expect(facts.filter { $0.type != nil }.map(\.key) == ["payment_succeeded:\(payment)"], "\(order)")
            // Of two names the earlier told wins, also where neither came with the first telling.
            let object = try #require(facts.first { $0.key == "payment:\(payment)" }, "\(order)")
            #expect(object.data["name"] == "Ada", "\(order)")
            #expect(object.origins["name"]?.array?.last == .string(named.description), "\(order)")
        }
    }

    private func tellings(of id: String, customer: String, in scene: Scene) -> [Event] {
        func event(_ more: JSONObject, _ role: Event.Role, _ seconds: Int64) -> Event {
            scene.event(.paymentSucceeded, payment(id, more), role: role, at: seconds)
        }
        return [
            event(["customer": .string(customer)], .states, 10),
            event(["invoice": .string("in_\(id)")], .states, 11),
            event(["charge": .string("ch_\(id)"), "name": "A. L."], .enriches, 30),
            event(["name": "Ada"], .enriches, 20),
            event(["email": .string("\(id)@example.com")], .enriches, 40),
        ]
    }

    @Test func `wakes a waiting job when a later event brings the address`() async throws {
        let desk = try Desk([.to("upsert_contact", on: .paymentSucceeded)])
        let paid = desk.scene.event(.paymentSucceeded, payment())
        #expect(try await !desk.tell(paid))
        let waiting = try #require(await desk.journal.event(paid.id)?.jobs.first)
        #expect(waiting.state == .waiting)
        let checkout: JSONObject = ["checkout": "cs_1", "payment": "pi_1", "email": "ada@example.com"]
        #expect(try await desk.tell(desk.scene.event(.checkoutCompleted, checkout, at: 60)))
        let jobs = try #require(await desk.journal.event(paid.id)).jobs
        #expect(jobs.map(\.id) == [waiting.id])
        #expect(jobs.map(\.state) == [.available])
        #expect(try await desk.journal.surroundings(of: waiting.id)?.data["email"] == "ada@example.com")
    }

    @Test func `does not make one of two users of whom one types the other's address`() async throws {
        let desk = try Desk()
        let address: JSONObject = ["email": "ada@example.com"]
        try await desk.tell(
            desk.scene.event(.leadCaptured, address, user: "u_ada"),
            desk.scene.event(.leadCaptured, address, user: "u_eve"))
        let (ada, eve) = (try await desk.root("user:u_ada"), try await desk.root("user:u_eve"))
        #expect(ada != nil && eve != nil && ada != eve)
    }

    @Test(arguments: [true, false])
    func `does not make one of two users where the address came before the sign-in`(victimFirst: Bool) async throws {
        let desk = try Desk()
        let address: JSONObject = ["email": "ada@example.com"]
        let victim = desk.scene.event(.leadCaptured, address, user: "u_ada")
        let typed = desk.scene.event(.leadCaptured, address, session: "s_eve")
        try await desk.tell(victimFirst ? [victim, typed] : [typed, victim])
        #expect(try await desk.root("user:u_ada") == desk.root("session:s_eve"))
        try await desk.tell(desk.scene.event(.userIdentified, ["user": "u_eve"], session: "s_eve"))
        let (ada, eve) = (try await desk.root("user:u_ada"), try await desk.root("user:u_eve"))
        #expect(ada != nil && eve != nil && ada != eve)
    }

    @Test func `proves no payment to someone who typed the payer's address`() async throws {
        let desk = try Desk([
            .to("notify", on: .paymentSucceeded, id: "paid"), .to("notify", on: .supportEscalated, id: "help"),
        ])
        let payer: JSONObject = ["email": "ada@example.com", "customer": "cus_1"]
        let paid = desk.scene.event(.paymentSucceeded, payment("pi_1", payer))
        try await desk.tell(
            paid, desk.scene.event(.chatStarted, user: "u_eve"),
            desk.scene.event(.leadCaptured, ["email": "ada@example.com"], session: "s_eve"),
            desk.scene.event(.userIdentified, ["user": "u_eve"], session: "s_eve"))
        let asSession = desk.scene.event(.supportEscalated, ["message": "refund me"], session: "s_eve")
        let asUser = desk.scene.event(.supportEscalated, ["message": "refund me"], user: "u_eve")
        try await desk.tell(asSession, asUser)
        #expect(try await desk.payments(seenBy: paid) == ["pi_1": true])
        #expect(try await desk.payments(seenBy: asSession) == ["pi_1": false])
        #expect(try await desk.payments(seenBy: asUser) == ["pi_1": false])
    }
}
