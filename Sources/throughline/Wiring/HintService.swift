import JournalPostgres
import Seams
import ServiceLifecycle

/// Wakes planner and runner when another node has written something for them.
struct HintService: Service {
    let journal: PostgresJournal
    let time: any TimeSource
    let onEvents: @Sendable () -> Void
    let onJobs: @Sendable () -> Void

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await journal.followHints(on: time) { hint in
                switch hint {
                case .events: onEvents()
                case .jobs: onJobs()
                }
            }
        }
    }
}
