import Journal
import Model
import Testing

@Suite struct `A person` {
    /// Three dead jobs, one of them with an unknown end, and one that completed.
    private func deadJobs(_ bench: Bench) async throws -> [JobID] {
        var jobs: [JobID] = []
        for index in 0..<4 {
            let job = try await bench.job(try await bench.subject(), destination: index == 2 ? "desk" : "crm")
            let claimed = try #require(await bench.claim(index == 2 ? "desk" : "crm").first)
            let end = AttemptEnd(
                outcome: index == 3 ? .succeeded : index == 0 ? .unknown : .permanent, endedAt: start,
                durationMilliseconds: 1, status: 400, errorClass: "http_400", error: "bad \(index)")
            _ = try await bench.journal.exchange(
                [
                    Settlement(
                        job: job, token: claimed.token,
                        result: index == 3 ? .completed(nil, supersedesUpTo: nil) : .dead, attempt: end)
                ], claims: [], node: "n", now: start + .seconds(Int64(index)))
            jobs.append(job)
        }
        return jobs
    }

    @Test(arguments: Store.all) func `sees what a bulk retry would do, does it in slices and finds it in the audit`(
        store: Store
    ) async throws {
        let bench = try await Bench(store)
        let jobs = try await deadJobs(bench)
        let plan = try await bench.journal.bulkPlan(.retry, JobFilter())
        #expect(
            plan
                == BulkPlan(
                    action: .retry, count: 3, byDestination: ["crm": 2, "desk": 1], byErrorClass: ["http_400": 3],
                    unknown: 1, untouched: 1))
        let filter = JobFilter(destination: "crm")
        #expect(try await bench.journal.bulk(.retry, filter, limit: 1, by: "ada", now: start) == 1)
        #expect(try await bench.state(jobs[0]) == .available)
        #expect(try await bench.state(jobs[1]) == .dead)
        #expect(try await bench.journal.bulk(.retry, filter, limit: 5, by: "ada", now: start) == 1)
        #expect(try await bench.journal.bulk(.retry, filter, limit: 5, by: "ada", now: start) == 0)
        let audit = try await bench.journal.audit(page: PageRequest()).items
        #expect(audit.map(\.action) == ["jobs.retry", "jobs.retry"])
        #expect(audit.allSatisfy { $0.actor == "ada" && $0.target == "destination=crm" })
        // The lost call may have happened: what looks for it must still know.
        #expect(try await bench.claim().map(\.unknownSince) == [start, nil])
    }

    @Test(arguments: Store.all) func `sets quarantined deliveries aside, once, and no others`(store: Store) async throws
    {
        let bench = try await Bench(store)
        func keep(_ kind: KeptDelivery.Kind, _ external: String) async throws -> QuarantineID {
            let id: QuarantineID = bench.id()
            _ = try await bench.journal.append([
                .kept(
                    KeptDelivery(
                        id: id, kind: kind, source: "chat", externalID: external, code: "unknown_type", reason: "",
                        receivedAt: start, payload: []))
            ])
            return id
        }
        let ids = [
            try await keep(.quarantined, "a"), try await keep(.quarantined, "b"), try await keep(.unplannable, "c"),
            try await keep(.quarantined, "d"),
        ]
        // The like of one is there already.
        _ = try await keep(.ignored, "d")
        #expect(try await bench.journal.setAside(ids, by: "ada", now: start) == 2)
        #expect(try await bench.journal.setAside(ids, by: "ada", now: start) == 0)
        #expect(try await bench.journal.keptDelivery(ids[0])?.kind == .ignored)
        #expect(try await bench.journal.keptDelivery(ids[2])?.kind == .unplannable)
        #expect(try await bench.journal.figures(now: start).quarantined == 1)
        #expect(
            try await bench.journal.audit(page: PageRequest()).items.map(\.action) == ["quarantine.set_aside"])
    }

    @Test(arguments: Store.all) func `gives dead jobs up in bulk where they are asked for by name`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        let jobs = try await deadJobs(bench)
        #expect(try await bench.journal.bulkPlan(.cancel, JobFilter()).count == 0)
        let filter = JobFilter(states: [.dead], destination: "crm")
        #expect(try await bench.journal.bulkPlan(.cancel, filter).count == 2)
        #expect(try await bench.journal.bulk(.cancel, filter, limit: 10, by: "ada", now: start) == 2)
        #expect(try await bench.state(jobs[0]) == .cancelled)
        #expect(try await bench.journal.figures(now: start).dead == 1)
    }

    @Test(arguments: Store.all) func `cancels what is open and not what runs or has ended`(store: Store) async throws {
        let bench = try await Bench(store)
        let subject = try await bench.subject()
        let (running, behind) = (try await bench.job(subject), try await bench.job(subject))
        _ = try await bench.claim()
        #expect(try await bench.journal.bulk(.cancel, JobFilter(), limit: 10, by: "ada", now: start) == 1)
        #expect(try await bench.state(running) == .running)
        let row = try #require(await bench.journal.job(behind)).row
        #expect(row.state == .cancelled)
        #expect(row.note == "cancelled by ada")
        let refused = await failure { try await bench.journal.change(behind, .retry, by: "ada", now: start) }
        #expect(refused?.code == .conflict)
        #expect(refused?.message.contains("cancelled") == true)
        let missing = await failure { try await bench.journal.change(bench.id(), .retry, by: "ada", now: start) }
        #expect(missing?.code == .notFound)
    }

    @Test(arguments: Store.all) func `decides about a held job, which is not held again for the same attempt`(
        store: Store
    ) async throws {
        let bench = try await Bench(store)
        let job = try await bench.job(try await bench.subject())
        try await bench.settle(try #require(await bench.claim().first), .held, outcome: .unknown)
        #expect(try await bench.state(job) == .held)
        #expect(try await bench.claim().isEmpty)
        try await bench.journal.change(job, .retry, by: "ada", now: start)
        let claimed = try #require(await bench.claim().first)
        #expect(claimed.unknownSince == nil)
        #expect(claimed.attempts == 0)
    }

    @Test(arguments: Store.all) func `repeats an event's jobs as a new generation, each once`(store: Store) async throws
    {
        let bench = try await Bench(store)
        let job = try await bench.job(try await bench.subject())
        let row = try #require(await bench.journal.job(job)).row
        try await bench.settle(try #require(await bench.claim().first), .completed(nil, supersedesUpTo: nil))
        #expect(try await bench.journal.replayPlan(row.event).completed.map(\.id) == [job])
        for generation in 1...2 {
            _ = try await bench.journal.replay(
                row.event, repeating: true, mint: { bench.id() }, by: "ada", now: start)
            let claimed = try await bench.claim()
            #expect(claimed.map(\.effect.text) == [row.effect.text.dropLast(1) + "\(generation)"])
            try await bench.settle(claimed[0], .completed(nil, supersedesUpTo: nil))
        }
        #expect(try await bench.journal.event(row.event)?.row.isPending == true)
        _ = try await bench.journal.replay(row.event, repeating: false, mint: { bench.id() }, by: "ada", now: start)
        #expect(try await bench.claim().isEmpty)
    }

    @Test(arguments: Store.all) func `keeps keys and users`(store: Store) async throws {
        let bench = try await Bench(store)
        let key = KeyRow(shown: "abcd1234", scope: .ingest, source: "chat", createdAt: start)
        try await bench.journal.insertKey(key, hash: [1, 2], by: "cli")
        let clash = await failure { try await bench.journal.insertKey(key, hash: [3], by: "cli") }
        #expect(clash?.code == .conflict)
        let found = try #require(await bench.journal.key(shown: "abcd1234"))
        #expect(found.row == key)
        #expect(found.hash == [1, 2])
        #expect(try await bench.journal.revokeKey(shown: "abcd1234", by: "cli", now: start))
        #expect(try await !bench.journal.revokeKey(shown: "abcd1234", by: "cli", now: start))
        #expect(try await bench.journal.key(shown: "abcd1234") == nil)
        #expect(try await bench.journal.keys().map(\.revokedAt) == [start])
        let user = UserRow(email: "ada@example.com", role: .reader, createdAt: start)
        try await bench.journal.putUser(user, passwordHash: "x", by: "cli")
        var admin = user
        admin.role = .admin
        try await bench.journal.putUser(admin, passwordHash: "y", by: "cli")
        let read = try #require(await bench.journal.user(email: user.email))
        #expect(read.row == admin)
        #expect(read.passwordHash == "y")
        #expect(try await bench.journal.users() == [admin])
        #expect(try await bench.journal.removeUser(email: user.email, by: "cli", now: start))
        #expect(try await bench.journal.users().isEmpty)
    }
}

@Suite struct `Erasing a person` {
    @Test(arguments: Store.all) func `takes the dead jobs out of reach of a bulk retry`(store: Store) async throws {
        let bench = try await Bench(store)
        let subject = try await bench.subject()
        let job = try await bench.job(subject)
        try await bench.settle(try #require(await bench.claim().first), .dead, outcome: .permanent)
        _ = try await bench.journal.forget(subject, by: "ada", now: start)
        #expect(try await bench.journal.bulkPlan(.retry, JobFilter()).count == 0)
        #expect(try await bench.journal.bulk(.retry, JobFilter(), limit: 5, by: "ada", now: start) == 0)
        #expect(await failure { try await bench.journal.change(job, .retry, by: "ada", now: start) }?.code == .conflict)
    }

    /// Whatever came of the attempt that was under way.
    @Test(arguments: Store.all) func `ends what runs for them with its attempt, and calls nobody again`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        let endings: [(Settlement.Result, AttemptEnd.Outcome, JobState)] = [
            (.retry(at: start, isSpent: true), .unknown, .cancelled),
            (.retry(at: start, isSpent: false), .notMade, .cancelled),
            (.waiting(.field("phone"), until: start + .seconds(60)), .notMade, .cancelled),
            (.held, .unknown, .cancelled), (.dead, .permanent, .cancelled),
            (.completed(nil, supersedesUpTo: nil), .succeeded, .completed),
        ]
        for (result, outcome, state) in endings {
            let subject = try await bench.subject()
            let job = try await bench.job(subject)
            let running = try #require(await bench.claim().first)
            _ = try await bench.journal.forget(subject, by: "ada", now: start)
            #expect(try await bench.settle(running, result, outcome: outcome).refused.isEmpty)
            #expect(try await bench.state(job) == state, "\(result)")
            #expect(try await bench.claim(at: start + .seconds(3600)).isEmpty, "\(result)")
        }
        let subject = try await bench.subject()
        let job = try await bench.job(subject)
        _ = try #require(await bench.claim().first)
        _ = try await bench.journal.forget(subject, by: "ada", now: start)
        #expect(try await bench.journal.rescueRunning(now: start) == 1)
        #expect(try await bench.state(job) == .cancelled)
        #expect(try await bench.claim(at: start + .seconds(3600)).isEmpty)
    }

    @Test(arguments: Store.all) func `waits for what of theirs is not planned yet, and for nobody else's`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        let ada = try await bench.subject(
            SubjectIdentifier(.email, "ada@example.com", .claimed), SubjectIdentifier(.session, "sess_ada", .proven))
        try await bench.receive(bench.event(.leadCaptured, external: "evt_2", data: ["email": "jo.ada@example.com"]))
        let late = bench.event(.leadCaptured, external: "evt_3", data: ["email": "ada@example.com"])
        try await bench.receive(late)
        let refused = await failure { _ = try await bench.journal.forget(ada, by: "ada", now: start) }
        #expect(refused?.code == .conflict && refused?.message.contains("1 event") == true)
        #expect(try await !bench.journal.subjects(matching: "ada@example.com").isEmpty)
        try await bench.plan { event, tx in if event.id == late.id { try tx.assign(event.id, to: ada) } }
        #expect(try await bench.journal.forget(ada, by: "ada", now: start).events == 2)
    }

    @Test(arguments: Store.all) func `finds what is kept of them by any of very many names`(store: Store) async throws {
        let bench = try await Bench(store)
        let ada = try await bench.subject(SubjectIdentifier(.email, "ada@example.com", .claimed))
        for number in 0..<120 {
            let event = bench.event(
                .leadCaptured, external: "evt_\(number)", data: ["email": .string("ada.\(number)@example.com")])
            try await bench.receive(event)
            try await bench.plan { event, tx in try tx.assign(event.id, to: ada) }
        }
        for (number, name) in ["ada.0", "ada.119", "ada.120", "no.ada.7"].enumerated() {
            _ = try await bench.journal.append([
                .kept(
                    KeptDelivery(
                        id: bench.id(), kind: .quarantined, source: "chat", externalID: "kept_\(number)",
                        code: "invalid_json", reason: "", receivedAt: start,
                        payload: Array("{\"to\":\"\(name)@example.com\"}".utf8)))
            ])
        }
        #expect(try await bench.journal.forgetPlan(ada).kept == 2)
        #expect(try await bench.journal.forget(ada, by: "ada", now: start).kept == 2)
    }

    @Test(arguments: Store.all) func `leaves nothing that a search finds, and keeps duplicates out`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        let ids = [
            SubjectIdentifier(.email, "ada@example.com", .claimed), SubjectIdentifier(.session, "s1", .proven),
            SubjectIdentifier(.payment, "pi_1", .proven),
        ]
        let subject = try await bench.subject(ids[0], ids[1], ids[2])
        let other = try await bench.subject(SubjectIdentifier(.email, "bob@example.com", .claimed))
        let event = bench.event(.paymentSucceeded, external: "evt_1", data: ["email": "ada@example.com"])
        let job = bench.newJob(subject, of: event.id, lane: subject.description, fact: "payment_succeeded:pi_1")
        try await bench.receive(event)
        try await bench.plan { event, tx in
            try tx.assign(event.id, to: subject)
            try tx.putFact(
                Fact(
                    key: "payment_succeeded:pi_1", type: event.type, object: "payment:pi_1", subject: subject,
                    event: event.id, occurredAt: start, data: event.data, origins: ["email": [1, "evt_2"]]))
            try tx.link(event.id, to: "payment_succeeded:pi_1")
            try tx.insert(job, at: start)
        }
        let open = try await bench.job(subject)
        let claimed = try #require(await bench.claim().first)
        let request = StoredRequest(method: "POST", path: "/", body: Array("ada@example.com".utf8), renderedAt: start)
        _ = try await bench.journal.keepRequest(request, of: claimed.id, token: claimed.token)

        let erasure = try await bench.journal.forget(subject, by: "ada", now: start)
        #expect(erasure == Erasure(subject: subject, events: 3, facts: 1, jobs: 2, identifiers: 3, kept: 0))
        try await bench.settle(claimed, .completed(ExternalRecord(kind: "contact", id: "512"), supersedesUpTo: nil))

        for id in ids.map(\.value) + ids.map(\.description) + ["payment:pi_1", "512", "crm:512"] {
            #expect(try await bench.journal.subjects(matching: id).isEmpty, "\(id)")
        }
        #expect(try await bench.journal.subjects(matching: "bob@example.com").map(\.root) == [other])
        let detail = try #require(await bench.journal.event(event.id))
        #expect(detail.payload == nil)
        #expect(detail.row.event.data.isEmpty)
        #expect(detail.row.event.session == nil)
        #expect(detail.facts.isEmpty)
        try await bench.receive(bench.event())
        let erased = try #require(await bench.told { _, tx in try tx.fact("erased:1") })
        #expect(erased.data.isEmpty && erased.origins.isEmpty)
        #expect(try await bench.journal.job(claimed.id)?.request == nil)
        #expect(try await bench.journal.job(claimed.id)?.row.record == nil)
        #expect(try await bench.state(open) == .cancelled)
        #expect(try await bench.receive(bench.event(external: "evt_1")) == [.duplicate(event.id)])
        let replay = await failure {
            _ = try await bench.journal.replay(event.id, repeating: true, mint: { bench.id() }, by: "ada", now: start)
        }
        #expect(replay?.code == .conflict)
    }
}
