internal import Model

/// How things are written on pages.
enum Shown {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// `14:03` where it is of today, else `23 Nov 14:03`; all in UTC.
    static func moment(_ instant: Instant, now: Instant) -> String {
        let text = instant.description
        let clock = text.dropFirst(11).prefix(5)
        if text.prefix(10) == now.description.prefix(10) { return "\(clock) UTC" }
        let parts = text.prefix(10).split(separator: "-")
        guard parts.count == 3, let month = Int(parts[1]), months.indices.contains(month - 1), let day = Int(parts[2])
        else { return String(text) }
        let year = text.prefix(4) == now.description.prefix(4) ? "" : " \(parts[0])"
        return "\(day) \(months[month - 1])\(year) \(clock) UTC"
    }

    /// `10:00:00.123`.
    static func clock(_ instant: Instant) -> String {
        let clock = instant.description.dropFirst(11).dropLast()
        return clock.contains(".") ? String(clock) : clock + ".000"
    }

    /// For the partial `time`: what a machine reads, what a person reads, and the whole.
    static func stamp(_ instant: Instant, now: Instant) -> JSONValue {
        [
            "iso": .string(instant.description), "moment": .string(moment(instant, now: now)),
            "full": .string(full(instant)),
        ]
    }

    /// The end of a span beside its beginning: with its day where that is another one.
    static func stamp(_ instant: Instant, endOf start: Instant, now: Instant) -> JSONValue {
        let isOneDay = instant.description.prefix(10) == start.description.prefix(10)
        return stamp(instant, now: isOneDay ? now : start)
    }

    /// Absent where there is no such time.
    static func stamp(_ instant: Instant?, now: Instant) -> JSONValue { instant.map { stamp($0, now: now) } ?? .null }

    /// `2026-11-23 10:00:00 UTC`.
    static func full(_ instant: Instant) -> String {
        instant.description.prefix(19).replacing("T", with: " ") + " UTC"
    }

    /// `12,345`.
    static func number(_ number: Int) -> String {
        var text = ""
        for (index, digit) in String(abs(number)).reversed().enumerated() {
            if index > 0, index % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return (number < 0 ? "-" : "") + String(text.reversed())
    }

    /// `1 job`, `12 jobs`, `2 deliveries`.
    static func count(_ count: Int, _ one: String, _ many: String? = nil) -> String {
        "\(number(count)) \(count == 1 ? one : many ?? one + "s")"
    }

    /// A class for colour; the word itself always stands beside it.
    static func tone(of state: String?) -> String {
        switch state {
        case "completed", "succeeded", "known", "active", "planned", "on", "accepted": "good"
        case "dead", "permanent", "credentials", "blocked", "paused", "refused": "bad"
        case "retryable", "transient", "slow_down", "held", "unknown", "waiting", "pending", "breaker": "warn"
        default: "quiet"
        }
    }

    static func words(_ state: String) -> String { state.replacing("_", with: " ") }

    /// How a kind of destination calls itself.
    static func name(ofKind kind: String, destination: String) -> String {
        switch kind {
        case "hubspot": "HubSpot"
        case "zendesk": "Zendesk"
        case "slack": "Slack"
        default: destination
        }
    }
}

/// Text as it may stand in HTML that is made here and not by a template.
extension HTMLText {
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in separated(text).unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
