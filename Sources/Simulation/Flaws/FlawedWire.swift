internal import Seams

/// The way to the providers with one promise broken.
struct FlawedWire: HTTPTransport {
    enum Kind: Sendable { case repeats, trusts }

    let transport: any HTTPTransport
    let kind: Kind

    static func around(_ transport: any HTTPTransport, _ kind: Kind?) -> any HTTPTransport {
        kind.map { FlawedWire(transport: transport, kind: $0) } ?? transport
    }

    func send(_ request: OutboundRequest) async throws(TransportError) -> InboundResponse {
        do {
            return try await transport.send(request)
        } catch {
            guard error.mayHaveArrived, !Task.isCancelled else { throw error }
            switch kind {
            case .repeats: return try await transport.send(request)
            case .trusts: return InboundResponse(status: 200)
            }
        }
    }
}
