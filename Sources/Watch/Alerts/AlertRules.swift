package import Journal
package import Model
package import Settings

/// From figures to alerts that open and end.
///
/// Pure: the same figures give the same changes, on any node, any number of times.
package struct AlertRules {
    /// How well provider and journal agree, from the newest reconciliation of a source.
    package struct Match: Sendable, Hashable {
        package var source: String
        package var matched: Int
        package var total: Int

        package init(source: String, matched: Int, total: Int) {
            self.source = source
            self.matched = matched
            self.total = total
        }

        /// What the newest run of each place says, where it has judged enough to say anything; newest first.
        package static func newest(of runs: [Reconciliation]) -> [Match] {
            var places: Set<String> = []
            return runs.filter {
                $0.state == .completed && $0.judged >= leastJudged && places.insert($0.place).inserted
            }
            .map { Match(source: $0.place, matched: $0.matched, total: $0.judged) }
        }

        private static let leastJudged = 20
    }

    /// How one thing that a rule looks at stands.
    enum Finding: Sendable, Hashable {
        case trouble(NewAlert)
        /// Better than when it opened, not yet good: an open alert stays, none opens.
        case lingering
        case fine
    }

    static let windows: [Tally.Kind: WatchWindows.Window] = [
        .work: .init(whole: .seconds(3600), recent: .seconds(900)),
        .delivery: .init(whole: .seconds(900), recent: .seconds(300)),
        .ack: .init(whole: .seconds(900), recent: .seconds(300)),
    ]
    /// Fewer than these say nothing about a rate.
    static let leastWork = 20
    static let leastDeliveries = 50
    static let leastAcknowledgements = 100
    static let leastFailures = 3
    /// By then the last part of the window of work is all after the recovery.
    package static let recoveryTime: Duration = .seconds(900)

    let figures: WatchFigures
    let settings: Settings
    let matches: [Match]
    let now: Instant

    package init(_ figures: WatchFigures, settings: Settings, matches: [Match] = [], now: Instant) {
        self.figures = figures
        self.settings = settings
        self.matches = matches
        self.now = now
    }

    package static func windows(_ settings: AlertSettings) -> WatchWindows {
        WatchWindows(byKind: windows, attempts: settings.attempts ?? WatchWindows.attemptsLeast)
    }

    /// What the rules change, in the order of the keys.
    package func decide() -> [WatchChange] {
        let findings = findings()
        let open = Dictionary(figures.alerts.filter(\.isOpen).map { ($0.alert.key, $0) }) { first, _ in first }
        var changes: [WatchChange] = []
        for (key, finding) in findings.sorted(by: { $0.key < $1.key }) {
            guard case .trouble(let alert) = finding else { continue }
            if let row = open[key] {
                let isSame = row.alert.title == alert.title && row.alert.detail == alert.detail
                if !isSame || row.alert.severity != alert.severity { changes.append(.open(alert)) }
            } else if !isCovered(key, findings, open) {
                changes.append(.open(alert))
            }
        }
        for key in open.keys.sorted() where AlertKey(key).isOfRules {
            switch findings[key] ?? .fine {
            case .fine: changes.append(.end(key: key))
            case .trouble, .lingering: break
            }
        }
        return changes
    }

    private func findings() -> [String: Finding] {
        var findings: [String: Finding] = [:]
        findings.merge(failedWork) { $1 }
        findings.merge(failedDeliveries) { $1 }
        findings.merge(slowAcknowledgements) { $1 }
        findings.merge(stubbornJobs) { $1 }
        findings.merge(deadLetters) { $1 }
        findings.merge(strandedJobs) { $1 }
        findings.merge(silentSources) { $1 }
        findings.merge(oldSecrets) { $1 }
        findings.merge(mismatches) { $1 }
        return findings
    }

    /// Whether a bigger alert about the same destination says it already.
    private func isCovered(_ key: String, _ findings: [String: Finding], _ open: [String: AlertRow]) -> Bool {
        guard case .work(let rule, let destination) = AlertKey(key) else { return false }
        let told = ["credentials", "blocked", "unreachable"].map { "destination:\(destination):\($0)" }
        let isPaused = told.contains { open[$0] != nil }
        // What failed before it recovered was told by that alert; after a while the rates are of what came since.
        if let end = told.compactMap({ figures.recoveries[$0] }).max(), now - end < Self.recoveryTime, rule != .dead {
            return true
        }
        guard rule == .stubborn else { return isPaused }
        let bigger = AlertKey.Rule.failedWork.key(destination)
        if case .trouble = findings[bigger] { return true }
        return isPaused || open[bigger] != nil
    }
}
