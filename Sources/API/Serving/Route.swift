package import Journal
package import Model

/// One method at one path, with all that is decided before its handler runs.
package struct Route: Sendable {
    /// Who may call it.
    package enum Access: Sendable, Hashable {
        /// Anyone; the handler looks at the caller itself where it must (a signature, a session).
        case open
        /// A key of that scope, or of `admin`.
        case scope(KeyRow.Scope)
    }

    /// What a body may be.
    package enum Media: Sendable, Hashable {
        /// JSON, or no media type named.
        case json
        /// JSON or lines of JSON, or no media type named.
        case events
        /// What a browser's form sends.
        case form
        /// A body is not read.
        case none
    }

    package typealias Handler = @Sendable (Call) async throws -> Answer

    package var method: String
    /// Segments, of which `{name}` stands for one of any text, percent-decoded.
    package var template: String
    package var access: Access
    package var media: Media
    package var bodySizeMax: Int
    /// Whether deliveries come in here, of which only so many are handled at once.
    package var isForDeliveries: Bool
    /// Whether the path names something at all: asked before the body is looked at.
    package var check: @Sendable (Call) throws -> Void
    package var handler: Handler

    package init(
        _ method: String, _ template: String, _ access: Access, media: Media = .none, bodySizeMax: Int? = nil,
        isForDeliveries: Bool = false,
        check: @escaping @Sendable (Call) throws -> Void = { _ in }, handler: @escaping Handler
    ) {
        self.method = method
        self.template = template
        self.access = access
        self.media = media
        self.bodySizeMax = bodySizeMax ?? (media == .none ? 0 : 64 << 10)
        self.isForDeliveries = isForDeliveries
        self.check = check
        self.handler = handler
    }
}

/// One request as a handler sees it: no framework in it.
package struct Call: Sendable {
    package var method: String
    /// By the names in the route's template.
    package var parameters: [String: String]
    package var query: Query
    /// Names in lower case, in the order in which they came; repeated ones stand repeatedly.
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    package var requestID: String
    /// Nil on open routes.
    package var caller: Caller?
    /// When it arrived, on the clock that never runs backwards.
    package var arrivedAt: Duration

    package init(
        method: String, parameters: [String: String] = [:], query: Query = Query(""),
        headers: [(name: String, value: String)] = [], body: [UInt8] = [], requestID: String, caller: Caller? = nil,
        arrivedAt: Duration = .zero
    ) {
        self.method = method
        self.parameters = parameters
        self.query = query
        self.headers = headers
        self.body = body
        self.requestID = requestID
        self.caller = caller
        self.arrivedAt = arrivedAt
    }

    /// The first header of that name (in lower case).
    package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    /// For the audit: who does this.
    package var actor: String { caller?.actor ?? "nobody" }

    package func parameter(_ name: String) -> String { parameters[name] ?? "" }
}

/// Who calls, once a key has been checked.
package enum Caller: Sendable, Hashable {
    case key(KeyRow)
    /// A command on this machine, by the credential that lies beside the configuration.
    case local

    package var actor: String {
        switch self {
        case .key(let row): "key tl_\(row.shown)"
        case .local: "command line"
        }
    }

    /// A scope allows its own calls and no others; `admin` allows all.
    package func may(_ scope: KeyRow.Scope) -> Bool {
        switch self {
        case .key(let row): row.scope == scope || row.scope == .admin
        case .local: true
        }
    }
}

/// What is sent back.
package struct Answer: Sendable {
    package var status: Int
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    /// Ends the connection once the answer is out: the rest of the request is not worth reading.
    package var isClosing = false
    /// Writes a body without an end known before, instead of `body`.
    package var stream: (@Sendable (_ write: Write) async throws -> Void)?

    /// Returns when the bytes are on their way; throws when the reader has gone.
    package typealias Write = ([UInt8]) async throws -> Void

    package init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package static func json(_ object: JSONObject, status: Int = 200) -> Answer {
        Answer(status: status, headers: [("content-type", "application/json")], body: object.encoded)
    }

    package static func stream(
        _ contentType: String, _ body: @escaping @Sendable (_ write: Write) async throws -> Void
    ) -> Answer {
        var answer = Answer(status: 200, headers: [("content-type", contentType), ("cache-control", "no-store")])
        answer.stream = body
        return answer
    }

    package static func list(_ items: [JSONObject], next: String? = nil) -> Answer {
        .json(["items": .array(items.map { .object($0) }), "next": next.map { .string($0) } ?? .null])
    }
}
