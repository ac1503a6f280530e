internal import ConnectorKit
internal import Journal
internal import Model

/// What people are told of a destination that does not take jobs.
enum DestinationAlerts {
    static func key(_ destination: String, _ cause: Pause.Cause) -> String {
        "destination:\(destination):\(cause.rawValue)"
    }

    static func unreachableKey(_ destination: String) -> String { "destination:\(destination):unreachable" }

    static func paused(_ destination: String, _ cause: Pause.Cause, _ trouble: Verdict.Trouble, at now: Instant)
        -> NewAlert
    {
        let title =
            cause == .credentials
            ? "\(destination) refuses our credential" : "\(destination) cannot take jobs as it is set up"
        return NewAlert(
            key: key(destination, cause), title: title,
            detail: words(of: trouble) + "Its jobs wait, nothing is lost. It is asked again by "
                + "itself; after a correction, `throughline destinations resume \(destination)` does it at once.",
            at: now)
    }

    /// The destination's words as a sentence of their own.
    private static func words(of trouble: Verdict.Trouble) -> String {
        "\(trouble.errorClass): \(trouble.message)" + (trouble.message.hasSuffix(".") ? " " : ". ")
    }

    static func unreachable(_ destination: String, _ trouble: Verdict.Trouble?, at now: Instant) -> NewAlert {
        let words = trouble.map(words(of:)) ?? ""
        return NewAlert(
            key: unreachableKey(destination), title: "\(destination) does not answer as it should",
            detail: "\(words)Single calls go on trying, its jobs wait and are retried; nothing is lost.", at: now)
    }
}
