internal import Journal
internal import Model
internal import Settings
internal import TestKit
internal import Testing

@Suite struct `A planned event` {
    @Test func `tells one payment once, however many events speak of it`() throws {
        let scene = Scene([.to("upsert_contact", on: .paymentSucceeded)])
        try scene.tell(.paymentSucceeded, payment(), role: .enriches)
        try scene.tell(
            .paymentSucceeded, payment("pi_1", ["charge": "ch_1", "email": "ada@example.com"]), role: .enriches)
        try scene.tell(.paymentSucceeded, payment("pi_1", ["customer": "cus_1"]))
        try scene.tell(.paymentSucceeded, payment("pi_1", ["invoice": "in_1"]), role: .enriches)
        try scene.tell(.paymentSucceeded, payment("pi_1", ["customer": "cus_1", "email": "ada@example.com"]))
        #expect(scene.journal.facts.values.filter { $0.type != nil }.map(\.key) == ["payment_succeeded:pi_1"])
        #expect(scene.journal.jobs.count == 1)
        #expect(scene.journal.jobs.first?.value.isWaiting == false)
        #expect(scene.journal.order.count == 1)
    }

    @Test func `wakes a waiting job when the checkout brings the address`() throws {
        let scene = Scene([.to("upsert_contact", on: .paymentSucceeded)])
        let paid = try scene.tell(.paymentSucceeded, payment())
        #expect(scene.outcomes(of: paid) == [.waiting])
        let job = try #require(scene.journal.jobs.values.first)
        #expect(job.new.waitsFor == .field("email"))
        #expect(job.new.waitsUntil == scene.time.now + .seconds(3600))
        try scene.tell(
            .checkoutCompleted, ["checkout": "cs_1", "payment": "pi_1", "email": "ada@example.com", "amount": 1])
        #expect(scene.journal.jobs.values.map(\.isWaiting) == [false])
        #expect(scene.journal.facts["payment:pi_1"]?.data["amount"] == nil)
    }

    @Test func `finds the address also where the checkout came first`() throws {
        let scene = Scene([.to("upsert_contact", on: .paymentSucceeded)])
        try scene.tell(.checkoutCompleted, ["checkout": "cs_1", "payment": "pi_1", "email": "ada@example.com"])
        let paid = try scene.tell(.paymentSucceeded, payment())
        #expect(scene.outcomes(of: paid) == [.planned])
    }

    @Test func `starts a flow whose condition lacked what a later event brings`() throws {
        let hasEmail = Condition.all([.init(path: Path(steps: ["email"]), test: .exists(true))])
        let scene = Scene([.to("notify", on: .paymentSucceeded, when: hasEmail)])
        let paid = try scene.tell(.paymentSucceeded, payment())
        #expect(scene.outcomes(of: paid) == [.conditionFailed])
        let charge = try scene.tell(
            .paymentSucceeded, payment("pi_1", ["email": "ada@example.com"]), role: .enriches)
        #expect(scene.outcomes(of: charge) == [.planned])
        #expect(scene.journal.jobs.values.map(\.new.event) == [paid.id])
    }

    @Test func `does not start an old fact's flow because something was added to it long after`() throws {
        let hasEmail = Condition.all([.init(path: Path(steps: ["email"]), test: .exists(true))])
        let scene = Scene([.to("notify", on: .paymentSucceeded, when: hasEmail)])
        try scene.tell(.paymentSucceeded, payment())
        scene.time.advance(by: .seconds(3601))
        try scene.tell(.paymentSucceeded, payment("pi_1", ["email": "ada@example.com"]), role: .enriches)
        #expect(scene.journal.jobs.isEmpty)
    }

    @Test func `wakes the job of an event without a fact when its person becomes known`() throws {
        let fromSubject = Flow.Assignment(name: "email", value: .path(Path(root: .subject, steps: ["email"])))
        let scene = Scene([.to("upsert_contact", on: .supportEscalated, set: [fromSubject])])
        try scene.tell(.supportEscalated, ["reason": "angry"], session: "s_1")
        #expect(scene.journal.jobs.values.map(\.isWaiting) == [true])
        try scene.tell(.leadCaptured, ["email": "ada@example.com"], session: "s_1")
        #expect(scene.journal.jobs.values.map(\.isWaiting) == [false])
    }

    @Test func `sets no payment status from a failure that is older than a success`() throws {
        let more: JSONObject = ["email": "ada@example.com", "customer": "cus_1"]
        let scene = Scene([
            .to("set_payment_status", on: .paymentFailed, id: "failed"),
            .to("set_payment_status", on: .paymentSucceeded, id: "paid"),
            .to("notify", on: .paymentFailed, id: "notice"),
        ])
        try scene.tell(.paymentSucceeded, payment("pi_1", more), at: 60)
        let failure = try scene.tell(.paymentFailed, payment("pi_1", more), at: 0)
        #expect(scene.outcomes(of: failure) == [.stale, .planned])
        #expect(
            scene.journal.jobs.keys.map(\.text).sorted() == [
                "notice/crm.notify/payment_failed:pi_1:\(failure.externalID)/0",
                "paid/crm.set_payment_status/payment_succeeded:pi_1/0",
            ])
        let root = try #require(scene.root(of: failure))
        #expect(scene.journal.state(of: root).registers["payment"]?.fields["status"] == "succeeded")
    }

    @Test func `changes nothing when it is planned again`() throws {
        let scene = Scene([
            .to("set_payment_status", on: .paymentSucceeded), .to("notify", on: .supportEscalated, id: "notice"),
        ])
        let paid = try scene.tell(.paymentSucceeded, payment("pi_1", ["email": "ada@example.com"]))
        let escalated = try scene.tell(.supportEscalated, ["message": "help"], session: "s_1")
        let (facts, jobs) = (scene.journal.facts, scene.journal.jobs.mapValues(\.new))
        let (states, links) = (scene.journal.subjects.mapValues(\.state), scene.journal.links)
        let identifiers = scene.journal.subjects.mapValues(\.identifiers)
        try scene.plan(paid)
        try scene.plan(escalated)
        #expect(scene.outcomes(of: paid) == [.planned, .known])
        #expect(scene.journal.facts == facts)
        #expect(scene.journal.jobs.mapValues(\.new) == jobs)
        #expect(scene.journal.links == links)
        #expect(scene.journal.subjects.mapValues(\.state) == states)
        #expect(scene.journal.subjects.mapValues(\.identifiers) == identifiers)
    }

    @Test func `says what a flow in shadow would do, once, and without a person's data`() throws {
        let scene = Scene([.to("upsert_contact", on: .paymentSucceeded, rollout: .shadow)])
        let paid = try scene.tell(.paymentSucceeded, payment("pi_1", ["email": "ada@example.com"]))
        try scene.tell(.paymentSucceeded, payment("pi_1", ["customer": "cus_1"]), role: .enriches)
        #expect(scene.journal.jobs.isEmpty)
        #expect(scene.journal.decisions.map(\.outcome) == [.shadow])
        #expect(scene.journal.decisions.first?.event == paid.id)
        #expect(scene.journal.decisions.first?.detail == "would call crm.upsert_contact with email")
    }

    @Test func `is told where no flow listens, is off or knows no such action`() throws {
        let scene = Scene([
            .to("notify", on: .leadCaptured, rollout: .off), .to("dance", on: .ticketCreated, id: "dance"),
        ])
        #expect(scene.outcomes(of: try scene.tell(.chatStarted, session: "s_1")) == [.noFlow])
        #expect(scene.outcomes(of: try scene.tell(.leadCaptured, ["email": "a@b.example"])) == [.off])
        #expect(scene.outcomes(of: try scene.tell(.ticketCreated, ["ticket": "8"])) == [.refused])
    }

    @Test func `makes no more effects than the limit`() throws {
        let flows = (0..<Limits.effectsPerEventMax + 3).map { Flow.to("notify", on: .chatStarted, id: "flow \($0)") }
        let scene = Scene(flows)
        let event = try scene.tell(.chatStarted, session: "s_1")
        #expect(scene.journal.jobs.count == Limits.effectsPerEventMax)
        #expect(scene.outcomes(of: event).count { $0 == .refused } == 3)
        #expect(Set(scene.journal.alerts.map(\.key)) == ["too_many_effects:chat_started"])
    }

    @Test(arguments: LaneOrder.allCases)
    func `puts its job into the lane that its destination asks for`(order: LaneOrder) throws {
        let scene = Scene([.to("notify", on: .paymentSucceeded, after: .seconds(60))], order: order)
        let paid = try scene.tell(.paymentSucceeded, payment())
        let job = try #require(scene.journal.jobs.values.first?.new)
        let expected: [LaneOrder: String?] = [
            .subject: scene.root(of: paid)?.description, .object: "payment:pi_1", .none: nil,
        ]
        #expect(job.lane == expected[order] ?? nil)
        #expect(job.startsAt == scene.time.now + .seconds(60))
    }
}
