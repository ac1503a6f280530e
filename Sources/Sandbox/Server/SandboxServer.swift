internal import HTTPTypes
internal import Hummingbird
package import Logging
internal import Model
internal import NIOCore
package import Seams
internal import ServiceLifecycle

/// The stand-ins as a real server on loopback: `/NAME/...` is the stand-in of that name, `/_sandbox/...` controls it.
///
/// It listens on 127.0.0.1 and nowhere else, for anyone who reaches it may read and change everything here.
package struct SandboxServer: Service {
    private let standIns: StandInSet
    private let port: Int
    private let time: any TimeSource
    private let logger: Logger
    private let onListening: @Sendable (Int) async -> Void

    /// `port` 0 lets the system choose; `onListening` is told which it became once calls are taken.
    package init(
        _ standIns: StandInSet, port: Int, time: any TimeSource, logger: Logger = Logger(label: "throughline.sandbox"),
        onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.standIns = standIns
        self.port = port
        self.time = time
        self.logger = logger
        self.onListening = onListening
    }

    package func run() async throws {
        let exchange = SandboxExchange(standIns: standIns, time: time)
        let onListening = onListening
        let application = Application(
            responder: CallbackResponder { request, context in try await exchange.respond(to: request, context) },
            configuration: ApplicationConfiguration(
                address: .hostname("127.0.0.1", port: port), serverName: "throughline-sandbox"),
            onServerRunning: { channel in await onListening(channel.localAddress?.port ?? 0) }, logger: logger)
        try await application.run()
    }
}

/// A request's surroundings, with the connection on which it came: a fault may end it.
struct SandboxContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }
}

/// One exchange with the server: reads the request, asks the stand-in, plays what befalls the answer.
struct SandboxExchange: Sendable {
    let standIns: StandInSet
    let time: any TimeSource

    /// How long a caller that waits for ever is kept waiting.
    private static let silenceMax: Duration = .seconds(120)
    /// Far above what any of the stand-ins' services takes.
    private static let bodySizeMax = 4 << 20

    func respond(to request: Request, _ context: SandboxContext) async throws -> Response {
        var request = request
        // A body that cannot be read is refused below, whatever made it so.
        guard let body = try? await request.collectBody(upTo: Self.bodySizeMax) else {
            // The caller sent too much or went away; either way nothing has been done.
            return Self.response(.text(413, "the body is larger than the sandbox takes"))
        }
        let outbound = Self.outbound(request, body: Array(body.readableBytesView))
        let call = Call(outbound)
        guard let name = call.segments.first else {
            return Self.response(.json(200, ["stand_ins": .array(standIns.names.map { .string($0) })]))
        }
        if name == "_sandbox" {
            return Self.response(SandboxControl(standIns: standIns).respond(to: call, at: time.now))
        }
        var arriving = outbound
        arriving.url = String(Call.target(of: outbound.url).dropFirst(name.utf8.count + 1))
        if !arriving.url.hasPrefix("/") { arriving.url = "/" + arriving.url }
        guard let outcome = standIns.receive(arriving, for: name, at: time.now) else {
            return Self.response(.text(404, "the sandbox has no stand-in of this name"))
        }
        return try await play(outcome, on: context.channel)
    }

    private func play(_ outcome: StandInSet.Outcome, on channel: any Channel) async throws -> Response {
        switch outcome {
        case .answer(let answer, let delay):
            try await hold(delay)
            return Self.response(answer)
        case .broken(let answer, let sent, let delay):
            try await hold(delay)
            return Self.broken(answer, sent: sent)
        case .lost(.reset, let delay):
            try await hold(delay)
            try await channel.close()
        case .lost(.timeout, _):
            try await hold(Self.silenceMax)
            try await channel.close()
        }
        // The connection is closed; what is answered here goes nowhere.
        return Response(status: .serviceUnavailable)
    }

    /// Waits, but not beyond the server's own end.
    private func hold(_ delay: Duration) async throws {
        guard delay > .zero else { return }
        try await cancelWhenGracefulShutdown { try await time.sleep(for: delay) }
    }

    private static func outbound(_ request: Request, body: [UInt8]) -> OutboundRequest {
        OutboundRequest(
            method: request.method.rawValue, url: request.uri.description,
            headers: request.headers.map { .init($0.name.canonicalName, $0.value) }, body: body)
    }

    static func response(_ answer: InboundResponse) -> Response {
        Response(
            status: .init(code: answer.status), headers: headers(of: answer),
            body: .init(byteBuffer: ByteBuffer(bytes: answer.body)))
    }

    private struct BrokenOff: Error {}

    /// Promises the whole answer and ends the connection after its first bytes.
    private static func broken(_ answer: InboundResponse, sent: Int) -> Response {
        let part = ByteBuffer(bytes: answer.body.prefix(sent))
        let body = ResponseBody(contentLength: answer.body.count) { writer in
            try await writer.write(part)
            throw BrokenOff()
        }
        return Response(status: .init(code: answer.status), headers: headers(of: answer), body: body)
    }

    private static func headers(of answer: InboundResponse) -> HTTPFields {
        var fields = HTTPFields()
        for header in answer.headers {
            guard let name = HTTPField.Name(header.name) else { continue }
            fields.append(HTTPField(name: name, value: header.value))
        }
        return fields
    }
}
