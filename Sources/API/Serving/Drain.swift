internal import NIOCore

/// Drops what a sender still sends after it was turned away, before anything reads it.
///
/// A connection that is closed with bytes unread takes the answer along: the sender would see a reset instead of a 413.
/// Dropped at the front of the pipeline, even a body of hundreds of megabytes passes within the second that it gets.
final class Drain: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    func handlerAdded(context: ChannelHandlerContext) {
        // Large reads drop more in the time; where the option is refused, small ones do it too.
        try? context.channel.syncOptions?.setOption(
            .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 1 << 20))
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
    func channelReadComplete(context: ChannelHandlerContext) { context.read() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent { return context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }
}
