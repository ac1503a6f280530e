package import Model

/// All that `throughline.yaml` says, checked.
///
/// Secrets stay references until `SecretReader` resolves them.
package struct Settings: Sendable, Equatable {
    package var product: String
    package var journal: JournalLocation
    package var http: HTTPSettings
    package var sources: [SourceSettings]
    package var destinations: [DestinationSettings]
    package var flows: [Flow]
    package var retry: RetryPolicy
    package var retention: Retention
    package var alerts: AlertSettings
    package var console: ConsoleSettings
    /// How long a job waits for a field that its fact may still bring.
    package var enrichFor: Duration
    package var catalogue: EventCatalogue
    package var reconcile: ReconcileSettings
    package var receipts: ReceiptSettings
    package var logs: LogFormat
    /// Where traces go; nil: nowhere, unless the environment says so.
    package var traces: TraceSettings?

    package init(
        product: String, journal: JournalLocation = .sqlite(path: "throughline.db"), http: HTTPSettings = .init(),
        sources: [SourceSettings] = [], destinations: [DestinationSettings] = [], flows: [Flow] = [],
        retry: RetryPolicy = .init(), retention: Retention = .init(), alerts: AlertSettings = .init(),
        console: ConsoleSettings = .init(), enrichFor: Duration = .seconds(3600), catalogue: EventCatalogue = .init(),
        reconcile: ReconcileSettings = .init(), receipts: ReceiptSettings = .init(),
        logs: LogFormat = .text, traces: TraceSettings? = nil
    ) {
        self.product = product
        self.journal = journal
        self.http = http
        self.sources = sources
        self.destinations = destinations
        self.flows = flows
        self.retry = retry
        self.retention = retention
        self.alerts = alerts
        self.console = console
        self.enrichFor = enrichFor
        self.catalogue = catalogue
        self.reconcile = reconcile
        self.receipts = receipts
        self.logs = logs
        self.traces = traces
    }

    package func source(_ name: String) -> SourceSettings? { sources.first { $0.name == name } }
    package func destination(_ name: String) -> DestinationSettings? { destinations.first { $0.name == name } }
    package func flow(_ id: String) -> Flow? { flows.first { $0.id == id } }
}

package enum JournalLocation: Sendable, Equatable {
    /// Absolute, or relative to the configuration file.
    case sqlite(path: String)
    case postgres(url: SecretReference)
}

/// Where a secret stands: never in the file itself.
package enum SecretReference: Sendable, Hashable, CustomStringConvertible {
    case environment(String)
    case file(path: String)

    package var description: String {
        switch self {
        case .environment(let name): "env:\(name)"
        case .file(let path): "file:\(path)"
        }
    }
}

package struct HTTPSettings: Sendable, Equatable {
    package var host: String
    package var port: Int
    /// The address under which the world reaches this server, without a slash at its end; nil: none was given.
    package var publicURL: String?
    /// A listener of its own for `/metrics`; nil: `/metrics` on the main one asks for a key.
    package var metrics: Listener?

    package struct Listener: Sendable, Equatable {
        package var host: String
        package var port: Int
        package init(host: String, port: Int) {
            self.host = host
            self.port = port
        }
    }

    package init(host: String = "127.0.0.1", port: Int = 8080, publicURL: String? = nil, metrics: Listener? = nil) {
        self.host = host
        self.port = port
        self.publicURL = publicURL
        self.metrics = metrics
    }
}

/// When and how often a failed attempt is made again.
package struct RetryPolicy: Sendable, Equatable {
    package var first: Duration
    package var factor: Double
    package var longest: Duration
    package var giveUp: Duration
    /// A cap on attempts beside the time; nil: none.
    package var attemptsMax: Int?

    package init(
        first: Duration = .seconds(2), factor: Double = 2, longest: Duration = .seconds(3600),
        giveUp: Duration = .seconds(3 * 86_400), attemptsMax: Int? = nil
    ) {
        self.first = first
        self.factor = factor
        self.longest = longest
        self.giveUp = giveUp
        self.attemptsMax = attemptsMax
    }
}

package struct Retention: Sendable, Equatable {
    package var raw: Duration
    package var events: Duration

    package init(raw: Duration = .seconds(90 * 86_400), events: Duration = .seconds(400 * 86_400)) {
        self.raw = raw
        self.events = events
    }
}
