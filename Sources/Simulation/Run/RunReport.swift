/// A promise that was not held.
package struct Violation: Sendable, Hashable {
    /// A stable word for the promise (`acknowledged-is-kept`).
    package var rule: String
    package var text: String
}

/// What came of one run.
package struct RunReport: Sendable {
    package var seed: UInt64
    package var hazards: [String]
    package var violations: [Violation]
    /// The same for each run of this seed.
    package var hash: UInt64
    package var steps: Int
    /// Virtual milliseconds.
    package var length: Int64
    package var lives: Int
    package var deliveries: Int
    package var calls: Int
    package var diskFaults: UInt64
    /// What happened, oldest first; empty unless the run was to tell.
    package var lines: [String]
}
