import ArgumentParser
import Model

/// What every command takes.
struct CommonOptions: ParsableArguments {
    @Option(help: "The configuration file (default: throughline.yaml here, or $THROUGHLINE_CONFIG).")
    var config: String?

    @Flag(help: "Answer as JSON: one object, or one line an item; errors too.")
    var json = false

    @Option(help: "The server to talk to, instead of the one of this configuration.")
    var server: String?

    @Option(help: "The key for --server (default: $THROUGHLINE_KEY).")
    var key: String?
}

/// For commands that change much: their plan comes first.
struct ConsentOptions: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Go on without asking.")
    var yes = false

    @Flag(help: "Show the plan and change nothing.")
    var dryRun = false
}

/// `1 job`, `2 jobs`.
func counted(_ count: some BinaryInteger, _ one: String, _ many: String) -> String {
    "\(count) \(count == 1 ? one : many)"
}

extension Failure {
    /// As the API tells it, for `--json`.
    var json: JSONValue {
        [
            "error": [
                "code": .string(code.name), "message": .string(message), "field": field.map { .string($0) } ?? .null,
            ]
        ]
    }

    /// 1: what was asked for does not hold; 2: wrong usage or configuration; 3: something needed cannot be reached.
    var exitCode: Int32 {
        switch code {
        case .notFound, .ambiguous, .conflict: 1
        case .unavailable, .unreachable, .journal, .journalLocked, .overloaded: 3
        default: 2
        }
    }
}

/// Ends a command with exit code 1 after it has said what does not hold.
struct DoesNotHold: Error {}
