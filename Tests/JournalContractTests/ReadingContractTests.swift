import Journal
import Model
import Testing

@Suite struct `A search` {
    @Test(arguments: Store.all) func `finds a subject by every id that it has`(store: Store) async throws {
        let bench = try await Bench(store)
        let email = SubjectIdentifier(.email, "ada@example.com", .claimed)
        let subject = try await bench.subject(email, SubjectIdentifier(.user, "u:1", .proven))
        let job = try await bench.job(subject)
        let claimed = try #require(await bench.claim().first)
        try await bench.settle(claimed, .completed(ExternalRecord(kind: "contact", id: "512"), supersedesUpTo: nil))
        let event = try #require(await bench.journal.job(job)).row.event
        let external = try #require(await bench.journal.event(event)).row.event.externalID
        let forms = [
            "ada@example.com", " Ada@Example.com ", "email:ada@example.com", "u:1", "user:u:1", "512", "crm:512",
            "contact:512", job.description, event.description, external, subject.description,
        ]
        for form in forms {
            let found = try await bench.journal.subjects(matching: form)
            #expect(found.map(\.root) == [subject], "\(form)")
            #expect(found.first?.records.map(\.record.id) == ["512"])
        }
        for form in ["", "513", "desk:512", "phone:ada@example.com", "%", JobID(at: start, random: (1, 2)).description]
        {
            #expect(try await bench.journal.subjects(matching: form).isEmpty, "\(form)")
        }
    }

    @Test(arguments: Store.all) func `lists every subject that shares an address, the oldest first`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        let email = SubjectIdentifier(.email, "info@example.com", .claimed)
        let subjects = [try await bench.subject(email), try await bench.subject(email)]
        #expect(try await bench.journal.subjects(matching: email.value).map(\.root) == subjects)
    }

    @Test(arguments: Store.all) func `finds events that are not planned yet`(store: Store) async throws {
        let bench = try await Bench(store)
        let event = bench.event(external: "evt_9", session: "s9", data: ["email": "Ada@example.com"])
        try await bench.receive(event, bench.event(session: "other"))
        for form in ["s9", "session:s9", "evt_9", "ada@example.com", "email:ada@example.com", event.id.description] {
            #expect(try await bench.journal.pendingEvents(matching: form).map(\.event.id) == [event.id], "\(form)")
        }
        #expect(try await bench.journal.pendingEvents(matching: "s8").isEmpty)
    }
}

@Suite struct `Lists` {
    @Test(arguments: Store.all) func `go on from page to page without a gap or a repeat`(store: Store) async throws {
        let bench = try await Bench(store)
        var events: [EventID] = []
        for _ in 0..<7 {
            let event = bench.event()
            try await bench.receive(event)
            events.append(event.id)
        }
        var (listed, cursor): ([EventID], String?) = ([], nil)
        repeat {
            let page = try await bench.journal.events(EventFilter(), page: PageRequest(limit: 3, cursor: cursor))
            listed += page.items.map(\.event.id)
            cursor = page.next
        } while cursor != nil
        #expect(listed == events.reversed())
        let tail = try await bench.journal.events(EventFilter(after: events[4]), page: PageRequest()).items
        #expect(tail.map(\.event.id) == Array(events[5...]))
        let wrong = await failure {
            _ = try await bench.journal.events(EventFilter(), page: PageRequest(cursor: "x"))
        }
        #expect(wrong?.code == .invalid)
    }

    @Test(arguments: Store.all) func `filter events and jobs`(store: Store) async throws {
        let bench = try await Bench(store)
        let payment = bench.event(.paymentSucceeded, source: "stripe", at: start + .seconds(60))
        try await bench.receive(bench.event(), payment)
        let filters = [
            EventFilter(source: "stripe"), EventFilter(type: .paymentSucceeded),
            EventFilter(since: start + .seconds(1)),
        ]
        for filter in filters {
            #expect(try await bench.journal.events(filter, page: PageRequest()).items.map(\.event) == [payment])
        }
        let subject = try await bench.subject()
        let (done, open) = (try await bench.job(subject), try await bench.job(subject, destination: "desk"))
        try await bench.settle(try #require(await bench.claim().first), .completed(nil, supersedesUpTo: nil))
        func jobs(_ filter: JobFilter) async throws -> [JobID] {
            try await bench.journal.jobs(filter, page: PageRequest()).items.map(\.id)
        }
        #expect(try await jobs(JobFilter()) == [open, done])
        #expect(try await jobs(JobFilter(states: [.completed])) == [done])
        #expect(try await jobs(JobFilter(states: [.available, .dead])) == [open])
        #expect(try await jobs(JobFilter(destination: "crm")) == [done])
        #expect(try await jobs(JobFilter(flow: "none")).isEmpty)
    }

    @Test func `page through one destination's open jobs, the newest first, however many there are`() async throws {
        let bench = try await Bench()
        let (event, subject) = (bench.event(), try await bench.subject())
        let jobs = (0..<10_040).map { _ in bench.newJob(subject, of: event.id, lane: nil) }
        try await bench.receive(event)
        try await bench.plan { _, tx in
            for job in jobs { try tx.insert(job, at: start) }
        }
        let elsewhere = try await bench.job(subject, destination: "desk")
        let filter = JobFilter(states: [.available, .held], destination: "crm")
        let first = try await bench.journal.jobs(filter, page: PageRequest(limit: 30))
        #expect(first.items.map(\.id) == jobs.suffix(30).reversed().map(\.id))
        let second = try await bench.journal.jobs(filter, page: PageRequest(limit: 30, cursor: first.next))
        #expect(second.items.map(\.id) == jobs.dropLast(30).suffix(30).reversed().map(\.id))
        let desk = JobFilter(states: [.available], destination: "desk")
        #expect(try await bench.journal.jobs(desk, page: PageRequest()).items.map(\.id) == [elsewhere])
    }

    @Test(arguments: Store.all) func `group dead jobs by cause with the newest words`(store: Store) async throws {
        let bench = try await Bench(store)
        for index in 0..<3 {
            try await bench.job(try await bench.subject())
            let claimed = try #require(await bench.claim().first)
            let end = AttemptEnd(
                outcome: .permanent, endedAt: start, durationMilliseconds: 1, status: 400,
                errorClass: index == 0 ? "gone" : "bad", error: "words \(index)")
            _ = try await bench.journal.exchange(
                [Settlement(job: claimed.id, token: claimed.token, result: .dead, attempt: end)], claims: [], node: "n",
                now: start + .seconds(Int64(index)))
        }
        let groups = try await bench.journal.deadGroups(JobFilter())
        #expect(groups.map(\.errorClass) == ["bad", "gone"])
        #expect(
            groups.first
                == DeadGroup(
                    destination: "crm", action: "upsert", errorClass: "bad", error: "words 2", count: 2,
                    first: start + .seconds(1), last: start + .seconds(2)))
    }

    @Test(arguments: Store.all) func `count for the first page`(store: Store) async throws {
        let bench = try await Bench(store)
        let subject = try await bench.subject()
        _ = (
            try await bench.job(subject), try await bench.job(subject),
            try await bench.job(subject, destination: "desk")
        )
        try await bench.settle(try #require(await bench.claim().first), .dead, outcome: .permanent)
        try await bench.receive(bench.event(at: start + .seconds(7200)))
        _ = try await bench.journal.append([.kept(bench.kept("d1"))])
        let figures = try await bench.journal.figures(now: start + .seconds(7200))
        #expect(figures.pending == 1)
        #expect(figures.openJobs == ["crm": [.available: 1], "desk": [.available: 1]])
        #expect(figures.dead == 1)
        #expect(figures.quarantined == 1)
        #expect(figures.eventsLastHour == 1)
        #expect(figures.deadLastHour == 0)
        #expect(figures.lastEventAt == start + .seconds(7200))
        #expect(try await bench.journal.figures(now: start).deadLastHour == 1)
    }

    @Test(arguments: Store.all) func `tell one subject's story, cut at the newest`(store: Store) async throws {
        let bench = try await Bench(store)
        let subject = try await bench.subject()
        let jobs = [try await bench.job(subject), try await bench.job(subject)]
        _ = try await bench.claim()
        let whole = try await bench.journal.story(of: subject, limit: 10)
        #expect(whole.events.count == 3)
        #expect(whole.jobs.map(\.id) == jobs)
        #expect(whole.attempts.map(\.job) == [jobs[0]])
        #expect(!whole.isCut)
        let cut = try await bench.journal.story(of: subject, limit: 1)
        #expect(cut.jobs.map(\.id) == [jobs[1]])
        #expect(cut.isCut)
    }
}
