import ConnectorKit
import Jobs
import Journal
import Logging
import Model
import Seams
import Settings
import Synchronization
import TestKit
import Testing

/// A runner with a journal in memory, a scripted destination, and time that passes as fast as it is slept.
struct Scene {
    let time: any TimeSource
    let journal = MemoryJournal()
    let connector: ScriptedConnector
    let settings: LiveSettings
    let runner: JobRunner

    init(
        _ settings: Settings = Build.settings(), time: any TimeSource, seed: UInt64 = 1, _ connector: ScriptedConnector
    ) {
        self.time = time
        self.connector = connector
        self.settings = LiveSettings(settings)
        runner = JobRunner(
            journal: journal, connectors: ConnectorSet(["crm": connector]), settings: self.settings,
            world: World(time: time, chance: SeededChance(seed: seed), http: NoHTTP()), node: "n1",
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    /// Runs until the journal looks as it should, then stops the runner and waits for its end.
    func play(until isDone: @escaping @Sendable (MemoryJournal.State) -> Bool) async throws {
        journal.state.withLock { $0.done = isDone }
        try await withThrowingTaskGroup { group in
            group.addTask { try await runner.run() }
            // A bound for a scene that never comes to its end; one that does ends the wait at once.
            await journal.done.wait(upTo: .seconds(110), on: SystemTime())
            runner.stop()
            try await group.waitForAll()
        }
        #expect(isDone(journal.now), "the scene did not come to its end")
    }

    static func allCompleted(_ state: MemoryJournal.State) -> Bool {
        state.rows.values.allSatisfy { $0.state == .completed }
    }

    static func allEnded(_ state: MemoryJournal.State) -> Bool { state.rows.values.allSatisfy { $0.state.isEnded } }
}

struct NoHTTP: HTTPTransport {
    func send(_ request: OutboundRequest) async throws(TransportError) -> InboundResponse {
        throw TransportError(.connect, mayHaveArrived: false, "there is no network here")
    }
}

/// Time that stands still: a sleep ends only when it is cancelled.
struct HeldTime: TimeSource {
    var now: Instant { Build.start }
    var uptime: Duration { .zero }

    func sleep(for duration: Duration) async throws {
        let (never, feed) = AsyncStream<Void>.makeStream()
        for await _ in never {}
        feed.finish()
        throw CancellationError()
    }
}
