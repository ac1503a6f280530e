package import Journal
package import Logging
internal import Model
package import Seams
internal import Synchronization

/// How an inbox stands, for metrics.
package struct InboxMeter: Sendable, Hashable {
    package var isReachable: Bool
    package var waiting: Int
    package var held: Int
    package var lag: Duration

    package init(isReachable: Bool, waiting: Int, held: Int, lag: Duration) {
        self.isReachable = isReachable
        self.waiting = waiting
        self.held = held
        self.lag = lag
    }
}

/// What a person must be told of an inbox: a value that only speaks when something changes.
struct InboxAlerts: Sendable {
    /// For how long the database may be away before that is news.
    static let awayMax: Duration = .seconds(60)

    enum Trouble: String, Sendable, CaseIterable { case away, held }
    enum Action: Sendable, Hashable {
        case open(Trouble, detail: String)
        case end(Trouble)
    }

    /// What is open; nil: not known yet, since an earlier process may have left it so.
    private var isOpen: [Trouble: Bool] = [:]

    mutating func note(_ report: InboxReport) -> [Action] {
        switch report {
        case .away(let duration, let words):
            return duration < Self.awayMax ? [] : change(.away, to: words)
        case .reached(let figures):
            let held = figures.held == 0 ? nil : "\(figures.held) rows; the column reason of throughline.inbox says why"
            return change(.away, to: nil) + change(.held, to: held)
        }
    }

    private mutating func change(_ trouble: Trouble, to detail: String?) -> [Action] {
        guard isOpen[trouble] != (detail != nil) else { return [] }
        isOpen[trouble] = detail != nil
        return [detail.map { .open(trouble, detail: $0) } ?? .end(trouble)]
    }
}

/// Turns what a drain reports into metrics and alerts.
package final class InboxWatch: Sendable {
    private let source: String
    private let meters: Meters
    private let journal: any WorkJournal
    private let time: any TimeSource
    private let logger: Logger
    private let state = Mutex(
        (alerts: InboxAlerts(), meter: InboxMeter(isReachable: false, waiting: 0, held: 0, lag: .zero)))

    package init(source: String, meters: Meters, journal: any WorkJournal, time: any TimeSource, logger: Logger) {
        self.source = source
        self.meters = meters
        self.journal = journal
        self.time = time
        self.logger = logger
    }

    package func note(_ report: InboxReport) async {
        let (actions, meter) = state.withLock { state in
            switch report {
            case .away: state.meter.isReachable = false
            case .reached(let figures):
                state.meter = InboxMeter(
                    isReachable: true, waiting: figures.waiting, held: figures.held,
                    lag: figures.oldestAcceptedAt.map { max(.zero, figures.now - $0) } ?? .zero)
            }
            return (state.alerts.note(report), state.meter)
        }
        meters.recordInbox(source: source, meter)
        for action in actions { await act(action) }
    }

    private func act(_ action: InboxAlerts.Action) async {
        do {
            switch action {
            case .open(let trouble, let detail):
                try await journal.openAlert(
                    NewAlert(key: key(trouble), title: title(trouble), detail: detail, at: time.now))
            case .end(let trouble): try await journal.endAlert(key: key(trouble), at: time.now)
            }
        } catch {
            // The metrics say the same, and the journal's own trouble is told elsewhere.
            logger.error(
                "alert of the inbox not kept",
                metadata: ["source": "\(source)", "error.message": "\((error as? Failure)?.message ?? "")"])
        }
    }

    private func key(_ trouble: InboxAlerts.Trouble) -> String { "inbox:\(source):\(trouble)" }

    private func title(_ trouble: InboxAlerts.Trouble) -> String {
        switch trouble {
        case .away: "The inbox \(source) cannot be reached"
        case .held: "The inbox \(source) holds rows that cannot be used"
        }
    }
}
