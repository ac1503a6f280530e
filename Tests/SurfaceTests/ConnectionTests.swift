import API
import Foundation
import Hummingbird
import HummingbirdTesting
import Logging
import Model
import Seams
import TestKit
import Testing

/// One conversation over a real socket, on a thread of its own: it blocks.
final class RawConnection {
    private let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let isConnected = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else { throw Failure(.unreachable, "no connection") }
    }

    deinit { close(descriptor) }

    static func talk<Value: Sendable>(
        port: Int, _ body: @escaping @Sendable (RawConnection) -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { answer in
            Thread.detachNewThread {
                answer.resume(with: Result { body(try RawConnection(port: port)) })
            }
        }
    }

    /// Sends all, and says whether the other side took it.
    @discardableResult
    func send(_ bytes: some Collection<UInt8>) -> Bool {
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    @discardableResult
    func send(_ text: String) -> Bool { send(text.utf8) }

    /// What comes until the other side closes; nil where the connection was reset.
    func readAll() -> String? {
        var all: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = recv(descriptor, &piece, piece.count, 0)
            if count == 0 { return String(decoding: all, as: UTF8.self) }
            guard count > 0 else { return nil }
            all += piece[..<count]
        }
    }

    /// What has come so far, after waiting for a first byte.
    func read() -> String? {
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        let count = recv(descriptor, &piece, piece.count, 0)
        return count > 0 ? String(decoding: piece[..<count], as: UTF8.self) : nil
    }
}

@Suite(.serialized) struct `A connection` {
    private func limits(_ change: (inout ConnectionLimits) -> Void) -> ConnectionLimits {
        var limits = ConnectionLimits()
        change(&limits)
        return limits
    }

    /// A server on real connections; `body` gets its port.
    private func serve(
        _ limits: ConnectionLimits = ConnectionLimits(), house: House? = nil,
        _ body: @escaping @Sendable (_ port: Int, _ connections: ConnectionCount) async throws -> Void
    ) async throws {
        let house = if let house { house } else { try await House() }
        let connections = ConnectionCount(
            limits, time: SystemTime(), chance: house.dependencies.chance, logger: house.dependencies.logger)
        try await house.application(connections).test(.live) { client in
            try await body(try #require(client.port), connections)
        }
    }

    private static let head = "POST /in/chat HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"

    @Test(arguments: [2 << 20, 8 << 20, 100 << 20])
    func `sees its 413 though it sends a body that is far too large to its end`(size: Int) async throws {
        try await serve { port, _ in
            let answer = try await RawConnection.talk(port: port) { connection -> String? in
                connection.send("\(Self.head)content-length: \(size)\r\n\r\n")
                let piece = [UInt8](repeating: 97, count: 1 << 20)
                for _ in 0..<size >> 20 where !connection.send(piece) { return "cut off" }
                return connection.readAll()
            }
            #expect(
                answer?.hasPrefix("HTTP/1.1 413 ") == true && answer?.contains("too_large") == true,
                "\(answer ?? "reset")")
            #expect(answer?.lowercased().contains("connection: close") == true)
        }
    }

    @Test func `sees its 413 when its chunks cross the limit, and ends within seconds though it goes on`() async throws
    {
        try await serve { port, _ in
            let (answer, seconds) = try await RawConnection.talk(port: port) { connection in
                connection.send("\(Self.head)transfer-encoding: chunked\r\n\r\n")
                let chunk = Array("10000\r\n".utf8) + [UInt8](repeating: 97, count: 0x10000) + Array("\r\n".utf8)
                for _ in 0..<20 { connection.send(chunk) }
                let answer = connection.read()
                let start = ContinuousClock.now
                // It never ends by itself.
                while ContinuousClock.now - start < .seconds(20), connection.send(chunk) {}
                return (answer, (ContinuousClock.now - start).components.seconds)
            }
            #expect(answer?.hasPrefix("HTTP/1.1 413 ") == true, "\(answer ?? "reset")")
            #expect(seconds < 10, "the second of dropping what comes is over")
        }
    }

    @Test(arguments: ["POST /in/chat HT", "\(head)content-length: 100\r\n\r\n{\"id\":"])
    func `is answered with 408 and closed when its request does not come to an end`(part: String) async throws {
        try await serve(limits { $0.requestMax = .milliseconds(300) }) { port, _ in
            let answer = try await RawConnection.talk(port: port) { connection -> String? in
                connection.send(part)
                return connection.readAll()
            }
            #expect(
                answer?.hasPrefix("HTTP/1.1 408 ") == true && answer?.contains("\"timeout\"") == true,
                "\(answer ?? "reset")")
            #expect(answer?.contains("request_id") == true)
        }
    }

    @Test func `is not held open by bytes that trickle`() async throws {
        try await serve(limits { $0.requestMax = .milliseconds(500) }) { port, _ in
            let sent = try await RawConnection.talk(port: port) { connection in
                connection.send("\(Self.head)content-length: 100000\r\n\r\n")
                var sent = 0
                while sent < 2000, connection.send("a") {
                    sent += 1
                    usleep(10_000)
                }
                return sent
            }
            #expect(sent < 2000)
        }
    }

    @Test func `is closed in silence when it never says anything`() async throws {
        try await serve(limits { $0.requestMax = .milliseconds(200) }) { port, _ in
            let answer = try await RawConnection.talk(port: port) { $0.readAll() }
            #expect(answer == "")
        }
    }

    @Test func `is closed when it rests too long between two requests`() async throws {
        try await serve(limits { $0.idleMax = .milliseconds(300) }) { port, _ in
            let answer = try await RawConnection.talk(port: port) { connection -> String? in
                connection.send("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
                return connection.readAll()
            }
            #expect(answer?.hasPrefix("HTTP/1.1 200 ") == true, "\(answer ?? "reset")")
        }
    }

    @Test func `outlives the time for one request when each of its requests is quick`() async throws {
        try await serve(limits { $0.requestMax = .milliseconds(400) }) { port, _ in
            let answered = try await RawConnection.talk(port: port) { connection in
                (0..<10).count { _ in
                    connection.send("\(Self.head)content-length: 2\r\n\r\n{}")
                    usleep(100_000)
                    return connection.read()?.hasPrefix("HTTP/1.1 200 ") == true
                }
            }
            #expect(answered == 10)
        }
    }

    @Test func `is closed where it is one too many, and another has its place when one ends`() async throws {
        // The framework that runs the server holds one itself.
        try await serve(limits { $0.countMax = 3 }) { port, connections in
            let ask: @Sendable (RawConnection) -> String? = { connection in
                connection.send("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
                return connection.read()
            }
            let third = try await RawConnection.talk(port: port) { first -> String? in
                guard ask(first) != nil, let second = try? RawConnection(port: port), ask(second) != nil else {
                    return "none"
                }
                guard let third = try? RawConnection(port: port) else { return "no third" }
                return ask(third)
            }
            #expect(third == nil)
            while connections.open > 1 { try await Task.sleep(for: .milliseconds(10)) }
            let again = try await RawConnection.talk(port: port, ask)
            #expect(again?.hasPrefix("HTTP/1.1 200 ") == true)
        }
    }

    @Test func `frees its place among the followers when it leaves the tail`() async throws {
        let house = try await House()
        let key = house.keys["read"] ?? ""
        try await serve(house: house) { port, _ in
            let opening = try await RawConnection.talk(port: port) { connection -> String? in
                connection.send("GET /v1/tail HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \(key)\r\n\r\n")
                return connection.read()
            }
            #expect(opening?.hasPrefix("HTTP/1.1 200 ") == true)
            let end = ContinuousClock.now + .seconds(20)
            while house.dependencies.followers.count > 0, ContinuousClock.now < end {
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(house.dependencies.followers.count == 0)
        }
    }
}
