import Model
import Seams
import Synchronization

/// Answers by a script and keeps what was sent.
final class ScriptedTransport: HTTPTransport {
    typealias Script = @Sendable (OutboundRequest, Int) -> Result<InboundResponse, TransportError>

    private let script: Script
    private let log = Mutex<[OutboundRequest]>([])

    /// `script` gets each request and how many came before it.
    init(_ script: @escaping Script) { self.script = script }

    /// The same answer to everything.
    convenience init(status: Int, body: String = "", headers: [String: String] = [:]) {
        let response = InboundResponse(
            status: status, headers: headers.map { .init($0.key, $0.value) }, body: Array(body.utf8))
        self.init { _, _ in .success(response) }
    }

    convenience init(error: TransportError) {
        self.init { _, _ in .failure(error) }
    }

    var requests: [OutboundRequest] { log.withLock { $0 } }

    func send(_ request: OutboundRequest) async throws(TransportError) -> InboundResponse {
        let index = log.withLock { log in
            log.append(request)
            return log.count - 1
        }
        return try script(request, index).get()
    }
}

extension Result where Success == InboundResponse, Failure == TransportError {
    static func answer(_ status: Int, _ body: JSONValue = [:], headers: [String: String] = [:]) -> Self {
        .success(
            InboundResponse(
                status: status, headers: headers.map { .init($0.key, $0.value) }, body: body.encoded))
    }
}

extension OutboundRequest {
    var text: String { String(decoding: body, as: UTF8.self) }
    var json: JSONValue? { try? JSONValue(parsing: body) }
    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}
