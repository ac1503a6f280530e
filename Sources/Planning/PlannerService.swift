package import ConnectorKit
package import Journal
package import Logging
internal import Model
package import Seams
internal import ServiceLifecycle
package import Settings
internal import Synchronization

/// Plans pending events as they come, for as long as the process runs.
///
/// Woken after each commit of intake, it also looks by itself every second: a wake-up is a hint, the journal is the
/// truth. An error of the journal ends nothing; it is tried again, from 100 ms up to every 5 s.
package final class PlannerService: Service {
    private static let pollInterval: Duration = .seconds(1)
    private static let backoffFirst: Duration = .milliseconds(100)
    private static let backoffLongest: Duration = .seconds(5)

    private let journal: any PlanningJournal
    private let settings: LiveSettings
    private let connectors: ConnectorSet
    private let time: any TimeSource
    private let mint: IDMint
    private let logger: Logger
    private let onWork: @Sendable () -> Void
    private let spans: any SpanSink
    private let signal = Signal()
    private let isStopping = Mutex(false)

    /// `onWork` is called after each commit that made a job claimable.
    package init(
        journal: any PlanningJournal, settings: LiveSettings, connectors: ConnectorSet, time: any TimeSource,
        chance: any ChanceSource, logger: Logger, spans: any SpanSink = NoSpans(),
        onWork: @escaping @Sendable () -> Void
    ) {
        self.journal = journal
        self.settings = settings
        self.connectors = connectors
        self.time = time
        mint = IDMint(time: time, chance: chance)
        self.logger = logger
        self.onWork = onWork
        self.spans = spans
    }

    /// Says that events were appended.
    package func wake() { signal.raise() }

    package func run() async throws {
        await withTaskCancellationOrGracefulShutdownHandler {
            var trouble: String?
            var backoff = Self.backoffFirst
            while !isStopping.withLock({ $0 }) {
                do {
                    let isMore = try await planBatch()
                    if trouble != nil { logger.notice("planning goes on") }
                    (trouble, backoff) = (nil, Self.backoffFirst)
                    if !isMore { await signal.wait(upTo: Self.pollInterval, on: time) }
                } catch {
                    let kind = Self.kind(of: error)
                    if trouble != kind { logger.error("planning stands still", metadata: ["error.code": "\(kind)"]) }
                    trouble = kind
                    await signal.wait(upTo: backoff, on: time)
                    backoff = min(backoff * 2, Self.backoffLongest)
                }
            }
        } onCancelOrGracefulShutdown: {
            self.isStopping.withLock { $0 = true }
            self.signal.raise()
        }
    }

    /// Plans one batch; true where more is pending.
    private func planBatch() async throws -> Bool {
        let now = time.now
        let made = PlanSpans(time: time, isRecording: spans.isRecording)
        let (settings, connectors, mint) = (settings, connectors, mint)
        let summary = try await journal.planPending(limit: Limits.planBatchMax, now: now) { event, tx in
            // The flows of this moment: what came after a reload is planned by what was reloaded.
            let planner = Planner(settings: settings.current, connectors: connectors, mint: mint)
            try made.note(event) { try planner.plan(event, in: tx, now: now) }
            CrashPoint.planMade.pass()
        }
        CrashPoint.planKept.pass()
        for span in made.all { spans.record(span) }
        for event in summary.unplannable {
            logger.error("event set aside as unplannable", metadata: ["event.id": "\(event)"])
        }
        if summary.hasNewWork { onWork() }
        return summary.isMore
    }

    /// A bounded word: an error's own text may hold what belongs in no log.
    private static func kind(of error: any Error) -> String {
        (error as? Failure)?.code.name ?? String(describing: type(of: error))
    }
}
