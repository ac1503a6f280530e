internal import Journal
internal import Model

/// Lanes are worked in order, one job at a time; what a person paused is not called.
enum OrderChecker {
    /// Slack between a pause and the calls of jobs that had been claimed before it.
    static let grace: Int64 = 3_000

    static func check(_ evidence: Evidence, _ fail: (String, String) -> Void) {
        checkLanes(evidence, fail)
        checkPauses(evidence, fail)
    }

    private struct Span {
        var job: JobRow
        var first: CallRecord
        var last: CallRecord
    }

    /// Jobs that step aside for a field or a record may be passed, and so may those that people let go again.
    private static func checkLanes(_ evidence: Evidence, _ fail: (String, String) -> Void) {
        // With a clock that jumps a job may be given up for its age, and go again by a person's word, without a trace.
        guard evidence.isTimely || evidence.operations.retries.isEmpty else { return }
        let calls = evidence.effectCalls
        var lanes: [String: [Span]] = [:]
        for job in evidence.snapshot.jobs {
            let row = job.row
            let isSteady =
                row.flow == "new-lead" || row.call == "desk.open_ticket" || row.destination == "team"
                || row.call == "hook.send"
            let made = calls["\(row.destination) \(Evidence.mark(of: row))"] ?? []
            guard isSteady, !isAgain(job, evidence), let first = made.first, let last = made.last else { continue }
            lanes["\(row.destination) \(row.subject)", default: []].append(Span(job: row, first: first, last: last))
        }
        for (lane, spans) in lanes {
            for (one, next) in zip(spans, spans.dropFirst()) where isBroken(one, next) {
                fail(
                    "lanes-in-order",
                    "in \(lane) \(next.job.effect) was called at \(next.first.startedAt), before \(one.job.effect) "
                        + "was done (\(one.last.startedAt) to \(one.last.endedAt ?? -1))")
            }
        }
    }

    /// Whether it had ended before it was called last; notices of all generations bear the same mark.
    private static func isAgain(_ job: JobDetail, _ evidence: Evidence) -> Bool {
        if job.row.destination == "team", evidence.operations.repeated.contains(job.row.event.description) {
            return true
        }
        guard !evidence.operations.retries.isEmpty else { return false }
        return job.attempts.dropLast().contains { $0.end?.outcome == .permanent }
    }

    private static func isBroken(_ one: Span, _ next: Span) -> Bool {
        if next.first.startedAt < one.last.startedAt { return true }
        guard one.last.life == next.first.life, let end = one.last.endedAt else { return false }
        return next.first.startedAt < end
    }

    private static func checkPauses(_ evidence: Evidence, _ fail: (String, String) -> Void) {
        for pause in evidence.operations.pauses {
            guard let confirmed = pause.from else { continue }
            let from = confirmed + grace
            let broken = evidence.calls.first {
                $0.destination == pause.destination && $0.isEffect && $0.mark != nil
                    && $0.mark?.hasPrefix("ping-") == false && $0.startedAt > from
                    && $0.startedAt < pause.until ?? Int64.max
            }
            if let broken {
                fail(
                    "paused-is-quiet",
                    "\(pause.destination) was called at \(broken.startedAt), paused from \(confirmed) "
                        + "to \(pause.until ?? -1)")
            }
        }
    }
}
