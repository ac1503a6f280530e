/// A request to somebody else's server.
package struct OutboundRequest: Sendable, Hashable {
    package var method: String
    package var url: String
    /// Names in lower case; order kept.
    package var headers: [Header]
    package var body: [UInt8]
    /// For the whole exchange, from connecting to the last byte of the answer.
    package var timeout: Duration
    /// Who chose the address: one written in the configuration is allowed as it is, any other must be public.
    package var trust: AddressTrust

    package struct Header: Sendable, Hashable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name.lowercased()
            self.value = value
        }
    }

    package enum AddressTrust: Sendable, Hashable { case configured, untrusted }

    package init(
        method: String, url: String, headers: [Header] = [], body: [UInt8] = [], timeout: Duration = .seconds(15),
        trust: AddressTrust = .configured
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.trust = trust
    }
}

/// A whole answer; its body is at most `Limits.responseSizeMax` bytes, what lies beyond is cut and marked.
package struct InboundResponse: Sendable, Hashable {
    package var status: Int
    package var headers: [OutboundRequest.Header]
    package var body: [UInt8]
    package var isCut: Bool

    package init(status: Int, headers: [OutboundRequest.Header] = [], body: [UInt8] = [], isCut: Bool = false) {
        self.status = status
        self.headers = headers
        self.body = body
        self.isCut = isCut
    }

    /// The first header of that name, whatever its case.
    package func header(_ name: String) -> String? {
        let name = name.lowercased()
        return headers.first { $0.name == name }?.value
    }

    package var text: String { String(decoding: body, as: UTF8.self) }
}

/// Why there is no answer.
package struct TransportError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Kind: String, Sendable, Hashable {
        /// The name does not resolve, or resolves to an address that may not be called.
        case name, refusedAddress = "refused_address"
        case connect, tls, timeout
        /// The connection ended or the answer was no HTTP.
        case broken
    }

    package var kind: Kind
    /// Whether any byte of the request may have reached the other side: if not, the effect has certainly not happened.
    package var mayHaveArrived: Bool
    package var description: String

    package init(_ kind: Kind, mayHaveArrived: Bool, _ description: String) {
        self.kind = kind
        self.mayHaveArrived = mayHaveArrived
        self.description = description
    }
}

/// How the engine reaches other servers.
///
/// Redirects are not followed: an answer of 3xx is returned as it is.
package protocol HTTPTransport: Sendable {
    func send(_ request: OutboundRequest) async throws(TransportError) -> InboundResponse
}
