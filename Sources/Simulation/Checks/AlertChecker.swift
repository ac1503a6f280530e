internal import Journal
internal import Model

/// Trouble that people must know of raises an alert, and the alert ends when the trouble does.
enum AlertChecker {
    static func check(_ evidence: Evidence, _ fail: (String, String) -> Void) {
        let alerts = evidence.snapshot.alerts
        for alert in alerts where alert.endedAt == nil && alert.alert.key != "unplannable" {
            fail("alerts-end", "\(alert.alert.key) is open though nothing is wrong any more")
        }
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

    /// Who has paused it need not be told that a call under way was refused; the next call after a resume tells.
    private static func isHeardInPause(_ attempt: AttemptRow, at destination: String, _ evidence: Evidence) -> Bool {
        evidence.operations.pauses.contains { pause in
            guard pause.destination == destination else { return false }
            guard evidence.isTimely, let from = pause.from, let end = attempt.end else { return true }
            return attempt.startedAt.uptime <= from + OrderChecker.grace && end.endedAt.uptime >= pause.orderedAt
        }
    }
}
