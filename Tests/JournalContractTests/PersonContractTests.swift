import Journal
import Model
import Settings
import Synchronization
import TestKit
import Testing

/// What a plan's closure leaves behind for its test.
final class Box<Value: Sendable>: Sendable {
    private let content: Mutex<Value>
    init(_ value: Value) { content = Mutex(value) }
    var value: Value { content.withLock { $0 } }
}

extension Box {
    func append<Element: Sendable>(_ element: Element) where Value == [Element] {
        content.withLock { $0.append(element) }
    }
}

@Suite struct `One person's things` {
    @Test(arguments: Store.all) func `have one secret of the installation, whoever asks first`(
        store: Store
    ) async throws {
        let bench = try await Bench(store)
        #expect(try await bench.journal.installationSecret("receipts", fresh: [1, 2, 3]) == [1, 2, 3])
        #expect(try await bench.journal.installationSecret("receipts", fresh: [9]) == [1, 2, 3])
        #expect(try await bench.journal.installationSecret("other", fresh: [9]) == [9])
        let next = try await bench.reopened()
        #expect(try await next.journal.installationSecret("receipts", fresh: [4]) == [1, 2, 3])
    }

    @Test(arguments: Store.all) func `show how an event stands with the jobs that it found planned`(
        store: Store
    ) async throws {
        let bench = try await Bench(store)
        let subject = try await bench.subject()
        let job = try await bench.job(subject)
        let second = bench.event()
        try await bench.receive(second)
        #expect(try #require(await bench.journal.standing(of: second.id)).row.isPending)
        try await bench.plan { event, tx in
            try tx.assign(event.id, to: subject)
            try tx.record(Decision(event: event.id, subject: subject, at: start, outcome: .known, job: job))
        }
        let standing = try #require(await bench.journal.standing(of: second.id))
        #expect(standing.jobs.map(\.id) == [job] && !standing.row.isPending && !standing.isUnplannable)
        #expect(try await bench.journal.standing(of: bench.id()) == nil)
    }

    @Test(arguments: Store.all) func `are told to a session only where proof ties them to it`(
        store: Store
    ) async throws {
        let bench = try await Bench(store)
        let (own, proven, claimed): (SubjectID, SubjectID, SubjectID) = (bench.id(), bench.id(), bench.id())
        let events = [own, proven, claimed].map { _ in bench.event() }
        for (event, subject) in zip(events, [own, proven, claimed]) {
            try await bench.receive(event)
            try await bench.plan { event, tx in
                try tx.createSubject(subject, for: event.id, at: start)
                if subject == own {
                    try tx.addIdentifier(.init(.session, "s1", .proven), to: subject, event: event.id)
                }
                try tx.assign(event.id, to: subject)
                guard subject != own else { return }
                let basis: SubjectIdentifier.Basis = subject == proven ? .proven : .claimed
                try tx.join(
                    SubjectJoin(child: subject, root: own, basis: basis, through: .init(.user, "u", basis)),
                    event: event.id, at: start)
            }
        }
        let told = try await bench.journal.told(in: "s1").map(\.event.id)
        #expect(told == [events[1].id, events[0].id])
        #expect(try await bench.journal.told(in: "s2").isEmpty)
        let holding = try await bench.journal.holding(of: claimed)
        #expect(holding.joins.count == 2 && holding.identifiers.map(\.value) == ["s1"])
        let all = try await bench.journal.events(EventFilter(subject: own), page: PageRequest()).items
        #expect(Set(all.map(\.event.id)) == Set(events.map(\.id)))
    }

    @Test(arguments: Store.all) func `are counted by their age without walking over the young`(
        store: Store
    ) async throws {
        let bench = try await Bench(store)
        for day in 0..<7 {
            try await bench.receive(bench.event(at: start + .seconds(Int64(day) * 86_400)))
        }
        _ = try await bench.journal.append([.kept(bench.kept("old"))])
        for days in 0...8 {
            let time = start + .seconds(Int64(days) * 86_400)
            let counts = try await bench.journal.aged(before: time, countingTo: 100)
            let expected = min(days, 7)
            #expect(counts.events == expected && counts.payloads == expected && counts.kept == min(days, 1))
            #expect(counts.oldest == start)
        }
        #expect(try await bench.journal.aged(before: start + .seconds(900_000), countingTo: 3).events == 3)
    }
}
