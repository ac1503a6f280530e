package import Model

/// A delivery that was not believed, for the operator.
package struct Refusal: Sendable, Hashable {
    package var source: String
    package var at: Instant
    package var code: SignatureRefusal.Code
    /// What is wrong and what may help.
    ///
    /// Holds nothing of the body, the signature or a secret.
    package var reason: String
}

/// The last refusals of each source, and when each was looked into last.
struct RefusalLog: Sendable {
    static let perSourceMax = 20
    /// Looking into a refusal costs more than refusing; a flood of forgeries gets one look a second.
    static let lookInterval: Duration = .seconds(1)

    private var refusals: [String: [Refusal]] = [:]
    private var lastLooks: [String: Instant] = [:]

    /// Whether this refusal should be looked into and logged.
    mutating func mayLook(at source: String, now: Instant) -> Bool {
        if let last = lastLooks[source], now - last < Self.lookInterval, now >= last { return false }
        lastLooks[source] = now
        return true
    }

    mutating func record(_ refusal: Refusal) {
        refusals[refusal.source, default: []].append(refusal)
        if refusals[refusal.source, default: []].count > Self.perSourceMax {
            refusals[refusal.source]?.removeFirst()
        }
    }

    /// The newest first.
    var recent: [Refusal] {
        refusals.values.joined().sorted { ($0.at, $0.source) > ($1.at, $1.source) }
    }
}
