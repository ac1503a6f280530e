import Connectors
import Foundation
import Model
import NIOCore
import NIOPosix
import NIOSSL
import Seams
import Synchronization

/// Mail over a connection of its own; what is said is `SMTPDialogue`'s.
extension OutboundHTTP: MailTransport {
    func send(_ mail: OutboundMail) async throws(TransportError) -> MailAnswer {
        let host = mail.server.host
        try await addresses.check(
            OutboundRequest(
                method: "SMTP", url: "smtp://" + (host.contains(":") ? "[\(host)]" : host), timeout: mail.timeout))
        let course = MailCourse()
        do {
            return try await withThrowingTaskGroup(of: MailAnswer?.self) { group in
                group.addTask { try await converse(mail, course) }
                group.addTask {
                    try await time.sleep(for: mail.timeout)
                    return nil
                }
                defer { group.cancelAll() }
                guard let answer = try await group.next() ?? nil else {
                    throw TransportError(
                        .timeout, mayHaveArrived: course.mayHaveArrived, "no answer within the time allowed")
                }
                return answer
            }
        } catch {
            throw Self.reading(error, host: host, mayHaveArrived: course.mayHaveArrived)
        }
    }

    private typealias Channel = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private func converse(_ mail: OutboundMail, _ course: MailCourse) async throws -> MailAnswer {
        let context = mail.server.security == .none ? nil : try NIOSSLContext(configuration: mailTLS)
        let (host, security) = (mail.server.host, mail.server.security)
        let channel = try await ClientBootstrap(group: NIOSingletons.posixEventLoopGroup)
            .connectTimeout(.seconds(5)).connect(host: host, port: mail.server.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context, security == .tls { try Self.secure(channel, context, host) }
                    return try Channel(wrappingChannelSynchronously: channel)
                }
            }
        if let address = channel.channel.remoteAddress?.ipAddressBytes, forbids(address) {
            try await channel.channel.close()
            throw AddressGuard.refused
        }
        return try await channel.executeThenClose { inbound, outbound in
            var (dialogue, reader) = (SMTPDialogue(mail), SMTPReplyReader())
            for try await bytes in inbound {
                let replies = try reader.take(bytes.readableBytesView)
                for (index, reply) in replies.enumerated() {
                    var action = dialogue.take(reply)
                    if case .secure = action {
                        // What came in the open behind this reply was not said by the server that we are about to know.
                        guard index == replies.count - 1, reader.isEmpty, let context else {
                            throw SMTPReplyReader.Malformed()
                        }
                        let raw = channel.channel
                        try await raw.eventLoop.submit { try Self.secure(raw, context, host) }.get()
                        action = dialogue.secured()
                    }
                    course.mayHaveArrived = dialogue.mayHaveArrived
                    switch action {
                    case .send(let bytes): try await outbound.write(ByteBuffer(bytes: bytes))
                    case .secure: throw SMTPReplyReader.Malformed()
                    case .end(let answer):
                        // A goodbye that does not arrive changes nothing.
                        try? await outbound.write(ByteBuffer(string: "QUIT\r\n"))
                        return answer
                    }
                }
            }
            throw TransportError(
                .broken, mayHaveArrived: dialogue.mayHaveArrived, "the mail server closed the connection in the middle")
        }
    }

    private static func secure(_ channel: any NIOCore.Channel, _ context: NIOSSLContext, _ host: String) throws {
        let handler = try NIOSSLClientHandler(context: context, serverHostname: IPAddress(host) == nil ? host : nil)
        try channel.pipeline.syncOperations.addHandler(handler, position: .first)
    }

    private static func nobody(at host: String) -> TransportError {
        TransportError(.connect, mayHaveArrived: false, "nothing accepts mail at \(host)")
    }

    private static func reading(_ error: any Error, host: String, mayHaveArrived: Bool) -> TransportError {
        switch error {
        case let error as TransportError: error
        case let error as NIOConnectionError where error.connectionErrors.isEmpty: AddressGuard.unresolved(host)
        case is NIOConnectionError: nobody(at: host)
        case is IOError where !mayHaveArrived: nobody(at: host)
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            TransportError(.tls, mayHaveArrived: mayHaveArrived, "no secure connection: \(error)")
        case is SMTPReplyReader.Malformed:
            TransportError(.broken, mayHaveArrived: mayHaveArrived, "what answers at \(host) is no mail server")
        case is CancellationError:
            TransportError(.timeout, mayHaveArrived: mayHaveArrived, "the mail was cancelled before its answer")
        default:
            TransportError(.broken, mayHaveArrived: mayHaveArrived, "the connection ended before the answer: \(error)")
        }
    }
}

/// How far a conversation has come, for whoever ends it from outside.
private final class MailCourse: Sendable {
    private let state = Mutex(false)

    var mayHaveArrived: Bool {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
