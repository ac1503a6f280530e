/// What people did to the engine, for the checkers to allow for.
///
/// Times are the run's own, in milliseconds since it began.
struct OperatorRecord {
    /// A pause by a person.
    struct PauseSpan {
        var destination: String
        var orderedAt: Int64
        /// When it was confirmed; nil: it may hold or not.
        var from: Int64?
        var until: Int64?
    }

    /// Somebody let jobs go again, at some moment between these two.
    struct RetrySpan {
        var from: Int64
        var until: Int64?
    }

    /// From when on a configuration was in force.
    struct Regime {
        var from: Int64
        var configuration: Configuration
    }

    var pauses: [PauseSpan] = []
    var retries: [RetrySpan] = []
    /// Destinations whose jobs somebody cancelled: not every effect there is owed any more.
    var cancelled: Set<String> = []
    /// Events that were told to do all again.
    var repeated: Set<String> = []
    var regimes: [Regime] = []

    func hasRetried(between start: Int64, and end: Int64) -> Bool {
        retries.contains { $0.from <= end && $0.until ?? .max >= start }
    }
}
