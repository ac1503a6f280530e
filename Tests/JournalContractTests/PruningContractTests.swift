import Journal
import Model
import Settings
import TestKit
import Testing

@Suite struct `What is too old` {
    private let day: Duration = .seconds(86_400)

    @Test(arguments: Store.all) func `loses its raw body first and stays an event`(store: Store) async throws {
        let bench = try await Bench(store)
        let (old, young) = (bench.event(at: start), bench.event(at: start + day * 2))
        try await bench.receive(old, young)
        _ = try await bench.journal.append([.kept(bench.kept("refused"))])
        #expect(try await bench.journal.prunePayloads(before: start + day, limit: 10) == 1)
        #expect(try #require(await bench.journal.event(old.id)).payload == nil)
        #expect(try #require(await bench.journal.event(young.id)).payload != nil)
        #expect(try await bench.journal.keptDeliveries(KeptFilter(), page: PageRequest()).items.isEmpty)
        #expect(try await bench.journal.prunePayloads(before: start + day, limit: 10) == 0)
    }

    @Test(arguments: Store.all) func `is told by a present that the journal remembers`(store: Store) async throws {
        let bench = try await Bench(store)
        #expect(try await bench.journal.believedTime() == nil)
        for time in [start + day, start] {
            try await bench.journal.noteBelievedTime(time)
            #expect(try await bench.journal.believedTime() == time)
        }
        let next = try await bench.reopened()
        #expect(try await next.journal.believedTime() == start)
    }

    @Test(arguments: Store.all) func `is erased with all that hangs on it, and its person with the last of it`(
        store: Store
    ) async throws {
        let bench = try await Bench(store)
        let subject = try await bench.subject(SubjectIdentifier(.email, "ada@example.com", .claimed))
        let job = try await bench.job(subject)
        try await bench.settle(try #require(await bench.claim().first), .completed(nil, supersedesUpTo: nil))
        let known = try await bench.journal.events(EventFilter(), page: PageRequest()).items
        var place: Int64? = 0
        var erased = 0
        while let after = place {
            let slice = try await bench.journal.pruneEvents(before: start + day, after: after, limit: 1)
            erased += slice.erased
            place = slice.next
        }
        #expect(erased == known.count && erased > 0)
        #expect(try await bench.journal.job(job) == nil)
        #expect(try await bench.journal.subjects(matching: "ada@example.com").isEmpty)
        let again = bench.event(external: try #require(known.first).event.externalID)
        #expect(try await bench.receive(again) == [.accepted(again.id)])
    }

    @Test(arguments: Store.all) func `stays where it is not planned or a job of it is open`(store: Store) async throws {
        let bench = try await Bench(store)
        let subject = try await bench.subject(SubjectIdentifier(.email, "ada@example.com", .claimed))
        let job = try await bench.job(subject)
        let pending = bench.event()
        try await bench.receive(pending)
        _ = try await bench.journal.pruneEvents(before: start + day, after: 0, limit: 100)
        #expect(try await bench.journal.event(pending.id) != nil)
        let row = try #require(await bench.journal.job(job)).row
        #expect(try await bench.journal.event(row.event) != nil)
        #expect(try await bench.claim().map(\.id) == [job])
    }

    @Test(arguments: Store.all) func `is erased in one slice as in many`(store: Store) async throws {
        var left: [[String]] = []
        for limit in [1, 3, 100] {
            let bench = try await Bench(store)
            let people = (0..<9).map { SubjectIdentifier(.email, "p\($0)@example.com", .proven) }
            var open: Set<JobID> = []
            for (number, person) in people.enumerated() {
                let job = try await bench.job(try await bench.subject(person))
                if number % 3 == 0 { open.insert(job) }
            }
            for number in people.indices where number % 3 == 1 {
                try await bench.receive(bench.event(external: "young-\(number)", at: start + day * 2))
            }
            try await bench.plan { event, tx in
                guard let name = event.externalID.split(separator: "-").last.flatMap({ Int($0) }),
                    event.externalID.hasPrefix("young"), let holder = try tx.holders(of: [people[name]]).first
                else { return }
                try tx.assign(event.id, to: holder.root)
            }
            for claimed in try await bench.claim() where !open.contains(claimed.id) {
                try await bench.settle(claimed, .completed(nil, supersedesUpTo: nil))
            }
            var place: Int64? = 0
            while let after = place {
                place = try await bench.journal.pruneEvents(before: start + day, after: after, limit: limit).next
            }
            var known: [Int] = []
            for person in people { known.append(try await bench.journal.subjects(matching: person.value).count) }
            let jobs = try await bench.journal.jobs(JobFilter(), page: PageRequest(limit: 100)).items
            let events = try await bench.journal.events(EventFilter(), page: PageRequest(limit: 100)).items
            #expect(known == [1, 1, 0, 1, 1, 0, 1, 1, 0])
            #expect(Set(jobs.map(\.id)) == open)
            left.append(events.map { "\($0.event.externalID.prefix(6))\($0.isPending)" }.sorted())
        }
        #expect(left[0].count == 6 && left[0].count { $0.hasPrefix("young") } == 3)
        #expect(left.allSatisfy { $0.count == left[0].count })
    }
}
