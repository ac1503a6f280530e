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
    // To one host. How many calls may be under way is each destination's own `concurrency`; a call that waits for a
    // connection here would count as one that failed.
    private static let connectionsPerHostMax = 4096

    private let client: HTTPClient
    let addresses: AddressGuard
    let time: any TimeSource
    /// What a mail server must show.
    let mailTLS: TLSConfiguration
    let forbids: @Sendable (IPAddress) -> Bool

    /// `resolve` and `forbids` stand in for the system's resolver and the rule in tests.
    init(
        time: any TimeSource = SystemTime(),
        resolve: @escaping @Sendable (String) -> [IPAddress]? = { IPAddress.resolve($0) },
        forbids: @escaping @Sendable (IPAddress) -> Bool = AddressRule.isForbidden,
        mailTLS: TLSConfiguration = .makeClientConfiguration()
    ) {
        self.time = time
        self.mailTLS = mailTLS
        self.forbids = forbids
        addresses = AddressGuard(time: time, resolve: resolve)
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout.connect = .seconds(5)
        // A failed connection is the job's to retry, with its own backoff and its attempt on record.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = Self.connectionsPerHostMax
        configuration.connectionPool.idleTimeout = .seconds(30)
        configuration.httpVersion = .http1Only
        // Called when the connection stands and before anything is sent over it.
        configuration.http1_1ConnectionDebugInitializer = { channel in
            guard let address = channel.remoteAddress?.ipAddressBytes, forbids(address) else {
                return channel.eventLoop.submit { try StatusGuard.put(into: channel) }
            }
            channel.eventLoop.execute { channel.close(promise: nil) }
            return channel.eventLoop.makeFailedFuture(AddressGuard.refused)
        }
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

    func shutdown() async throws {
        try await addresses.shutdown()
        try await client.shutdown()
    }

    func send(_ request: OutboundRequest) async throws(TransportError) -> InboundResponse {
        try await addresses.check(request)
        do {
            return try await withThrowingTaskGroup(of: InboundResponse?.self) { group in
                group.addTask { try await exchange(request) }
                // The client's own deadline ends with the head of the answer; a body may trickle for ever.
                group.addTask {
                    try await time.sleep(for: request.timeout)
                    return nil
                }
                defer { group.cancelAll() }
                guard let answer = try await group.next() ?? nil else { throw HTTPClientError.readTimeout }
                return answer
            }
        } catch {
            throw Self.reading(error)
        }
    }

    private func exchange(_ request: OutboundRequest) async throws -> InboundResponse {
        // A little later than the time for the whole, which tells what happened.
        let deadline = NIODeadline.now() + .nanoseconds(request.timeout.nanoseconds) + .seconds(1)
        let response = try await client.execute(Self.outgoing(request), deadline: deadline)
        let (body, isCut) = try await Self.collect(response.body)
        return InboundResponse(
            status: Int(response.status.code),
            headers: response.headers.map { OutboundRequest.Header($0.name, $0.value) }, body: body, isCut: isCut)
    }

    /// Gives an answer that has no end of its own as it comes; `request.timeout` is not looked at.
    func stream(
        _ request: OutboundRequest, _ body: (_ status: Int, _ chunks: HTTPClientResponse.Body) async throws -> Void
    ) async throws {
        try await addresses.check(request)
        let response: HTTPClientResponse
        do {
            response = try await client.execute(Self.outgoing(request), deadline: .distantFuture)
        } catch {
            throw Self.reading(error)
        }
        try await body(Int(response.status.code), response.body)
    }

    private static func outgoing(_ request: OutboundRequest) -> HTTPClientRequest {
        var outgoing = HTTPClientRequest(url: request.url)
        outgoing.method = HTTPMethod(rawValue: request.method)
        for header in request.headers { outgoing.headers.add(name: header.name, value: header.value) }
        if !request.body.isEmpty { outgoing.body = .bytes(request.body) }
        return outgoing
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
                return AddressGuard.unresolved(error.host)
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

extension SocketAddress {
    var ipAddressBytes: IPAddress? { withSockAddr { pointer, _ in IPAddress(pointer) } }
}

/// Ends a connection whose other side answers with a status below 100.
///
/// AsyncHTTPClient takes such a head for an informational one and then, at the end of the answer, traps for want of a head
/// (RFC 9110, section 15: a status is a number from 100 to 599).
private final class StatusGuard: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias InboundOut = HTTPClientResponsePart

    private var isRefused = false

    /// Behind what reads the answer and before what makes sense of it.
    static func put(into channel: any Channel) throws {
        let pipeline = channel.pipeline.syncOperations
        let reader = try pipeline.handler(type: ByteToMessageHandler<HTTPResponseDecoder>.self)
        try pipeline.addHandler(StatusGuard(), position: .after(reader))
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefused else { return }
        if case .head(let head) = unwrapInboundIn(data), head.status.code < 100 {
            isRefused = true
            context.fireErrorCaught(HTTPParserError.invalidStatus)
            context.close(promise: nil)
        } else {
            context.fireChannelRead(data)
        }
    }
}
