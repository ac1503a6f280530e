package import Journal
package import Logging
internal import Model
package import Seams
internal import ServiceLifecycle
package import Settings
internal import Synchronization

/// Looks every few seconds whether anything needs a person, and has it told.
///
/// Every node brings its counts to the journal; the one that watches reads them with the rest, decides by the rules, and
/// writes what they say in one transaction. What is told is an event of its own, so that alerts travel like everything
/// else: kept, retried, made once.
package final class Watcher: Service {
    package static let interval: Duration = .seconds(15)
    static let tidyInterval: Duration = .seconds(600)
    /// How long a cause must have been quiet before its issue ends; trouble that comes and goes is one issue.
    static let quietDuration: Duration = .seconds(900)

    static let costKeptMax: Duration = .seconds(300)

    private let journal: any WatchJournal
    private let settings: LiveSettings
    private let book: TallyBook
    private let time: any TimeSource
    private let mint: IDMint
    private let logger: Logger
    private let secrets: @Sendable () -> [SecretMark]
    private let notedSecrets = Mutex<[SecretMark]>([])
    private let matches: @Sendable () async throws -> [AlertRules.Match]
    private let onTold: @Sendable () -> Void
    private let tidiedAt = Mutex<Duration?>(nil)

    /// `secrets` are those in use; `matches` gives the newest reconciliation of each source; `onTold` is called when events for people were written.
    package init(
        journal: any WatchJournal, settings: LiveSettings, book: TallyBook, time: any TimeSource,
        chance: any ChanceSource, logger: Logger, secrets: @escaping @Sendable () -> [SecretMark] = { [] },
        matches: @escaping @Sendable () async throws -> [AlertRules.Match] = { [] },
        onTold: @escaping @Sendable () -> Void = {}
    ) {
        self.journal = journal
        self.settings = settings
        self.book = book
        self.time = time
        mint = IDMint(time: time, chance: chance)
        self.logger = logger
        self.secrets = secrets
        self.matches = matches
        self.onTold = onTold
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown { await self.watch() }
        await end()
    }

    /// As `run`, but that only cancelling ends it: waiting for a shutdown is work on threads that a simulated run does
    /// not have.
    package func runUntilCancelled() async {
        await watch()
        await end()
    }

    private func watch() async {
        var trouble = Repetition(every: .seconds(600))
        while !Task.isCancelled {
            do {
                try await round()
            } catch  where Task.isCancelled {
                break
            } catch {
                if trouble.happened(at: time.uptime) != nil {
                    logger.error("watching stands still", metadata: ["error": "\(Self.safe(error))"])
                }
            }
            // Cancelled while waiting: the loop's condition ends it.
            try? await time.sleep(for: Self.interval)
        }
    }

    private func end() async {
        // The last counts; where the journal is gone already, some seconds of a rate are lost.
        try? await flush()
    }

    /// Looks once.
    package func round() async throws {
        try await flush()
        try await noteSecrets()
        guard try await journal.leadsWatch() else { return }
        let (now, settings) = (time.now, settings.current)
        let figures = try await journal.watchFigures(AlertRules.windows(settings.alerts), now: now)
        let rules = AlertRules(figures, settings: settings, matches: try await matches(), now: now)
        var changes = try await priced(rules.decide(), figures, settings)
        changes += try await issueChanges(figures.issues, now: now)
        if isTidyDue { changes.append(.tidy) }
        guard try await journal.write(changes, now: now) else { return }
        try await tell(settings, now: now)
    }

    private func flush() async throws {
        let tallies = book.take()
        do {
            try await journal.addTallies(tallies)
        } catch {
            book.putBack(tallies)
            throw error
        }
    }

    private func noteSecrets() async throws {
        let marks = secrets()
        guard marks != notedSecrets.withLock({ $0 }) else { return }
        try await journal.noteSecrets(marks, now: time.now)
        notedSecrets.withLock { $0 = marks }
    }

    private var isTidyDue: Bool {
        let uptime = time.uptime
        return tidiedAt.withLock { last in
            if let last, uptime - last < Self.tidyInterval { return false }
            last = uptime
            return true
        }
    }

    // MARK: What it costs

    /// The changes with what each alert costs, also of those that are open already.
    private func priced(_ changes: [WatchChange], _ figures: WatchFigures, _ settings: Settings) async throws
        -> [WatchChange]
    {
        var (result, ending): ([WatchChange], Set<String>) = ([], [])
        for change in changes {
            switch change {
            case .open(var alert):
                alert.cost = try await cost(of: alert.key, settings).text
                result.append(.open(alert))
            case .end(let key):
                ending.insert(key)
                result.append(change)
            default: result.append(change)
            }
        }
        for row in figures.alerts where row.isOpen && !ending.contains(row.alert.key) {
            let text = try await cost(of: row.alert.key, settings).text
            if let text, text != row.alert.cost { result.append(.price(row.id, text)) }
        }
        return result
    }

    private func cost(of key: String, _ settings: Settings) async throws -> (cost: Cost?, text: String?) {
        guard let scope = AlertKey(key).costScope else { return (nil, nil) }
        let cost = try await journal.cost(of: scope)
        if let text = CostText.text(cost, of: scope, settings: settings) { return (cost, text) }
        // What fails may be refused for good, and then nobody waits: it costs what lies dead.
        if case .work(.failedWork, let name) = AlertKey(key) {
            let dead = try await journal.cost(of: .dead(destination: name))
            if let text = CostText.text(dead, of: .dead(destination: name), settings: settings) { return (dead, text) }
        }
        return (cost, "nobody waits for it now")
    }

    private func issueChanges(_ issues: [IssueRow], now: Instant) async throws -> [WatchChange] {
        var changes: [WatchChange] = []
        for issue in issues {
            let cost = try await journal.cost(of: .cause(issue.cause))
            // Not each time: it is a write.
            let isStale = issue.costedAt.map { now - $0 >= Self.costKeptMax } ?? true
            if cost != issue.cost || isStale || issues.count == WatchFigures.issuesMax {
                changes.append(.cost(issue.id, cost))
            }
            if cost.jobs == 0, now - issue.lastAt >= Self.quietDuration {
                changes.append(.endIssue(issue.id, lastAt: issue.lastAt))
            }
        }
        return changes
    }

    // MARK: Telling

    private func tell(_ settings: Settings, now: Instant) async throws {
        guard !settings.alerts.calls.isEmpty else { return }
        let figures = try await journal.watchFigures(WatchWindows(byKind: [:]), now: now)
        let rules = NoticeRules(remind: settings.alerts.remind, silences: figures.silences, now: now)
        var changes: [WatchChange] = []
        for row in figures.alerts {
            let cost = row.isOpen ? try await cost(of: row.alert.key, settings).cost : nil
            let mark = AlertMark(severity: row.alert.severity, magnitude: CostText.magnitude(cost))
            guard let what = rules.notice(of: row, mark: mark) else { continue }
            let event = AlertEvent.make(what, of: row, product: settings.product, mint: mint, now: now)
            let told = AlertMark(row.telling.mark ?? "")
            changes.append(
                .tell(
                    Notice(
                        alert: row.id, toldBefore: row.telling.count, mark: max(mark, told).description,
                        isEnd: what == .ended, event: event)))
            logger.notice(
                "alert \(what.rawValue)", metadata: ["alert.id": "\(row.id)", "alert.key": "\(row.alert.key)"])
        }
        guard !changes.isEmpty, try await journal.write(changes, now: now) else { return }
        onTold()
    }

    /// What may stand in a log: our own failures say nothing about persons, other errors may.
    private static func safe(_ error: any Error) -> String { (error as? Failure)?.message ?? "\(type(of: error))" }
}
