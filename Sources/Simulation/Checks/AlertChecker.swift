internal import Journal
internal import Model
internal import Watch

/// Trouble that people must know of raises an alert, and the alert ends when the trouble does.
enum AlertChecker {
    static func check(_ evidence: Evidence, _ fail: (String, String) -> Void) {
        let alerts = evidence.snapshot.alerts
        let dead = Set(evidence.snapshot.jobs.map(\.row).filter { $0.state == .dead }.map(\.destination))
        for alert in alerts where alert.endedAt == nil && alert.alert.key != "unplannable" {
            switch AlertKey(alert.alert.key) {
            case .work(.dead, let name) where dead.contains(name): continue
            // Its window is longer than a run.
            case .work(.failedWork, _): continue
            default: fail("alerts-end", "\(alert.alert.key) is open though nothing is wrong any more")
            }
        }
        for name in dead.sorted()
        where !alerts.contains(where: { $0.isOpen && $0.alert.key == AlertKey.Rule.dead.key(name) }) {
            fail("alerts-open", "\(name) has dead letters, and nobody was told")
        }
        checkIssues(evidence, fail)
        for (destination, pause) in evidence.snapshot.pauses.sorted(by: { $0.key < $1.key }) {
            fail("alerts-end", "\(destination) is paused (\(pause.cause.rawValue)) though nothing is wrong any more")
        }
        let keys = Set(alerts.map(\.alert.key))
        for job in evidence.snapshot.jobs {
            let isRefused = job.attempts.contains {
                $0.end?.outcome == .credentials && !isHeardInPause($0, at: job.row.destination, evidence)
            }
            if isRefused, !keys.contains("destination:\(job.row.destination):credentials") {
                fail("alerts-open", "\(job.row.destination) refused the credential, and nobody was told")
            }
        }
        let unplannable = evidence.snapshot.kept.contains { $0.kind == .unplannable }
        if unplannable, !keys.contains("unplannable") { fail("alerts-open", "nobody was told of an unplannable event") }
        if unplannable, evidence.lives == 1 {
            fail("all-planned", "an event could not be planned, and nothing crashed")
        }
    }

    /// No failure is without its issue, and an open one says no less than what hangs on it.
    private static func checkIssues(_ evidence: Evidence, _ fail: (String, String) -> Void) {
        let causes = Set(evidence.snapshot.issues.map { "\($0.cause.destination) \($0.cause.errorClass)" })
        let open = Set(
            evidence.snapshot.issues.filter(\.isOpen).map { "\($0.cause.destination) \($0.cause.errorClass)" })
        for job in evidence.snapshot.jobs {
            let failed = job.attempts.compactMap(\.end).filter { end in
                [.transient, .permanent, .credentials, .blocked].contains(end.outcome)
            }
            for end in failed where !causes.contains("\(job.row.destination) \(end.errorClass ?? "")") {
                fail("issues-open", "\(job.row.id) failed (\(end.errorClass ?? "")), and no issue says so")
            }
            guard job.row.state == .dead, let cause = job.row.errorClass else { continue }
            if !open.contains("\(job.row.destination) \(cause)") {
                fail("issues-open", "\(job.row.id) is dead (\(cause)), and no open issue says so")
            }
        }
        let failures = evidence.snapshot.jobs.reduce(0) { $0 + $1.attempts.count } + evidence.snapshot.jobs.count
        let counted = evidence.snapshot.issues.reduce(0) { $0 + $1.count }
        if counted > failures { fail("issues-open", "issues count \(counted) failures of \(failures)") }
    }

    /// Who has paused it need not be told that a call under way was refused; the next call after a resume tells.
    private static func isHeardInPause(_ attempt: AttemptRow, at destination: String, _ evidence: Evidence) -> Bool {
        evidence.operations.pauses.contains { pause in
            guard pause.destination == destination else { return false }
            guard evidence.isTimely, let from = pause.from, let end = attempt.end else { return true }
            return attempt.startedAt.uptime <= from + OrderChecker.grace && end.endedAt.uptime >= pause.orderedAt
        }
    }
}
