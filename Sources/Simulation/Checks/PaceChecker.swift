internal import Model

/// No destination is called by more at a time, or faster, than the configuration in force allows.
enum PaceChecker {
    static func check(_ evidence: Evidence, _ fail: (String, String) -> Void) {
        let calls = evidence.calls.filter { $0.isEffect && $0.mark != nil && $0.mark?.hasPrefix("ping-") == false }
        let places = Dictionary(grouping: calls) { "\($0.destination) in life \($0.life)" }
        for (place, calls) in places.sorted(by: { $0.key < $1.key }) {
            checkConcurrency(place, calls, evidence, fail)
            if calls.first?.destination == "team" { checkRate(place, calls, evidence, fail) }
        }
    }

    /// Calls that were under way at a reload stay under way, so the widest configuration so far counts.
    private static func checkConcurrency(
        _ place: String, _ calls: [CallRecord], _ evidence: Evidence, _ fail: (String, String) -> Void
    ) {
        for call in calls {
            let allowed = evidence.operations.regimes.filter { $0.from <= call.startedAt }
                .map(\.configuration.concurrency).max()
            let count = calls.count {
                $0.startedAt <= call.startedAt && ($0.endedAt ?? .max) > call.startedAt
            }
            guard let allowed, count > allowed else { continue }
            return fail("concurrency-held", "\(count) calls at a time at \(place), and \(allowed) are allowed")
        }
    }

    /// Only where one configuration held all the time: a bucket that a reload brings begins anew.
    private static func checkRate(
        _ place: String, _ calls: [CallRecord], _ evidence: Evidence, _ fail: (String, String) -> Void
    ) {
        let limits = Set(evidence.operations.regimes.map(\.configuration.noticesMax))
        guard limits.count == 1, let allowed = limits.first ?? nil else { return }
        for call in calls {
            let count = calls.count {
                $0.startedAt >= call.startedAt && $0.startedAt < call.startedAt + Configuration.noticesWindow
            }
            guard count > allowed else { continue }
            return fail(
                "rate-held",
                "\(count) calls at \(place) in \(Configuration.noticesWindow) ms from \(call.startedAt), and \(allowed) "
                    + "are allowed")
        }
    }
}
