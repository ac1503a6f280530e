internal import API
internal import Journal
internal import Model

/// What the first page says in one sentence.
struct StateOfThings: Sendable, Equatable {
    var isWell: Bool
    var sentence: String

    init(
        figures: JournalFigures, destinations: [DestinationStatus], refusals: Int, readiness: String?,
        wellSince: Instant
    ) {
        var wrong: [String] = []
        if let readiness { wrong.append("nothing is taken in (\(readiness))") }
        let paused = destinations.filter { $0.pause != nil }
        for destination in paused.prefix(3) {
            let waiting = figures.openJobs[destination.name]?.values.reduce(0, +) ?? 0
            wrong.append("destination \(destination.name) is paused, \(Self.count(waiting, "job")) behind it")
        }
        if figures.dead > 0 { wrong.append(Self.count(figures.dead, "dead letter")) }
        if figures.quarantined > 0 {
            wrong.append("\(Self.count(figures.quarantined, "delivery", "deliveries")) in quarantine")
        }
        let other = figures.openAlerts - paused.count
        if other > 0 { wrong.append(Self.count(figures.openAlerts, "open alert")) }
        if refusals > 0 { wrong.append("\(Self.count(refusals, "delivery", "deliveries")) refused at the door lately") }
        isWell = wrong.isEmpty
        if let first = wrong.first {
            let rest = wrong.dropFirst()
            sentence =
                first.prefix(1).uppercased() + first.dropFirst()
                + (rest.isEmpty ? "." : "; " + rest.joined(separator: "; ") + ".")
        } else {
            sentence = "All is well since \(Shown.time(wellSince))."
        }
    }

    static func count(_ count: Int, _ one: String, _ many: String? = nil) -> String {
        "\(count) \(count == 1 ? one : many ?? one + "s")"
    }
}

/// How things are written on pages.
enum Shown {
    /// `2026-11-23 10:00:00 UTC`.
    static func time(_ instant: Instant) -> String {
        instant.description.prefix(19).replacing("T", with: " ") + " UTC"
    }

    /// A class for colour; the word itself always stands beside it.
    static func tone(of state: String?) -> String {
        switch state {
        case "completed", "succeeded", "known", "active": "good"
        case "dead", "permanent", "credentials", "blocked", "paused": "bad"
        case "retryable", "transient", "slow_down", "held", "unknown", "waiting", "pending", "refused": "warn"
        default: "quiet"
        }
    }

    static func words(_ state: String) -> String { state.replacing("_", with: " ") }
}
