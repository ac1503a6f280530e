package import Journal

/// What an alert's key says: which rule it comes from, and what it is about.
package enum AlertKey: Sendable, Hashable {
    /// The rules that this room decides by; other rooms open and end alerts of their own.
    package enum Rule: String, Sendable, Hashable, CaseIterable {
        case failedWork = "failed_work"
        case failedDeliveries = "failed_deliveries"
        case slowAcknowledgements = "slow_acknowledgements"
        case stubborn = "stubborn_jobs"
        case dead = "dead_letters"
        case stranded = "stranded_jobs"
        case silent = "silent_source"
        case secret = "secret_age"
        case mismatch = "reconciliation"

        package func key(_ name: String) -> String { "\(rawValue):\(name)" }
    }

    /// Of ours, about a destination's work.
    case work(Rule, destination: String)
    /// Of ours, about something else.
    case other(Rule, name: String)
    /// A destination that takes no jobs.
    case destination(String)
    case foreign

    package init(_ key: String) {
        let parts = key.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let rest = parts.count > 1 ? parts[1] : ""
        switch parts.first.flatMap(Rule.init) {
        case .failedWork?: self = .work(.failedWork, destination: rest)
        case .stubborn?: self = .work(.stubborn, destination: rest)
        case .dead?: self = .work(.dead, destination: rest)
        case .stranded?: self = .work(.stranded, destination: rest)
        case let rule?: self = .other(rule, name: rest)
        case nil:
            guard parts.first == "destination", let end = rest.lastIndex(of: ":") else {
                self = .foreign
                return
            }
            self = .destination(String(rest[..<end]))
        }
    }

    package var isOfRules: Bool {
        switch self {
        case .work, .other: true
        case .destination, .foreign: false
        }
    }

    /// Whose jobs hang on it; nil: no job does.
    package var costScope: CostScope? {
        switch self {
        case .work(.dead, let name): .dead(destination: name)
        case .work(_, let name), .destination(let name): .waiting(destination: name)
        case .other, .foreign: nil
        }
    }
}
