import Journal
import Model
import Testing

@Suite struct `A claimed job` {
    @Test(arguments: Store.all) func `reads what is around it beside many others, each its own`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        var subjects: [JobID: SubjectID] = [:]
        for _ in 0..<20 {
            let subject = try await bench.subject()
            subjects[try await bench.job(subject)] = subject
        }
        let journal = bench.journal
        let seen = try await withThrowingTaskGroup(of: (JobID, SubjectID?).self) { group in
            for job in Array(subjects.keys) + (0..<5).map({ _ in bench.id() }) {
                group.addTask { (job, try await journal.surroundings(of: job)?.subject.id) }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        #expect(seen == subjects, "and nothing of jobs that are not there")
    }

    @Test(arguments: Store.all) func `refuses a settlement with an old token`(store: Store) async throws {
        let bench = try await Bench(store)
        let job = try await bench.job(try await bench.subject())
        let old = try #require(await bench.claim().first)
        #expect(try await bench.journal.rescueRunning(now: start) == 1)
        let new = try #require(await bench.claim().first)
        #expect(new.token > old.token)
        #expect(try await bench.settle(old, .dead, outcome: .permanent).refused == [job])
        #expect(try await bench.state(job) == .running)
        #expect(try await bench.settle(new, .completed(nil, supersedesUpTo: nil)).refused.isEmpty)
        #expect(try await bench.settle(new, .dead, outcome: .permanent).refused == [job])
        #expect(try await bench.state(job) == .completed)
    }

    @Test(arguments: Store.all) func `is available again after its owner is lost, with an unknown attempt`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        let job = try await bench.job(try await bench.subject())
        _ = try await bench.claim()
        let next = try await bench.reopened()
        let later = start + .seconds(9)
        #expect(try await next.journal.rescueRunning(now: later) == 1)
        let claimed = try #require(await next.claim(at: later).first)
        #expect(claimed.unknownSince == later)
        #expect(claimed.firstAttemptAt == start)
        #expect(claimed.attempts == 1)
        #expect(try await next.journal.job(job)?.attempts.map { $0.end == nil } == [true, true])
    }

    @Test(arguments: Store.all) func `stays unknown through answers that tell nothing of the lost call`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        try await bench.job(try await bench.subject())
        var claimed = try #require(await bench.claim().first)
        try await bench.settle(claimed, .retry(at: start, isSpent: true), outcome: .unknown)
        for outcome in [AttemptEnd.Outcome.slowDown, .transient, .notMade] {
            claimed = try #require(await bench.claim().first)
            #expect(claimed.unknownSince == start)
            try await bench.settle(claimed, .retry(at: start, isSpent: false), outcome: outcome)
        }
        claimed = try #require(await bench.claim().first)
        try await bench.settle(claimed, .completed(nil, supersedesUpTo: nil))
        #expect(try await bench.journal.job(claimed.id)?.row.isUnknown == false)
    }

    @Test(arguments: Store.all) func `counts only attempts that were spent, and none that was not made`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        let job = try await bench.job(try await bench.subject())
        let outcomes: [(AttemptEnd.Outcome, Bool)] = [
            (.notMade, false), (.slowDown, false), (.transient, true), (.credentials, false), (.unknown, true),
        ]
        for (outcome, isSpent) in outcomes {
            let claimed = try #require(await bench.claim().first)
            try await bench.settle(claimed, .retry(at: start, isSpent: isSpent), outcome: outcome)
        }
        let detail = try #require(await bench.journal.job(job))
        #expect(detail.row.attempts == 2)
        #expect(detail.attempts.compactMap(\.end?.outcome) == [.slowDown, .transient, .credentials, .unknown])
    }

    @Test(arguments: Store.all) func `keeps the first rendering of its request`(store: Store) async throws {
        let bench = try await Bench(store)
        try await bench.job(try await bench.subject())
        let claimed = try #require(await bench.claim().first)
        let request = StoredRequest(method: "POST", path: "/a", body: [0, 1, 255], renderedAt: start)
        #expect(try await bench.journal.keepRequest(request, of: claimed.id, token: claimed.token))
        var other = request
        other.path = "/b"
        #expect(try await bench.journal.keepRequest(other, of: claimed.id, token: claimed.token))
        #expect(try await !bench.journal.keepRequest(other, of: claimed.id, token: claimed.token - 1))
        try await bench.settle(claimed, .retry(at: start, isSpent: true), outcome: .unknown)
        #expect(try await bench.claim().first?.request == request)
    }

    @Test(arguments: Store.all) func `that waits for a field goes again at once where its fact was told anew meanwhile`(
        store: Store
    ) async throws {
        let bench = try await Bench(store)
        let subject = try await bench.subject()
        let fact = Fact(
            key: "payment_succeeded:pi_1", type: .paymentSucceeded, object: "payment:pi_1", subject: subject,
            event: bench.id(), occurredAt: start, data: ["amount": 1])
        let job = try await bench.job(subject, fact: fact.key)
        try await bench.receive(bench.event())
        try await bench.plan { _, tx in try tx.putFact(fact) }
        let claimed = try #require(await bench.claim().first)
        try await bench.receive(bench.event())
        try await bench.plan { event, tx in
            try tx.putFact(
                Fact(
                    key: "payment:pi_1", type: nil, object: "payment:pi_1", subject: subject, event: event.id,
                    occurredAt: start, data: ["email": "a@b.c"]))
        }
        try await bench.settle(claimed, .waiting(.field("email"), until: start + .seconds(60)), outcome: .notMade)
        let again = try #require(await bench.claim().first)
        let surroundings = try #require(await bench.journal.surroundings(of: job))
        #expect(surroundings.data == ["amount": 1, "email": "a@b.c"])
        try await bench.settle(again, .waiting(.field("phone"), until: start + .seconds(60)), outcome: .notMade)
        #expect(try await bench.journal.job(job)?.row.waitsFor == .field("phone"))
    }

    @Test(arguments: Store.all) func `dies with the field named when its wait runs out`(store: Store) async throws {
        let bench = try await Bench(store)
        let job = try await bench.job(try await bench.subject(), waitsFor: .field("email"))
        #expect(try await bench.journal.expireWaits(now: start + .seconds(3599)) == 0)
        #expect(try await bench.journal.expireWaits(now: start + .seconds(3600)) == 1)
        let row = try #require(await bench.journal.job(job)).row
        #expect(row.state == .dead)
        #expect(row.errorClass == "missing_field")
        #expect(row.note?.contains("`email`") == true)
    }
}

@Suite struct `A claim` {
    @Test(arguments: Store.all) func `takes the higher priority first and the older among equals`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        let subject = try await bench.subject()
        let low = try await bench.job(subject, lane: .some(nil))
        let second = try await bench.job(subject, lane: .some(nil))
        let high = try await bench.job(subject, lane: .some(nil), priority: 5)
        #expect(try await bench.claim(limit: 2).map(\.id) == [high, low])
        #expect(try await bench.claim().map(\.id) == [second])
    }

    @Test(arguments: Store.all) func `leaves a later start until it is due and says when that is`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        let due = start + .seconds(90)
        let job = try await bench.job(try await bench.subject(), at: due)
        let exchange = try await bench.journal.exchange(
            [], claims: [ClaimRequest(destination: "crm", limit: 1)], node: "n", now: start)
        #expect(exchange.claimed.isEmpty)
        #expect(exchange.nextDue == due)
        #expect(try await bench.claim(at: due).map(\.id) == [job])
    }

    @Test(arguments: Store.all) func `passes over a paused destination, whose pause by a person stands`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        let job = try await bench.job(try await bench.subject())
        let person = Pause(cause: .person, reason: "maintenance", since: start)
        try await bench.journal.setPause(person, of: "crm", now: start)
        try await bench.journal.setPause(Pause(cause: .credentials, reason: "401", since: start), of: "crm", now: start)
        #expect(try await bench.journal.pauses() == ["crm": person])
        #expect(try await bench.claim().isEmpty)
        #expect(try await bench.state(job) == .available)
        try await bench.journal.setPause(nil, of: "crm", now: start)
        #expect(try await bench.claim().map(\.id) == [job])
    }

    @Test(arguments: Store.all) func `opens one alert a key until it ends`(store: Store) async throws {
        let bench = try await Bench(store)
        let alert = NewAlert(key: "k", title: "t", detail: "first", at: start)
        try await bench.journal.openAlert(alert)
        var again = alert
        again.detail = "second"
        again.at = start + .seconds(5)
        try await bench.journal.openAlert(again)
        let open = try await bench.journal.alerts(openOnly: true, page: PageRequest()).items
        #expect(open.map(\.alert.detail) == ["second"])
        #expect(open.map(\.alert.at) == [start])
        try await bench.journal.endAlert(key: "k", at: start + .seconds(9))
        #expect(try await bench.journal.alerts(openOnly: true, page: PageRequest()).items.isEmpty)
        try await bench.journal.openAlert(again)
        let all = try await bench.journal.alerts(openOnly: false, page: PageRequest()).items
        #expect(all.count == 2)
        #expect(Set(all.map(\.id)).count == 2)
    }
}

@Suite struct `Payments around a job` {
    @Test(arguments: Store.all) func `show the newest thing told of each, and what only an address ties to the subject`(
        store: Store
    ) async throws {
        let bench = try await Bench(store)
        let through = SubjectIdentifier(.email, "a@b.c", .claimed)
        let (mine, stranger) = (try await bench.subject(through), try await bench.subject(through))
        let job = try await bench.job(mine)
        try await bench.receive(bench.event())
        try await bench.plan { event, tx in
            let told: [(EventType, String, Int64, SubjectID)] = [
                (.paymentSucceeded, "pi_1", 100, mine), (.paymentFailed, "pi_1", 100, mine),
                (.paymentSucceeded, "pi_2", 200, stranger), (.paymentRefunded, "pi_2", 201, stranger),
            ]
            for (type, payment, second, subject) in told {
                try tx.putFact(
                    Fact(
                        key: "\(type):\(payment)", type: type, object: "payment:\(payment)", subject: subject,
                        event: event.id, occurredAt: Instant(seconds: second),
                        data: ["payment": .string(payment), "amount": 500, "currency": "usd"]))
            }
            try tx.join(
                SubjectJoin(child: stranger, root: mine, basis: .claimed, through: through), event: event.id, at: start)
        }
        let payments = try #require(await bench.journal.surroundings(of: job)).payments
        let money = Money(amount: 500, currency: "usd")
        #expect(
            payments == [
                PaymentView(
                    payment: "pi_2", status: "refunded", money: money, at: Instant(seconds: 201), isProven: false),
                PaymentView(
                    payment: "pi_1", status: "succeeded", money: money, at: Instant(seconds: 100), isProven: true),
            ])
    }
}
