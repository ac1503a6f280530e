import CFaultyDisk
import Journal
import JournalSQLite
import Model
import Simulation
import Testing

/// A journal on a disk with faults.
private struct FaultyFactory: JournalFactory {
    let disk: SimulatedDisk

    func open() async throws -> any JournalStore { try SQLiteJournal.open(path: disk.path) }
    func close(_ journal: any JournalStore) async throws { try await (journal as? SQLiteJournal)?.close() }
    func calm() async throws {}
}

@Suite struct `A journal whose disk forgets what it did not sync` {
    /// A sync fails and the system takes its pages for written; the program dies of it, and in its next life the power
    /// goes at some step of the disk.
    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func `is sound after a loss of power, with all that was acknowledged`(seed: UInt64) async throws {
        let factory = FaultyFactory(disk: try SimulatedDisk())
        let disk = factory.disk
        let fresh = try await Bench(factory)
        for _ in 0..<3 { try await fresh.receive(fresh.event()) }
        try await factory.close(fresh.journal)
        disk.keep()
        for step in stride(from: 1, through: 401, by: 4) {
            disk.restore(seed: seed &* 1000 &+ UInt64(step))
            let kept = try await acknowledged(factory, untilStep: step)
            disk.start(losingPower: true)
            let journal = try await factory.open()
            let rows = try await journal.events(EventFilter(), page: PageRequest(limit: 100)).items
            #expect(Set(rows.map(\.event.id)).isSuperset(of: kept), "step \(step): an acknowledged event is gone")
            #expect(disk.damage == nil, "step \(step)")
            try await factory.close(journal)
        }
    }

    /// Events that were acknowledged around one that was not; the disk stops at `step` steps of the second life.
    private func acknowledged(_ factory: FaultyFactory, untilStep step: Int) async throws -> Set<EventID> {
        let disk = factory.disk
        let first = try await Bench(factory, seed: 2)
        let before = try await first.journal.events(EventFilter(), page: PageRequest(limit: 100)).items
        // The log holds the page of the events, and none of most of their indexes.
        let subject: SubjectID = first.id()
        try await first.plan(limit: 1) { event, tx in
            try tx.createSubject(subject, for: event.id, at: start)
            try tx.assign(event.id, to: subject)
        }
        var faults = faulty_disk_faults()
        faults.sync_forgets = 1_000_000
        disk.set(faults)
        #expect(await failure { try await first.receive(first.event()) } != nil)
        await die(disk, first.journal, factory)
        disk.set(faulty_disk_faults())
        disk.start(losingPower: false)
        disk.stop(after: step)
        var kept = Set(before.map(\.event.id))
        guard let second = try? await Bench(factory, seed: 3) else { return kept }
        for _ in 0..<3 {
            let event = second.event()
            if await failure({ try await second.receive(event) }) == nil { kept.insert(event.id) }
        }
        await die(disk, second.journal, factory)
        return kept
    }

    /// Nothing reaches the disk any more: closing only gives the file free.
    private func die(_ disk: SimulatedDisk, _ journal: any JournalStore, _ factory: FaultyFactory) async {
        disk.stop()
        _ = await failure { try await factory.close(journal) }
    }
}
