internal import Journal
internal import Model

/// What one run has found so far.
struct RunLedger {
    private(set) var run: Reconciliation
    private var samples: [String: (judged: Int, matched: Int)] = [:]
    private var number = 0
    /// Differences that are not kept yet.
    private(set) var fresh: [Difference] = []

    static let freshMax = 200

    init(run: Reconciliation) { self.run = run }

    /// Notes a judgement; `difference` names what it is about and is asked only where something differs.
    mutating func note(
        _ judgement: Comparison.Judgement, in sample: String, difference: (Difference.Cause, String) -> Difference
    ) {
        switch judgement {
        case .unjudged: return
        case .matched: samples[sample, default: (0, 0)].matched += 1
        case .differs(let cause, let detail):
            if number < Limits.differencesMax {
                number += 1
                var difference = difference(cause, detail)
                difference.number = number
                difference.sample = sample
                fresh.append(difference)
            } else {
                run.isCut = true
            }
        }
        samples[sample, default: (0, 0)].judged += 1
    }

    mutating func cut() { run.isCut = true }

    mutating func takeFresh() -> [Difference] {
        defer { fresh = [] }
        return fresh
    }

    /// The run as it ends.
    func ended(_ state: Reconciliation.State, reason: String? = nil, at now: Instant) -> Reconciliation {
        var run = run
        run.state = state
        run.reason = reason
        run.endedAt = now
        run.differences = number
        run.samples = samples.sorted { $0.key < $1.key }.map {
            Reconciliation.Sample(name: $0.key, judged: $0.value.judged, matched: $0.value.matched)
        }
        return run
    }
}
