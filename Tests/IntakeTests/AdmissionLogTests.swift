import Intake
import Journal
import Logging
import Model
import Seams
import Synchronization
import TestKit
import Testing

@Suite struct `A journal that refuses` {
    /// Keeps what is logged.
    private struct Keeper: LogHandler {
        static let lines = Mutex<[String]>([])
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) {
            let count = event.metadata?["refused.count"].map { "\($0)" } ?? ""
            Self.lines.withLock { $0.append("\(event.message) \(count)") }
        }
    }

    @Test func `is logged once in a while, with how many batches it refused`() async throws {
        let (journal, time) = (MemoryJournal(), ManualTime())
        let admission = Admission(
            journal: journal, logger: Logger(label: "test") { _ in Keeper() }, time: time)
        journal.breakDown(true)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await admission.run() }
            for round in 0..<3 {
                for number in 0..<50 {
                    await #expect(throws: Failure.self) { try await admission.submit(arrival("\(round)-\(number)")) }
                }
                time.advance(by: .seconds(10))
            }
            group.cancelAll()
            try await group.waitForAll()
        }
        #expect(
            Keeper.lines.withLock { $0 } == [
                "journal refuses batches 1", "journal refuses batches 50", "journal refuses batches 50",
            ])
    }

    private func arrival(_ id: String) -> Arrival {
        .event(
            Event(
                id: Sender.mint().make(), source: "s", externalID: id, externalType: "t", type: .chatStarted,
                occurredAt: Sender.now, receivedAt: Sender.now, data: [:]), payload: [])
    }
}
