import Journal
import Model
import TestKit
import Testing

/// Random lives of jobs, joins and people, with the law of lanes checked after each step.
@Suite struct `Whatever happens in whatever order` {
    private struct World {
        let bench: Bench
        var chance: SeededGenerator
        var now = start
        var subjects: [SubjectID] = []
        var roots: [SubjectID: SubjectID] = [:]
        var jobs: [JobID] = []
        var claimed: [ClaimedJob] = []
        var ended: [JobID: JobState] = [:]
        var changedByPerson: Set<JobID> = []
    }

    @Test(arguments: Store.all, UInt64(1)...30)
    func `no lane has two on their way, no job is lost and none that ended changes by itself`(
        store: Store, seed: UInt64
    ) async throws {
        let bench = try await Bench(store, seed: seed)
        var world = World(bench: bench, chance: SeededGenerator(seed: seed))
        for _ in 0..<4 {
            let subject = try await bench.subject()
            world.subjects.append(subject)
            world.roots[subject] = subject
        }
        for step in 0..<60 {
            try await act(&world)
            try await check(&world, "seed \(seed), step \(step)")
        }
        try await drain(&world, "seed \(seed)")
    }

    private func act(_ world: inout World) async throws {
        let bench = world.bench
        world.now = world.now + .seconds(1)
        switch Int.random(in: 0..<12, using: &world.chance) {
        case 0...3:
            guard let subject = world.subjects.randomElement(using: &world.chance), let root = world.roots[subject]
            else { return }
            let wait: WaitCause? = Int.random(in: 0..<6, using: &world.chance) == 0 ? .field("email") : nil
            let stops = Int.random(in: 0..<6, using: &world.chance) == 0
            let later = Duration.seconds(Int.random(in: 0..<3, using: &world.chance))
            world.jobs.append(try await bench.job(root, at: world.now + later, waitsFor: wait, stops: stops))
        case 4...5:
            world.claimed += try await bench.claim(limit: Int.random(in: 1...3, using: &world.chance), at: world.now)
        case 6...8: try await settle(&world)
        case 9: try await join(&world)
        case 10:
            guard let job = world.jobs.randomElement(using: &world.chance) else { return }
            let action: BulkAction = Bool.random(using: &world.chance) ? .retry : .cancel
            world.changedByPerson.insert(job)
            let refused = await failure { try await bench.journal.change(job, action, by: "ada", now: world.now) }
            #expect(refused == nil || refused?.code == .conflict)
        default:
            guard let job = world.jobs.randomElement(using: &world.chance) else { return }
            try await bench.receive(bench.event())
            let now = world.now
            try await bench.plan { _, tx in try tx.wake(job, at: now) }
        }
    }

    private func settle(_ world: inout World) async throws {
        guard let index = world.claimed.indices.randomElement(using: &world.chance) else { return }
        let job = world.claimed.remove(at: index)
        let results: [(Settlement.Result, AttemptEnd.Outcome)] = [
            (.completed(nil, supersedesUpTo: nil), .succeeded),
            (.completed(nil, supersedesUpTo: Sight(job: .max, join: .max)), .succeeded),
            (.retry(at: world.now + .seconds(2), isSpent: true), .unknown), (.dead, .permanent), (.held, .unknown),
            (.waiting(.field("email"), until: world.now + .seconds(900)), .notMade),
        ]
        guard let (result, outcome) = results.randomElement(using: &world.chance) else { return }
        #expect(try await world.bench.settle(job, result, outcome: outcome, at: world.now).refused.isEmpty)
    }

    private func join(_ world: inout World) async throws {
        let roots = Array(Set(world.roots.values)).sorted()
        guard roots.count > 1, let child = roots.dropFirst().randomElement(using: &world.chance) else { return }
        let (root, bench, now) = (roots[0], world.bench, world.now)
        try await bench.receive(bench.event())
        let through = SubjectIdentifier(.session, "s", .proven)
        try await bench.plan { event, tx in
            try tx.join(
                SubjectJoin(child: child, root: root, basis: .proven, through: through), event: event.id, at: now)
        }
        for (subject, old) in world.roots where old == child { world.roots[subject] = root }
    }

    private func check(_ world: inout World, _ place: Comment) async throws {
        let rows = try await world.bench.journal.jobs(JobFilter(), page: PageRequest(limit: 500)).items
        #expect(Set(rows.map(\.id)) == Set(world.jobs), place)
        #expect(rows.count == world.jobs.count, place)
        // What runs may overlap only where a join brought together what ran already.
        let running = Set(rows.filter { $0.state == .running }.map(\.id))
        #expect(running == Set(world.claimed.map(\.id)), place)
        var heads: [SubjectID: Int] = [:]
        for row in rows where [.available, .scheduled, .retryable].contains(row.state) {
            heads[world.roots[row.subject] ?? row.subject, default: 0] += 1
        }
        #expect(heads.values.allSatisfy { $0 == 1 }, place)
        for row in rows where row.state.isEnded {
            if let before = world.ended[row.id], !world.changedByPerson.contains(row.id) {
                #expect(before == row.state, place)
            }
            world.ended[row.id] = row.state
        }
        for (job, _) in world.ended where rows.first(where: { $0.id == job })?.state.isEnded == false {
            #expect(world.changedByPerson.contains(job), place)
        }
    }

    /// With the faults over, every job that can go on ends, one at a time in its lane.
    private func drain(_ world: inout World, _ place: Comment) async throws {
        let bench = world.bench
        for job in world.claimed { try await bench.settle(job, .completed(nil, supersedesUpTo: nil), at: world.now) }
        _ = try await bench.journal.expireWaits(now: world.now + .seconds(7200))
        // Who was on its way already may be younger than one that came back behind it; who follows is the oldest.
        var isFollowing = false
        for _ in 0..<500 {
            world.now = world.now + .seconds(3600)
            let claimed = try await bench.claim(limit: 100, at: world.now)
            if claimed.isEmpty {
                // Held jobs and lanes that a dead job stops are a person's to let go.
                if try await bench.journal.bulk(
                    .retry, JobFilter(states: [.held]), limit: 100, by: "ada", now: world.now) > 0
                {
                    isFollowing = false
                    continue
                }
                break
            }
            #expect(Set(claimed.map { world.roots[$0.subject] ?? $0.subject }).count == claimed.count, place)
            if isFollowing { try await checkOrder(of: claimed, world, place) }
            isFollowing = true
            for job in claimed { try await bench.settle(job, .completed(nil, supersedesUpTo: nil), at: world.now) }
        }
        let open = try await bench.journal.jobs(
            JobFilter(states: Set(JobState.allCases.filter { !$0.isEnded })), page: PageRequest(limit: 500)
        ).items
        let stopped = try await bench.journal.jobs(JobFilter(states: [.dead]), page: PageRequest(limit: 500)).items
        #expect(open.allSatisfy { $0.waitsFor == .lane }, place)
        #expect(open.isEmpty || !stopped.isEmpty, place)
    }
    private func checkOrder(of claimed: [ClaimedJob], _ world: World, _ place: Comment) async throws {
        let waiting = try await world.bench.journal.jobs(JobFilter(states: [.waiting]), page: PageRequest(limit: 500))
            .items
        let order = Dictionary(uniqueKeysWithValues: world.jobs.enumerated().map { ($1, $0) })
        for job in claimed {
            let behind = waiting.filter { world.roots[$0.subject] == world.roots[job.subject] }.compactMap {
                order[$0.id]
            }
            #expect(behind.allSatisfy { $0 > order[job.id] ?? .max }, place)
        }
    }
}
