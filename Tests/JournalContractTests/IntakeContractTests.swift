import Journal
import JournalSQLite
import Model
import Testing

@Suite struct `An append` {
    @Test(arguments: Store.all) func `is on disk when it returns`(store: Store) async throws {
        let bench = try await Bench(store)
        let event = bench.event(data: ["email": "ada@example.com", "note": "a\"\n\u{1}é"])
        #expect(try await bench.receive(event) == [.accepted(event.id)])
        let again = try await bench.reopened()
        let detail = try #require(await again.journal.event(event.id))
        #expect(detail.row == EventRow(event: event, subject: nil, isPending: true))
        #expect(detail.payload == Array(event.externalID.utf8))
    }

    @Test(arguments: Store.all) func `tells a duplicate in the same batch and in a later one`(store: Store) async throws
    {
        let bench = try await Bench(store)
        let (first, second) = (bench.event(external: "e1"), bench.event(external: "e1"))
        #expect(try await bench.receive(first, second) == [.accepted(first.id), .duplicate(first.id)])
        #expect(try await bench.receive(bench.event(external: "e1")) == [.duplicate(first.id)])
        let elsewhere = bench.event(external: "e1", source: "stripe")
        #expect(try await bench.receive(elsewhere) == [.accepted(elsewhere.id)])
    }

    @Test(arguments: Store.all) func `keeps a delivery once a kind, source and id`(store: Store) async throws {
        let bench = try await Bench(store)
        let (first, second, other) = (bench.kept("d1"), bench.kept("d1"), bench.kept("d1", kind: .ignored))
        let appended = try await bench.journal.append([.kept(first), .kept(second), .kept(other)])
        #expect(appended == [.kept(first.id), .kept(first.id), .kept(other.id)])
        #expect(try await bench.journal.keptDelivery(first.id) == first)
        #expect(try await bench.journal.keptDelivery(second.id) == nil)
    }

    @Test(arguments: Store.all) func `marks the delivery that an event comes out of, in the same commit`(store: Store)
        async throws
    {
        let bench = try await Bench(store)
        let kept = bench.kept("d1")
        let event = bench.event()
        _ = try await bench.journal.append([.kept(kept)])
        _ = try await bench.journal.append([.event(event, payload: [], replayed: kept.id)])
        #expect(try await bench.journal.keptDelivery(kept.id)?.replayedAs == event.id)
        let open = try await bench.journal.keptDeliveries(KeptFilter(isReplayed: false), page: PageRequest())
        #expect(open.items.isEmpty)
    }

    @Test(arguments: Store.all) func `refuses a bad row alone`(store: Store) async throws {
        let bench = try await Bench(store)
        let good = bench.event()
        var twin = bench.event()
        twin.id = good.id
        let last = bench.event()
        let appended = try await bench.receive(good, twin, last)
        #expect(appended.first == .accepted(good.id))
        #expect(appended.last == .accepted(last.id))
        guard case .refused = appended[1] else { return #expect(Bool(false), "\(appended[1])") }
        #expect(try await bench.receive(bench.event(external: twin.externalID)) != [.duplicate(twin.id)])
    }

    @Test func `acknowledges nothing where the journal cannot be written`() async throws {
        let factory = try SQLiteFactory()
        let owner = try await Bench(factory)
        let event = owner.event()
        let reader = try SQLiteJournal.open(path: factory.path, mode: .readOnly)
        let failure = await failure { _ = try await reader.append([.event(event, payload: [])]) }
        #expect(failure?.code == .journal)
        #expect(try await owner.journal.event(event.id) == nil)
    }
}
