package import Model

/// Why things fail: all failures with the same cause are one issue.
package struct IssueCause: Sendable, Hashable {
    package var destination: String
    /// A bounded word (`http_500`, `missing_field`).
    package var errorClass: String
    package var field: String?

    package init(destination: String, errorClass: String, field: String? = nil) {
        self.destination = destination
        self.errorClass = errorClass
        self.field = field
    }
}

/// All failures of one cause, with their life: open, acknowledged, ended.
///
/// It ends by itself when no job hangs on it any more and it has been quiet for a while; a failure after that opens
/// another one.
package struct IssueRow: Sendable, Hashable {
    package var id: IssueID
    package var cause: IssueCause
    /// The newest of the failures in the destination's words; empty where its person was erased.
    package var error: String
    /// Failed attempts, and jobs that ended as dead without one.
    package var count: Int
    package var firstAt: Instant
    package var lastAt: Instant
    /// Which jobs hang on it now; nil: not counted yet.
    package var cost: Cost?
    package var costedAt: Instant?
    package var acknowledged: Acknowledgement?
    package var endedAt: Instant?

    package init(
        id: IssueID, cause: IssueCause, error: String, count: Int, firstAt: Instant, lastAt: Instant,
        cost: Cost? = nil, costedAt: Instant? = nil, acknowledged: Acknowledgement? = nil, endedAt: Instant? = nil
    ) {
        self.id = id
        self.cause = cause
        self.error = error
        self.count = count
        self.firstAt = firstAt
        self.lastAt = lastAt
        self.cost = cost
        self.costedAt = costedAt
        self.acknowledged = acknowledged
        self.endedAt = endedAt
    }

    package var isOpen: Bool { endedAt == nil }
}

package struct IssueFilter: Sendable, Hashable {
    /// Nil: both.
    package var isOpen: Bool?
    package var destination: String?

    package init(isOpen: Bool? = nil, destination: String? = nil) {
        self.isOpen = isOpen
        self.destination = destination
    }
}

extension Settlement {
    /// The cause for which this counts as a failure at `destination`; nil where nothing failed.
    ///
    /// Being asked for patience is no failure, nor is a call that we cut off ourselves, unless the job ends with it.
    package func failure(at destination: String) -> IssueCause? {
        let isGivenUp = result == .dead || result == .held
        let isFailure =
            switch attempt.outcome {
            case .transient, .permanent, .credentials, .blocked: true
            case .unknown: attempt.errorClass != "cut_off" || isGivenUp
            case .succeeded, .slowDown: false
            case .notMade: isGivenUp
            }
        guard isFailure else { return nil }
        return IssueCause(
            destination: destination, errorClass: attempt.errorClass ?? attempt.outcome.rawValue, field: attempt.field)
    }
}
