/// What people did to the engine, for the checkers to allow for.
struct OperatorRecord {
    /// A pause by a person, from the moment at which it was confirmed.
    struct PauseSpan {
        var destination: String
        var from: Int64
        var until: Int64?
    }

    var pauses: [PauseSpan] = []
    /// Somebody cancelled jobs: not every effect is owed any more.
    var hasCancelled = false
    /// Somebody let jobs go again: one that ended may have been called again.
    var hasRetried = false
    /// Events that were told to do all again.
    var repeated: Set<String> = []
}
