import NIOCore
import NIOPosix
import Seams
import Testing

@testable import throughline

/// Says the same to whoever asks.
private final class SameAnswer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let answer: String

    init(_ answer: String) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
    }
}

@Suite struct `A destination that answers with no status` {
    @Test(arguments: [
        "HTTP/1.1 000 X\r\ncontent-length: 0\r\n\r\n", "HTTP/1.1 099 X\r\ncontent-length: 2\r\n\r\nhi",
        "HTTP/1.1 000 X\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    ])
    func `has failed, which may have had its effect, and ends no process`(answer: String) async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(SameAnswer(answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        let failure = try await OutboundHTTP.with { http in
            await #expect(throws: TransportError.self) {
                try await http.send(
                    OutboundRequest(
                        method: "POST", url: "http://127.0.0.1:\(port)/", timeout: .seconds(5), trust: .configured))
            }
        }
        #expect(failure?.kind == .broken && failure?.mayHaveArrived == true)
        try await server.close()
    }
}
