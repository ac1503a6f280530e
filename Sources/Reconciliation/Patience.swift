internal import ConnectorKit
internal import Model
internal import Seams

/// How long a run bears with a provider that asks for patience: a value.
struct Patience {
    static let triesMax = 6
    static let waitMax: Duration = .seconds(60)
    private static let first: Duration = .seconds(1)

    private var tries = 0

    /// How long to wait before the same call is made again; nil: it will not work.
    mutating func wait(after verdict: Verdict) -> Duration? {
        tries += 1
        guard tries < Self.triesMax else { return nil }
        let doubled = Self.first * (1 << (tries - 1))
        switch verdict {
        case .slowDown(_, let after): return after <= Self.waitMax ? max(after, doubled) : nil
        case .transient(_, _, let after): return min(max(after ?? .zero, doubled), Self.waitMax)
        case .succeeded, .permanent, .credentials, .blocked: return nil
        }
    }
}

/// A provider could not be asked to the end.
struct Unanswered: Error {
    var verdict: Verdict

    var reason: String {
        verdict.trouble.map { "\($0.message) (\($0.errorClass))" } ?? "the provider gave no answer"
    }
}

/// Asks as often as patience allows.
func patiently<Value>(
    on time: any TimeSource, _ ask: () async throws(Setback) -> Value
) async throws -> Value {
    var patience = Patience()
    while true {
        let verdict: Verdict
        do throws(Setback) {
            return try await ask()
        } catch {
            verdict = error.report.verdict
        }
        guard let wait = patience.wait(after: verdict) else { throw Unanswered(verdict: verdict) }
        try await time.sleep(for: wait)
    }
}
