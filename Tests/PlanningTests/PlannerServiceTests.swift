internal import ConnectorKit
internal import Journal
internal import Logging
internal import Model
internal import Planning
internal import Seams
internal import Settings
internal import Synchronization
internal import TestKit
internal import Testing

@Suite struct `The planner's loop` {
    /// Gives the batches in order, and ends the run (by cancelling whoever waits) when there is none left.
    private actor Batches: PlanningJournal {
        private var batches: [Result<PlanSummary, Failure>]
        private(set) var calls = 0
        private let atEnd: @Sendable () -> Void

        init(_ batches: [Result<PlanSummary, Failure>], atEnd: @escaping @Sendable () -> Void) {
            self.batches = batches
            self.atEnd = atEnd
        }

        func planPending(
            limit: Int, now: Instant, plan: @escaping @Sendable (Event, any PlanTransaction) throws -> Void
        ) async throws -> PlanSummary {
            calls += 1
            guard !batches.isEmpty else {
                atEnd()
                return PlanSummary(planned: 0, isMore: false, hasNewWork: false)
            }
            return try batches.removeFirst().get()
        }
    }

    @Test func `goes on after errors and tells of new work`() async throws {
        let summaries: [Result<PlanSummary, Failure>] = [
            .success(PlanSummary(planned: 2, isMore: true, hasNewWork: true)),
            .failure(Failure(.journal, "the disk is full")), .failure(Failure(.journal, "the disk is full")),
            .success(PlanSummary(planned: 1, isMore: false, hasNewWork: false)),
            .success(PlanSummary(planned: 1, isMore: false, hasNewWork: true)),
        ]
        let ended = Signal()
        let journal = Batches(summaries) { ended.raise() }
        let work = Counter()
        let time = ManualTime()
        let start = time.now
        let service = PlannerService(
            journal: journal, settings: LiveSettings(Settings(product: "Acme")), connectors: ConnectorSet(),
            time: time, chance: SeededChance(seed: 1), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            onWork: { work.add() })
        service.wake()
        await withTaskGroup(of: Void.self) { group in
            // A cancelled run ends without an error that would say more.
            group.addTask { try? await service.run() }
            await ended.wait(upTo: .seconds(3600), on: SystemTime())
            group.cancelAll()
        }
        #expect(await journal.calls >= summaries.count + 1)
        #expect(work.value == 2)
        #expect(time.now - start >= .milliseconds(300))
    }

    private final class Counter: Sendable {
        private let count = Mutex(0)
        func add() { count.withLock { $0 += 1 } }
        var value: Int { count.withLock { $0 } }
    }
}
