internal import Model

/// Who is told of trouble, and from when on it is trouble.
///
/// A rule that is nil is off.
package struct AlertSettings: Sendable, Equatable {
    /// Names of destinations that can notify.
    package var to: [String]
    /// What carries an alert to each of them.
    package var calls: [Flow.Call]
    /// The slowest acknowledgement at the 95th percentile.
    package var ackP95: Duration
    /// The share of calls to a destination that may fail in an hour.
    package var failedWork: Double?
    /// The share of a source's deliveries that may be turned away in 15 minutes.
    package var failedDeliveries: Double?
    /// A job that has failed more often than this is told of.
    package var attempts: Int?
    /// A source is silent when so many deliveries have not come that its own rhythm lets expect.
    package var silentSource: Int?
    package var rotateSecrets: Duration?
    /// The share of a reconciliation that has to match.
    package var reconciled: Double?
    package var tellsDead: Bool
    /// After how long an alert that nobody has in hand is told again.
    package var remind: Duration

    package init(
        to: [String] = [], calls: [Flow.Call] = [], ackP95: Duration = .milliseconds(500),
        failedWork: Double? = 0.01, failedDeliveries: Double? = 0.01, attempts: Int? = 3, silentSource: Int? = 10,
        rotateSecrets: Duration? = .seconds(180 * 86_400), reconciled: Double? = 0.95, tellsDead: Bool = true,
        remind: Duration = .seconds(86_400)
    ) {
        self.to = to
        self.calls = calls
        self.ackP95 = ackP95
        self.failedWork = failedWork
        self.failedDeliveries = failedDeliveries
        self.attempts = attempts
        self.silentSource = silentSource
        self.rotateSecrets = rotateSecrets
        self.reconciled = reconciled
        self.tellsDead = tellsDead
        self.remind = remind
    }

    /// The flow that carries alerts; nil where nobody is to be told.
    package var flow: Flow? {
        guard !calls.isEmpty else { return nil }
        return Flow(
            id: Self.flowID, name: "alerts", on: EventType.ofAlerts, calls: calls, priority: 100,
            retry: RetryPolicy(longest: .seconds(300), giveUp: .seconds(86_400)))
    }

    /// An id that no file can give to a flow.
    package static let flowID = "throughline.alerts"
}

package enum LogFormat: String, Sendable, Hashable, CaseIterable { case text, json }

/// Where traces go, by OTLP over HTTP.
package struct TraceSettings: Sendable, Equatable {
    /// The collector's address, to which `/v1/traces` is added.
    package var endpoint: String
    package var headers: [HTTPDestination.Header]

    package init(endpoint: String, headers: [HTTPDestination.Header] = []) {
        self.endpoint = endpoint
        self.headers = headers
    }
}
