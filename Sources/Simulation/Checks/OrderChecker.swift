internal import Journal
internal import Model

/// Lanes are worked in order, one job at a time; what a person paused is not called.
enum OrderChecker {
    /// Slack between a pause and the calls of jobs that had been claimed before it.
    private static let grace: Int64 = 3_000

    static func check(_ evidence: Evidence, _ fail: (String, String) -> Void) {
        checkLanes(evidence, fail)
        checkPauses(evidence, fail)
    }

    private struct Span {
        var job: JobRow
        var first: CallRecord
        var last: CallRecord
    }

    /// Jobs that people let go again, or that step aside for a field or a record, may be passed.
    private static func checkLanes(_ evidence: Evidence, _ fail: (String, String) -> Void) {
        guard !evidence.operations.hasRetried, evidence.operations.repeated.isEmpty else { return }
        let calls = evidence.effectCalls
        var lanes: [String: [Span]] = [:]
        for job in evidence.snapshot.jobs {
            let row = job.row
            let isSteady =
                row.flow == "new-lead" || row.call == "desk.open_ticket" || row.destination == "team"
                || row.call == "hook.send"
            let made = calls["\(row.destination) \(Evidence.mark(of: row))"] ?? []
            guard isSteady, let first = made.first, let last = made.last else { continue }
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

    private static func isBroken(_ one: Span, _ next: Span) -> Bool {
        if next.first.startedAt < one.last.startedAt { return true }
        guard one.last.life == next.first.life, let end = one.last.endedAt else { return false }
        return next.first.startedAt < end
    }

    private static func checkPauses(_ evidence: Evidence, _ fail: (String, String) -> Void) {
        for pause in evidence.operations.pauses {
            let from = pause.from + grace
            let broken = evidence.calls.first {
                $0.destination == pause.destination && $0.isEffect && $0.mark != nil
                    && $0.mark?.hasPrefix("ping-") == false && $0.startedAt > from
                    && $0.startedAt < pause.until ?? Int64.max
            }
            if let broken {
                fail(
                    "paused-is-quiet",
                    "\(pause.destination) was called at \(broken.startedAt), paused from \(pause.from) "
                        + "to \(pause.until ?? -1)")
            }
        }
    }
}
