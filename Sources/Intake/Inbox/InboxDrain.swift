package import Journal
package import Logging
internal import Model
package import Seams
internal import ServiceLifecycle

/// Empties the inbox of the product's own database into the journal.
///
/// A row is deleted after the journal's commit, in the transaction that locked it: a process that dies between the two
/// finds the row again, and its id makes the repeat harmless. There is no cursor, because rows become visible in the order
/// of their commits, which is not the order of their places.
package struct InboxDrain: Service {
    static let batchMax = 200
    /// How often it looks when nobody says that there is something.
    static let interval: Duration = .seconds(1)
    static let backoffLongest: Duration = .seconds(30)
    static let troubleLoggedEvery: Duration = .seconds(60)

    private let source: String
    private let table: any InboxTable
    private let intake: Intake
    private let time: any TimeSource
    private let logger: Logger
    private let report: @Sendable (InboxReport) async -> Void

    /// `report` is told how the inbox stands after each look that brought nothing more, and after each failure.
    package init(
        source: String, table: any InboxTable, intake: Intake, time: any TimeSource, logger: Logger,
        report: @escaping @Sendable (InboxReport) async -> Void = { _ in }
    ) {
        self.source = source
        self.table = table
        self.intake = intake
        self.time = time
        self.logger = logger
        self.report = report
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown { await drainAll() }
        await table.close()
    }

    private func drainAll() async {
        var backoff = Self.interval
        var reachedAt = time.uptime
        var troubles = Repetition(every: Self.troubleLoggedEvery)
        while !Task.isCancelled {
            do {
                try await drainWhatIsDue()
                if backoff > Self.interval { logger.notice("inbox reached again", metadata: ["source": "\(source)"]) }
                (backoff, reachedAt) = (Self.interval, time.uptime)
                await report(.reached(try await table.figures()))
                try await table.wait(upTo: Self.interval)
            } catch  where Task.isCancelled {
                return
            } catch {
                let trouble = (error as? Failure)?.message ?? "\(type(of: error))"
                if let count = troubles.happened(at: time.uptime) {
                    logger.error(
                        "inbox not drained",
                        metadata: ["source": "\(source)", "error.message": "\(trouble)", "failures.count": "\(count)"])
                }
                await report(.away(for: time.uptime - reachedAt, trouble))
                // Cancelled while waiting: the loop's condition ends it.
                try? await time.sleep(for: backoff)
                backoff = min(backoff * 2, Self.backoffLongest)
            }
        }
    }

    /// Takes batch after batch until one is not full.
    private func drainWhatIsDue() async throws {
        var count = Self.batchMax
        while count == Self.batchMax, !Task.isCancelled {
            count = try await table.drain(limit: Self.batchMax) { rows in
                let verdicts = try await intake.take(rows, inbox: source)
                log(held: zip(rows, verdicts).filter { $1 != .taken }.count)
                return verdicts
            }
        }
    }

    private func log(held count: Int) {
        guard count > 0 else { return }
        logger.warning(
            "rows of the inbox cannot be used; the column reason says why",
            metadata: ["source": "\(source)", "rows.count": "\(count)"])
    }
}
