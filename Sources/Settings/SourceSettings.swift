package import Model

/// One place from which deliveries come: `POST /in/<name>`.
package struct SourceSettings: Sendable, Equatable {
    package var name: String
    package var kind: SourceKind
    /// All live secrets, the newest first: a delivery that fits any of them is authentic.
    package var secrets: [SecretReference]
    /// How far a signed time may lie from ours, either way.
    package var tolerance: Duration
    /// Where the provider can be asked what it has sent; nil: it is only listened to.
    package var api: ProviderAPI?

    package init(
        name: String, kind: SourceKind, secrets: [SecretReference],
        tolerance: Duration = Limits.signatureToleranceDefault, api: ProviderAPI? = nil
    ) {
        self.name = name
        self.kind = kind
        self.secrets = secrets
        self.tolerance = tolerance
        self.api = api
    }
}

/// A provider's own API, asked by a key that only reads.
package struct ProviderAPI: Sendable, Equatable {
    package var key: SecretReference
    /// Replaces the provider's own address; without a slash at its end.
    package var baseURL: String?

    package init(key: SecretReference, baseURL: String? = nil) {
        self.key = key
        self.baseURL = baseURL
    }
}

package enum SourceKind: Sendable, Equatable {
    case stripe(payments: StripePayments)
    case events
    case zendesk
    case standard(PayloadMap)
    case hmac(HMACScheme, id: Path, PayloadMap)
    /// The inbox in the product's own database, drained from here; nobody posts to it.
    case inbox(url: SecretReference)

    package var name: String {
        switch self {
        case .stripe: "stripe"
        case .events: "events"
        case .zendesk: "zendesk"
        case .standard: "standard"
        case .hmac: "hmac"
        case .inbox: "inbox"
        }
    }

    package var isInbox: Bool { if case .inbox = self { true } else { false } }
}

/// Which Stripe object states that a payment succeeded.
package enum StripePayments: String, Sendable, Equatable {
    /// The payment intent, else the charge; an invoice only where it names no payment by design.
    case intents
    /// `invoice.paid` too, for accounts that are paid by invoices alone.
    case invoices
}

/// How an HMAC sender signs.
package struct HMACScheme: Sendable, Equatable {
    package enum Algorithm: String, Sendable, Equatable, CaseIterable { case sha1, sha256, sha512 }
    package enum Encoding: String, Sendable, Equatable, CaseIterable { case hex, base64 }
    package enum TimestampUnit: String, Sendable, Equatable, CaseIterable { case seconds, milliseconds, rfc3339 }

    /// A signed time: its header, and what stands between it and the body in the signed bytes.
    package struct Timestamp: Sendable, Equatable {
        package var header: String
        package var unit: TimestampUnit
        package var separator: String

        package init(header: String, unit: TimestampUnit = .seconds, separator: String = ".") {
            self.header = header
            self.unit = unit
            self.separator = separator
        }
    }

    package var header: String
    package var algorithm: Algorithm
    package var encoding: Encoding
    /// Text before the signature in its header (`sha256=`, `v0=`).
    package var prefix: String
    /// Where the sender signs a time: `signedPrefix + timestamp + separator + body`; nil: the body alone.
    package var timestamp: Timestamp?
    /// Constant text before the timestamp in the signed bytes (Slack's `v0:`).
    package var signedPrefix: String

    package init(
        header: String, algorithm: Algorithm = .sha256, encoding: Encoding = .hex, prefix: String = "",
        timestamp: Timestamp? = nil, signedPrefix: String = ""
    ) {
        self.header = header
        self.algorithm = algorithm
        self.encoding = encoding
        self.prefix = prefix
        self.timestamp = timestamp
        self.signedPrefix = signedPrefix
    }
}

/// How a payload that we do not know by heart becomes a canonical event.
///
/// Paths start at the payload's root.
package struct PayloadMap: Sendable, Equatable {
    package struct Field: Sendable, Equatable {
        package var name: String
        package var value: Template

        package init(name: String, value: Template) {
            self.name = name
            self.value = value
        }
    }

    /// Where the sender's type stands; nil: `$.type`.
    package var type: Path
    /// The sender's types and what they are here; a type that is not listed is of no interest (kept as ignored).
    package var types: [String: EventType]
    package var occurredAt: Path?
    package var session: Path?
    package var user: Path?
    /// Fields of `data`.
    ///
    /// Empty: the payload's own `data` object, as it is.
    package var fields: [Field]

    package init(
        type: Path, types: [String: EventType], occurredAt: Path? = nil, session: Path? = nil, user: Path? = nil,
        fields: [Field] = []
    ) {
        self.type = type
        self.types = types
        self.occurredAt = occurredAt
        self.session = session
        self.user = user
        self.fields = fields
    }
}
