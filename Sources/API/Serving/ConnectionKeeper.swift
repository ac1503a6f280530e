internal import HTTPTypes
package import HummingbirdCore
package import Logging
internal import Model
internal import NIOCore
internal import NIOHTTPTypes
package import Seams
internal import Synchronization

/// The bounds of what strangers may hold open.
package struct ConnectionLimits: Sendable, Hashable {
    /// At once; one more is closed as soon as it is there.
    package var countMax = 10_000
    /// From the first byte of a request, or from the connection's beginning, to the last byte of the request.
    package var requestMax: Duration = .seconds(30)
    /// Between two requests: longer than the two minutes for which proxies keep idle connections, which must be the
    /// first to let go.
    package var idleMax: Duration = .seconds(130)

    package init() {}
}

/// Counts the connections of one server.
package final class ConnectionCount: Sendable {
    private struct State {
        var open = 0
        var refusals = Repetition(every: .seconds(10))
    }

    private let state = Mutex(State())
    let limits: ConnectionLimits
    let chance: any ChanceSource
    private let time: any TimeSource
    private let logger: Logger

    package init(_ limits: ConnectionLimits, time: any TimeSource, chance: any ChanceSource, logger: Logger) {
        self.limits = limits
        self.time = time
        self.chance = chance
        self.logger = logger
    }

    package var open: Int { state.withLock { $0.open } }

    /// A server whose connections are kept within the limits.
    package var server: HTTPServerBuilder {
        .http1(
            configuration: .init(
                additionalChannelHandlers: [ConnectionKeeper(self)], idleTimeout: TimeAmount(limits.idleMax)))
    }

    fileprivate func enter() -> Bool {
        let uptime = time.uptime
        let (isIn, refused) = state.withLock { state -> (Bool, Int?) in
            if state.open < limits.countMax {
                state.open += 1
                return (true, nil)
            }
            return (false, state.refusals.happened(at: uptime))
        }
        if let refused {
            logger.warning(
                "connections closed, too many are open",
                metadata: ["closed.count": "\(refused)", "open.count": "\(limits.countMax)"])
        }
        return isIn
    }

    fileprivate func leave() { state.withLock { $0.open -= 1 } }
}

/// Ends a connection that is one too many, whose request takes too long to come, or whose reader has left a stream.
final class ConnectionKeeper: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let count: ConnectionCount
    private var watch: RequestWatch
    private var isCounted = false
    private var timer: Scheduled<Void>?
    private var isOver = false
    private var isStreaming = false
    private var hasPart = false

    fileprivate init(_ count: ConnectionCount) {
        self.count = count
        watch = RequestWatch(requestMax: TimeAmount(count.limits.requestMax), openedAt: .now())
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { enter(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        enter(context)
        context.fireChannelActive()
    }

    private func enter(_ context: ChannelHandlerContext) {
        guard !isCounted, !isOver else { return }
        isCounted = count.enter()
        isOver = !isCounted
        if isOver { return context.close(promise: nil) }
        look(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        isOver = true
        timer?.cancel()
        if isCounted { count.leave() }
        isCounted = false
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        hasPart = true
        switch unwrapInboundIn(data) {
        case .head: watch.readHead(at: .now())
        case .body: break
        case .end: watch.readEnd()
        }
        context.fireChannelRead(data)
        if timer == nil, watch.isComing { look(context) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // A read that made no part of a request brought a piece of its head.
        if !hasPart {
            watch.readBytes(at: .now())
            if timer == nil { look(context) }
        }
        hasPart = false
        context.fireChannelReadComplete()
    }

    /// One timer a connection, however many requests pass in its time.
    private func look(_ context: ChannelHandlerContext) {
        guard !isOver else { return }
        switch watch.verdict(at: .now()) {
        case .rest: break
        case .wait(let end):
            timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: end) {
                self.timer = nil
                self.look(context)
            }
        case .close:
            isOver = true
            context.close(promise: nil)
        case .answer: refuse(context)
        }
    }

    private func refuse(_ context: ChannelHandlerContext) {
        isOver = true
        let seconds = count.limits.requestMax.components.seconds
        let answer = Answer.error(
            408, code: "timeout", "The request did not come within \(seconds) seconds. Send it again.",
            requestID: RequestID.choose(given: nil, traceparent: nil, chance: count.chance))
        let head = HTTPResponse(
            status: .requestTimeout,
            headerFields: [
                .connection: "close", .contentType: "application/json", .contentLength: String(answer.body.count),
            ])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(bytes: answer.body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.close(promise: nil)
    }

    // MARK: Answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isOver else {
            promise?.fail(ChannelError.alreadyClosed)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(let head):
            isStreaming = head.headerFields[.contentLength] == nil
            // What only announces an answer is none.
            if head.status.kind != .informational { watch.beganAnswer() }
        case .body: break
        case .end:
            watch.endedAnswer()
            isStreaming = false
        }
        context.write(data, promise: promise)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // One who asked for a stream and says no more has left; any other may still wait for its answer.
        if case ChannelEvent.inputClosed? = event as? ChannelEvent, isStreaming, watch.isAnswering {
            isOver = true
            context.close(promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }
}
