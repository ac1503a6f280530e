import AsyncHTTPClient
import Foundation
import Model
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Seams

/// The production transport: AsyncHTTPClient, with each error read as "certainly not sent" or "may have arrived".
struct OutboundHTTP: HTTPTransport {
    private let client: HTTPClient

    init() {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout.connect = .seconds(5)
        // A failed connection is the job's to retry, with its own backoff and its attempt on record.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.idleTimeout = .seconds(30)
        configuration.httpVersion = .http1Only
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Gives a transport for as long as `body` runs, and ends it however that ends: one that is let go unended traps.
    static func with<Value>(_ body: (OutboundHTTP) async throws -> Value) async throws -> Value {
        let http = OutboundHTTP()
        let value: Value
        do {
            value = try await body(http)
        } catch {
            // What went wrong in the body is the news.
            try? await http.shutdown()
            throw error
        }
        try await http.shutdown()
        return value
    }

    func shutdown() async throws { try await client.shutdown() }

    func send(_ request: OutboundRequest) async throws(TransportError) -> InboundResponse {
        if let refusal = AddressRule.refusal(of: request) { throw refusal }
        var outgoing = HTTPClientRequest(url: request.url)
        outgoing.method = HTTPMethod(rawValue: request.method)
        for header in request.headers { outgoing.headers.add(name: header.name, value: header.value) }
        if !request.body.isEmpty { outgoing.body = .bytes(request.body) }
        let deadline = NIODeadline.now() + .nanoseconds(request.timeout.nanoseconds)
        do {
            let response = try await client.execute(outgoing, deadline: deadline)
            let (body, isCut) = try await Self.collect(response.body)
            return InboundResponse(
                status: Int(response.status.code),
                headers: response.headers.map { OutboundRequest.Header($0.name, $0.value) }, body: body, isCut: isCut)
        } catch {
            throw Self.reading(error)
        }
    }

    private static func collect(_ body: HTTPClientResponse.Body) async throws -> ([UInt8], isCut: Bool) {
        var bytes: [UInt8] = []
        for try await chunk in body {
            bytes.append(contentsOf: chunk.readableBytesView)
            if bytes.count > Limits.responseSizeMax { return (Array(bytes.prefix(Limits.responseSizeMax)), true) }
        }
        return (bytes, false)
    }

    /// One place that reads what the network said.
    private static func reading(_ error: any Error) -> TransportError {
        switch error {
        case let error as TransportError: return error
        case let error as NIOConnectionError:
            if error.connectionErrors.isEmpty {
                return TransportError(
                    .name, mayHaveArrived: false, "the name \(error.host) does not resolve: check the address and DNS")
            }
            return TransportError(
                .connect, mayHaveArrived: false, "nothing accepts connections at \(error.host) port \(error.port)")
        case let error as IOError where error.errnoCode == ECONNREFUSED:
            // An address without a name is connected to directly, and fails with the system's own error.
            return TransportError(.connect, mayHaveArrived: false, "nothing accepts connections at this address")
        case is NIOSSLError, is NIOSSLExtraError:
            return TransportError(.tls, mayHaveArrived: false, "no secure connection: \(error)")
        case let error as HTTPClientError: return reading(error)
        case let error as ChannelError:
            if case .connectTimeout = error {
                return TransportError(.timeout, mayHaveArrived: false, "no connection within 5 s")
            }
            return TransportError(.broken, mayHaveArrived: true, "the connection ended: \(error)")
        case is CancellationError:
            return TransportError(.timeout, mayHaveArrived: true, "the call was cancelled before its answer")
        default:
            return TransportError(.broken, mayHaveArrived: true, "the connection ended before the answer: \(error)")
        }
    }

    private static func reading(_ error: HTTPClientError) -> TransportError {
        switch error {
        case .connectTimeout, .getConnectionFromPoolTimeout:
            TransportError(.timeout, mayHaveArrived: false, "no connection within the time allowed")
        case .tlsHandshakeTimeout:
            TransportError(.tls, mayHaveArrived: false, "no secure connection within the time allowed")
        case .invalidURL, .emptyHost, .emptyScheme:
            TransportError(.refusedAddress, mayHaveArrived: false, "the address is no usable URL")
        case .readTimeout, .writeTimeout, .deadlineExceeded:
            TransportError(.timeout, mayHaveArrived: true, "no answer within the time allowed")
        case .remoteConnectionClosed:
            TransportError(.broken, mayHaveArrived: true, "the other side closed the connection before its answer")
        default:
            TransportError(.broken, mayHaveArrived: true, "the exchange failed: \(error.shortDescription)")
        }
    }
}

extension Duration {
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds.multipliedReportingOverflow(by: 1_000_000_000).partialValue &+ attoseconds / 1_000_000_000
    }
}

/// Addresses that are never called, whoever wrote them.
enum AddressRule {
    /// Link-local addresses carry the metadata services of clouds; no destination of a user lives there.
    static func refusal(of request: OutboundRequest) -> TransportError? {
        guard let host = host(of: request.url) else {
            return TransportError(.refusedAddress, mayHaveArrived: false, "the address is no usable URL")
        }
        let isLinkLocal = host.hasPrefix("169.254.") || host.lowercased().hasPrefix("fe80:")
        guard isLinkLocal else { return nil }
        return TransportError(.refusedAddress, mayHaveArrived: false, "link-local addresses are never called")
    }

    private static func host(of url: String) -> String? {
        guard let scheme = url.range(of: "://") else { return nil }
        let authority = url[scheme.upperBound...].prefix { !"/?#".contains($0) }
        let host = authority.split(separator: "@").last.map(String.init) ?? ""
        if host.hasPrefix("[") { return String(host.dropFirst().prefix { $0 != "]" }) }
        return host.split(separator: ":").first.map(String.init)
    }
}

extension StringProtocol {
    fileprivate func range(of text: String) -> Range<Index>? { firstRange(of: text) }
}
