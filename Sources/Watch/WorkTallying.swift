package import Journal
package import Logging
internal import Model
package import Seams
internal import ServiceLifecycle

/// Counts what was done a day, for the busywork meter, a minute at a time.
package struct WorkTallying: Service {
    static let interval: Duration = .seconds(30)
    static let pause: Duration = .milliseconds(20)
    /// What ended so long ago is written by now, however slow the commit was.
    static let lag: Duration = .seconds(30)

    private let journal: any TallyJournal
    private let time: any TimeSource
    private let logger: Logger

    package init(journal: any TallyJournal, time: any TimeSource, logger: Logger) {
        self.journal = journal
        self.time = time
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await catchUp()
                } catch  where Task.isCancelled {
                    return
                } catch {
                    // What was not counted is counted next time.
                    logger.warning(
                        "work is not counted for now",
                        metadata: ["error": "\((error as? Failure)?.message ?? "\(type(of: error))")"])
                }
                // Cancelled while waiting: the loop's condition ends it.
                try? await time.sleep(for: Self.interval)
            }
        }
    }

    func catchUp() async throws {
        while try await journal.tallyWork(until: time.now - Self.lag) { try await time.sleep(for: Self.pause) }
    }
}
