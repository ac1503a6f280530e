package import Journal
package import Model

/// What a repair would do, before anybody says yes.
package struct RepairPlan: Sendable, Hashable {
    package struct Step: Sendable, Hashable {
        package var cause: Difference.Cause
        package var count: Int
        /// `ingest`, `retry`, `replay`, `repeat`, `merge`.
        package var action: String
        /// What it means, in a sentence.
        package var words: String
        /// Whether something happens at a destination that cannot be taken back by us.
        package var isFinal: Bool
    }

    package var run: ReconciliationID
    package var steps: [Step]

    package var count: Int { steps.reduce(0) { $0 + $1.count } }

    package init(run: ReconciliationID, place: String, open: [Difference.Cause: Int]) {
        self.run = run
        steps = Difference.Cause.allCases.compactMap { cause in
            guard let count = open[cause], count > 0 else { return nil }
            let (action, words, isFinal) = Self.words(cause, place)
            return Step(cause: cause, count: count, action: action, words: words, isFinal: isFinal)
        }
    }

    private static func words(_ cause: Difference.Cause, _ place: String) -> (String, String, Bool) {
        switch cause {
        case .neverArrived:
            ("ingest", "fetched from \(place) and taken in as recovered; flows plan their effects once", false)
        case .dead: ("retry", "its dead jobs are tried again", false)
        case .neverPlanned: ("replay", "read and planned again; what was done is not done twice", false)
        case .changed:
            ("repeat", "set right from what \(place) says now: a state is taken in, an effect is made once more", true)
        case .double: ("merge", "the doubles are merged into one at \(place), which cannot be undone", true)
        }
    }
}
