import Seams
import Synchronization

/// Passes requests on and keeps them.
final class RecordingTransport: HTTPTransport {
    private let next: any HTTPTransport
    private let log = Mutex<[OutboundRequest]>([])

    init(_ next: any HTTPTransport) { self.next = next }

    var requests: [OutboundRequest] { log.withLock { $0 } }

    func send(_ request: OutboundRequest) async throws(TransportError) -> InboundResponse {
        log.withLock { $0.append(request) }
        return try await next.send(request)
    }
}
