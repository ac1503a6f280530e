package import Model

/// One system in which effects happen.
package struct DestinationSettings: Sendable, Equatable {
    package var name: String
    package var kind: DestinationKind
    /// Replaces the provider's own address: tests, proxies, regional hosts.
    ///
    /// Without a slash at its end.
    package var baseURL: String?
    package var timeout: Duration
    package var rate: Rate?
    package var concurrency: Int
    package var order: LaneOrder
    /// Allows plain `http` to another machine.
    package var isInsecure: Bool

    package init(
        name: String, kind: DestinationKind, baseURL: String? = nil, timeout: Duration = .seconds(15),
        rate: Rate? = nil, concurrency: Int = 8, order: LaneOrder = .subject, isInsecure: Bool = false
    ) {
        self.name = name
        self.kind = kind
        self.baseURL = baseURL
        self.timeout = timeout
        self.rate = rate
        self.concurrency = concurrency
        self.order = order
        self.isInsecure = isInsecure
    }
}

/// `100/10s`: so many calls in so long a time.
package struct Rate: Sendable, Hashable {
    package var count: Int
    package var per: Duration

    package init(count: Int, per: Duration) {
        self.count = count
        self.per = per
    }
}

/// Which jobs of a destination wait for one another.
package enum LaneOrder: String, Sendable, Hashable, CaseIterable { case subject, object, none }

package enum DestinationKind: Sendable, Equatable {
    case hubspot(token: SecretReference)
    case zendesk(subdomain: String, email: String, token: SecretReference)
    case slack(url: SecretReference)
    case webhook(url: String, secret: SecretReference)
    case http(HTTPDestination)
    case email(EmailDestination)
    /// Events API v2, which other pagers take too.
    case pagerduty(routingKey: SecretReference)

    package var name: String {
        switch self {
        case .hubspot: "hubspot"
        case .zendesk: "zendesk"
        case .slack: "slack"
        case .webhook: "webhook"
        case .http: "http"
        case .email: "email"
        case .pagerduty: "pagerduty"
        }
    }
}

/// Mail by SMTP.
package struct EmailDestination: Sendable, Equatable {
    package var host: String
    package var port: Int
    package var security: MailSecurity
    package var user: String?
    package var password: SecretReference?
    package var from: String
    /// To whom, where a flow says nothing else.
    package var to: [String]

    package init(
        host: String, port: Int, security: MailSecurity, user: String? = nil, password: SecretReference? = nil,
        from: String, to: [String] = []
    ) {
        self.host = host
        self.port = port
        self.security = security
        self.user = user
        self.password = password
        self.from = from
        self.to = to
    }
}

/// Any HTTP API, by declaration.
package struct HTTPDestination: Sendable, Equatable {
    package enum HeaderValue: Sendable, Equatable {
        case literal(String)
        case secret(SecretReference, prefix: String)
    }

    package struct Header: Sendable, Equatable {
        package var name: String
        package var value: HeaderValue

        package init(name: String, value: HeaderValue) {
            self.name = name
            self.value = value
        }
    }

    package var url: String
    package var headers: [Header]
    package var actions: [HTTPAction]
    /// A request that answers 2xx when the credential works; nil: none is known, `config check --connect` says so.
    package var probe: String?

    package init(url: String, headers: [Header] = [], actions: [HTTPAction], probe: String? = nil) {
        self.url = url
        self.headers = headers
        self.actions = actions
        self.probe = probe
    }
}

package struct HTTPAction: Sendable, Equatable {
    /// How the API makes a repeat safe; the four effect classes of `docs/extend.md`.
    package enum Safety: Sendable, Equatable {
        case keyed(header: String, lifetime: Duration)
        case upsert
        /// A GET whose answer holds something at `exists` when the effect has happened.
        case findable(path: Template, exists: Path, lag: Duration)
        case unsafe
    }

    package var name: String
    package var method: String
    /// Appended to the destination's URL; what templates put into it is percent-encoded.
    package var path: Template
    package var body: Template?
    package var success: Set<Int>
    package var safety: Safety
    /// Where the answer names what it made.
    package var record: Path?
    package var recordKind: String
    package var required: [String]

    package init(
        name: String, method: String = "POST", path: Template, body: Template? = nil,
        success: Set<Int> = Set(200...299), safety: Safety = .unsafe, record: Path? = nil,
        recordKind: String = "record", required: [String] = []
    ) {
        self.name = name
        self.method = method
        self.path = path
        self.body = body
        self.success = success
        self.safety = safety
        self.record = record
        self.recordKind = recordKind
        self.required = required
    }
}
