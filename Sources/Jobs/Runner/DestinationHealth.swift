package import ConnectorKit
package import Journal
package import Model
package import Settings

/// How a destination stands, for people and programs that ask.
package struct DestinationHealth: Sendable {
    package var name: String
    /// The kind of its configuration (`hubspot`, `zendesk`).
    package var kind: String
    package var pause: Pause?
    package var breaker: Breaker.Phase
    package var inFlight: Int
    package var concurrency: Int
    package var rate: Rate?
    /// How long it has asked for patience yet; nil: it has not.
    package var patience: Duration?
    /// Until a paused destination is asked again whether it works; nil: it is not asked by itself.
    package var nextProbe: Duration?
    /// What went wrong last, in the destination's words; nil after a success.
    package var lastTrouble: Verdict.Trouble?
    package var lastTroubleAt: Instant?
    package var lastSuccessAt: Instant?
}

/// What came of asking a destination to go on.
package enum ResumeOutcome: Sendable, Hashable {
    case resumed
    case notPaused
    /// It does not work yet; the destination's own words.
    case stillPaused(Verdict.Trouble)
}
