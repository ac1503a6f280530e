internal import Journal
internal import Model
internal import Planning
internal import TestKit
internal import Testing

@Suite struct `Linking` {
    private let scene = Scene()

    @Test func `makes one subject of two sessions when their user becomes known`() throws {
        let first = try scene.tell(.chatStarted, session: "s_1")
        let second = try scene.tell(.leadCaptured, ["email": "ada@example.com"], session: "s_2")
        #expect(scene.root(of: first) != scene.root(of: second))
        try scene.tell(.userIdentified, ["user": "u_1"], session: "s_1")
        let joined = try scene.tell(.userIdentified, ["user": "u_1"], session: "s_2")
        #expect(scene.root(of: first) == scene.root(of: second))
        #expect(scene.root(of: first) == scene.journal.order.first)
        #expect(scene.outcomes(of: joined).contains(.joined))
        let root = try #require(scene.root(of: first))
        #expect(scene.journal.state(of: root).registers.keys.sorted() == ["chat", "lead"])
    }

    @Test func `joins by an address where nothing speaks against it`() throws {
        let lead = try scene.tell(.leadCaptured, ["email": "Ada@Example.com"], session: "s_1")
        let paid = try scene.tell(
            .paymentSucceeded, payment("pi_1", ["email": "ada@example.com", "customer": "cus_1"]))
        #expect(scene.root(of: lead) == scene.root(of: paid))
        #expect(scene.journal.joins.map(\.basis) == [.claimed])
    }

    @Test func `does not make one of two users of whom one types the other's address`() throws {
        let victim = try scene.tell(.leadCaptured, ["email": "ada@example.com"], user: "u_ada")
        let attack = try scene.tell(.leadCaptured, ["email": "ada@example.com"], user: "u_eve")
        #expect(scene.root(of: victim) != scene.root(of: attack))
        #expect(scene.outcomes(of: attack).contains(.refused))
        let again = try scene.tell(.leadCaptured, ["email": "ada@example.com"], user: "u_eve")
        #expect(scene.root(of: again) == scene.root(of: attack))
        #expect(!scene.outcomes(of: again).contains(.refused))
    }

    @Test(arguments: [true, false])
    func `does not make one of two users where the address came before the sign-in`(victimFirst: Bool) throws {
        func lead(_ session: String?, _ user: String?) throws -> Event {
            try scene.tell(.leadCaptured, ["email": "ada@example.com"], session: session, user: user)
        }
        let first = victimFirst ? try lead(nil, "u_ada") : try lead("s_eve", nil)
        let second = victimFirst ? try lead("s_eve", nil) : try lead(nil, "u_ada")
        let (victim, typed) = victimFirst ? (first, second) : (second, first)
        #expect(scene.root(of: victim) == scene.root(of: typed))
        let signedIn = try scene.tell(.userIdentified, ["user": "u_eve"], session: "s_eve")
        #expect(scene.root(of: signedIn) != scene.root(of: victim))
        let later = try scene.tell(.supportEscalated, session: "s_eve")
        #expect(scene.root(of: later) == scene.root(of: signedIn))
        let back = try scene.tell(.chatStarted, user: "u_ada")
        #expect(scene.root(of: back) == scene.root(of: victim))
    }

    @Test func `proves nothing by an address`() throws {
        let victim = try scene.tell(
            .paymentSucceeded, payment("pi_1", ["email": "ada@example.com", "customer": "cus_1"]))
        let typed = try scene.tell(.leadCaptured, ["email": "ada@example.com"], session: "s_eve")
        try scene.tell(.userIdentified, ["user": "u_eve"], user: "u_eve")
        try scene.tell(.userIdentified, ["user": "u_eve"], session: "s_eve")
        let homes = try [victim, typed].map { try #require(scene.journal.homes[$0.id]) }
        #expect(scene.journal.root(of: homes[0]) == scene.journal.root(of: homes[1]))
        #expect(scene.journal.provenRoot(of: homes[0]) != scene.journal.provenRoot(of: homes[1]))
    }

    @Test func `joins two customers of one user, who is proven to be both`() throws {
        let first = try scene.tell(.userIdentified, ["user": "u_1", "customer": "cus_1"])
        let second = try scene.tell(.userIdentified, ["user": "u_1", "customer": "cus_2"])
        let paid = try scene.tell(.paymentSucceeded, payment("pi_1", ["customer": "cus_2"]))
        #expect(Set([first, second, paid].map { scene.root(of: $0) }).count == 1)
    }

    @Test(arguments: [true, false])
    func `joins a checkout to the session or user that its reference names`(isSession: Bool) throws {
        for checkoutFirst in [true, false] {
            let scene = Scene()
            func check() throws -> Event {
                try scene.tell(.checkoutCompleted, ["checkout": "cs_1", "client_reference": "ref_1"])
            }
            func chat() throws -> Event {
                try scene.tell(.chatStarted, session: isSession ? "ref_1" : "s_9", user: isSession ? nil : "ref_1")
            }
            let events = checkoutFirst ? [try check(), try chat()] : [try chat(), try check()]
            #expect(scene.root(of: events[0]) == scene.root(of: events[1]))
            #expect(scene.journal.joins.map(\.basis) == [.claimed])
        }
    }

    @Test func `keeps events with nothing but an address together, apart from who is proven to have it`() throws {
        let lead = try scene.tell(.leadCaptured, ["email": "ada@example.com"])
        let again = try scene.tell(.leadCaptured, ["email": "ada@example.com"])
        #expect(scene.journal.homes[lead.id] == scene.journal.homes[again.id])
        let user = try scene.tell(.chatStarted, user: "u_1")
        try scene.tell(.userIdentified, ["user": "u_1", "email": "ada@example.com"])
        let third = try scene.tell(.leadCaptured, ["email": "ada@example.com"])
        #expect(scene.root(of: third) == scene.root(of: user))
        #expect(scene.journal.homes[third.id] == scene.journal.homes[lead.id])
    }

    @Test func `takes a payment that was named in a conversation for a claim`() throws {
        let paid = try scene.tell(.paymentSucceeded, payment("pi_1", ["customer": "cus_1"]))
        let other = try scene.tell(.userIdentified, ["user": "u_2", "customer": "cus_2"])
        let said = try scene.tell(.supportEscalated, ["payment": "pi_1"], user: "u_2")
        #expect(scene.root(of: said) == scene.root(of: other))
        #expect(scene.root(of: said) != scene.root(of: paid))
    }

    @Test func `takes no id from a declared type's field that is none`() {
        let event = scene.event(
            EventType("order_placed"), ["customer": "Ada Lovelace", "email": "a@b.example"], session: "s")
        let own = EventShape(EventType("order_placed"), fields: [.init("customer", .text)])
        let ids = EventShape(EventType("order_placed"), fields: [.init("customer", .id)])
        func kinds(_ shape: EventShape) -> [String] {
            EventIdentifiers(of: event, catalogue: EventCatalogue(declared: [shape])).own.map(\.kind.name)
        }
        #expect(kinds(own) == ["session", "email"])
        #expect(kinds(ids) == ["session", "customer", "email"])
    }

    @Test func `stops at the limit, with one alert, and goes on telling whose event it is`() throws {
        for index in 0..<Limits.identifiersPerSubjectMax + 20 {
            try scene.tell(.chatStarted, session: "s_\(index)", user: "u_1")
        }
        let root = try #require(scene.journal.order.first)
        #expect(scene.journal.order.count == 1)
        #expect(scene.journal.whole(root).count == Limits.identifiersPerSubjectMax)
        #expect(Set(scene.journal.alerts.map(\.key)) == ["subject_too_large:\(root)"])
        let other = try scene.tell(.chatStarted, session: "other")
        let joining = try scene.tell(.userIdentified, ["user": "u_1"], session: "other")
        #expect(scene.root(of: other) != root)
        #expect(scene.outcomes(of: joining).contains(.refused))
    }

    @Test func `lets no shared address grow a subject without end`() throws {
        for index in 0..<Limits.identifiersPerSubjectMax {
            try scene.tell(.leadCaptured, ["email": "info@example.com"], session: "s_\(index)")
        }
        let counts = scene.journal.order.filter { scene.journal.root(of: $0) == $0 }.map {
            scene.journal.whole($0).count
        }
        #expect(counts.filter { $0 > 2 } == [Limits.identifiersPerSubjectMax])
        #expect(!scene.journal.alerts.isEmpty)
    }

    @Test(arguments: 0..<300)
    func `by proven ids ends in the same subjects whatever the order`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let said = (0..<12).map { _ in
            (
                session: "s_\(Int.random(in: 0...7, using: &generator))",
                payment: Bool.random(using: &generator) ? "pi_\(Int.random(in: 0...7, using: &generator))" : nil
            )
        }
        func partition(_ order: [Int]) throws -> Set<Set<Int>> {
            let scene = Scene()
            var events: [Int: Event] = [:]
            for index in order {
                let data = said[index].payment.map { payment($0) } ?? [:]
                let type: EventType = data.isEmpty ? .chatStarted : .paymentSucceeded
                events[index] = try scene.tell(type, data, session: said[index].session)
            }
            return Set(Dictionary(grouping: order) { events[$0].flatMap { scene.root(of: $0) } }.values.map { Set($0) })
        }
        let order = Array(said.indices)
        #expect(try partition(order) == partition(order.shuffled(using: &generator)), "seed \(seed)")
    }
}
