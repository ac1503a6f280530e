import Journal
import Model
import TestKit
import Testing

@Suite struct `What happens` {
    private let late = start + .seconds(1000)

    private func names(_ changes: [Change]) -> [String] {
        changes.map { change in
            switch change.what {
            case .event(let row): "event \(row.event.externalID)"
            case .job(let row): "job \(row.id) \(row.state.rawValue)"
            }
        }
    }

    @Test(arguments: Store.all) func `is read from now on: events, new jobs and ended ones, each once`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        let subject = try await bench.subject()
        try await bench.job(subject)
        var cursor = try await bench.newestChange()
        #expect(try await bench.changes(after: cursor, until: late, limit: 10).isEmpty)

        try await bench.receive(bench.event(external: "one"))
        let (first, second) = (try await bench.job(subject), try await bench.job(subject))
        let seen = try await bench.changes(after: cursor, until: late, limit: 10)
        #expect(names(seen).filter { $0.hasPrefix("job") } == ["job \(first) waiting", "job \(second) waiting"])
        #expect(names(seen).contains("event one") && seen.count == 5)
        cursor = try #require(seen.last).cursor

        let running = try #require(await bench.claim().first)
        try await bench.settle(running, .dead, outcome: .permanent, at: start + .seconds(9))
        #expect(try await bench.changes(after: cursor, until: start + .seconds(8), limit: 10).isEmpty)
        let ended = try await bench.changes(after: cursor, until: start + .seconds(9), limit: 10)
        #expect(names(ended) == ["job \(running.id) dead"])
        #expect(try await bench.changes(after: try #require(ended.last).cursor, until: late, limit: 9).isEmpty)
    }

    @Test(arguments: Store.all, 1...20 as ClosedRange<UInt64>)
    func `is read in parts of any size as it is read whole`(store: Store, seed: UInt64) async throws {
        let bench = try await Bench(store, seed: seed)
        var generator = SeededGenerator(seed: seed)
        let subject = try await bench.subject()
        let beginning = ChangeCursor(event: 0, job: 0, endedAt: Instant(milliseconds: 0))
        for _ in 0..<15 {
            switch Int.random(in: 0..<3, using: &generator) {
            case 0:
                try await bench.receive(bench.event(at: start + .seconds(Int64.random(in: 0..<5, using: &generator))))
            case 1: try await bench.job(subject, lane: .some(nil))
            default:
                guard let claimed = try await bench.claim(limit: 1).first else { continue }
                try await bench.settle(
                    claimed, Bool.random(using: &generator) ? .dead : .completed(nil, supersedesUpTo: nil),
                    at: start + .seconds(Int64.random(in: 0..<5, using: &generator)))
            }
        }
        let whole = try await bench.changes(after: beginning, until: late, limit: 1000)
        var (parts, cursor) = ([Change](), beginning)
        while true {
            let limit = Int.random(in: 1...4, using: &generator)
            let part = try await bench.changes(after: cursor, until: late, limit: limit)
            guard let last = part.last else { break }
            parts += part
            // A cursor survives being written down.
            cursor = try #require(ChangeCursor(last.cursor.description))
            #expect(cursor == last.cursor)
        }
        #expect(Set(names(parts)) == Set(names(whole)), "seed \(seed)")
        #expect(parts.count == whole.count, "seed \(seed): nothing is told twice")
    }

    @Test(arguments: Store.all) func `is planned to be forgotten as it is forgotten`(store: Store) async throws {
        let bench = try await Bench(store)
        let subject = try await bench.subject(
            SubjectIdentifier(.email, "ada@example.com", .claimed), SubjectIdentifier(.session, "s1", .proven))
        try await bench.job(subject)
        try await bench.job(subject)
        try await bench.settle(try #require(await bench.claim().first), .dead, outcome: .permanent)
        let plan = try await bench.journal.forgetPlan(subject)
        #expect(plan == Erasure(subject: subject, events: 3, facts: 0, jobs: 2, identifiers: 2, kept: 0))
        #expect(try await bench.journal.subjects(matching: "ada@example.com").count == 1)
        #expect(try await bench.journal.forget(subject, by: "ada", now: start) == plan)
        #expect(await failure { _ = try await bench.journal.forgetPlan(bench.id()) }?.code == .notFound)
    }
}
