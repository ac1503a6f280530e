import API
import Foundation
import HummingbirdTesting
import Journal
import Model
import Seams
import Synchronization
import TestKit
import Testing

/// Answers when it is told to.
private final class SlowReceiving: Receiving {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Mutex(State())
    private let answer = ReceiptAnswer(status: 200, body: ["status": "accepted"])

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for one in waiting { one.resume() }
    }

    func receive(source: String, headers: [(name: String, value: String)], body: [UInt8]) async -> ReceiptAnswer {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
        return answer
    }

    func receiveEvents(source: String?, contentType: String?, body: [UInt8], boundSource: String?) async
        -> ReceiptAnswer
    {
        await receive(source: "", headers: [], body: body)
    }
    func replay(_ kept: KeptDelivery) async -> ReceiptAnswer { answer }
    func recentRefusals() -> [RefusedDelivery] { [] }
}

@Suite(.serialized) struct `More than can be taken in` {
    private func serve(
        _ receiving: any Receiving, room: DeliveryRoom, limits: ConnectionLimits = ConnectionLimits(),
        _ body: @escaping @Sendable (_ port: Int) async throws -> Void
    ) async throws {
        let house = try await House(receiving: receiving)
        let connections = ConnectionCount(
            limits, time: SystemTime(), chance: house.dependencies.chance, logger: house.dependencies.logger)
        try await house.application(connections, room: room).test(.live) { client in
            try await body(try #require(client.port))
        }
    }

    private static func delivery(_ body: String) -> String {
        "POST /in/chat HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: \(body.utf8.count)\r\n\r\n"
            + body
    }

    private func ask(_ port: Int, _ request: String) async throws -> String {
        try await RawConnection.talk(port: port) { connection -> String in
            connection.send(request)
            return connection.read() ?? ""
        }
    }

    @Test func `is refused at once with the time to wait, while those inside are answered and all else works`()
        async throws
    {
        let (receiving, room) = (SlowReceiving(), DeliveryRoom(countMax: 3))
        try await serve(receiving, room: room) { port in
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<3 { group.addTask { try await ask(port, Self.delivery("{}")) } }
                while room.occupancy.count < 3 { try await Task.sleep(for: .milliseconds(2)) }
                let refused = try await ask(port, Self.delivery("{}"))
                #expect(refused.hasPrefix("HTTP/1.1 429 "), "\(refused)")
                #expect(refused.lowercased().contains("retry-after: 1\r\n"))
                #expect(refused.contains("\"overloaded\""))
                #expect(!refused.lowercased().contains("connection: close"), "it may try again on its connection")
                let health = try await ask(port, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
                #expect(health.hasPrefix("HTTP/1.1 200 "))
                receiving.open()
                for try await answer in group { #expect(answer.hasPrefix("HTTP/1.1 200 "), "\(answer)") }
            }
            #expect(room.occupancy == (0, 0))
            #expect(try await ask(port, Self.delivery("{}")).hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test func `in large bodies is refused before it takes the memory, and small ones still pass`() async throws {
        let receiving = SlowReceiving()
        receiving.open()
        let room = DeliveryRoom(largeSizeMax: 300 << 10)
        try await serve(receiving, room: room) { port in
            let large = Self.delivery("\"" + String(repeating: "a", count: 200 << 10) + "\"")
            try await RawConnection.talk(port: port) { slow in
                // All but its end: what has come of it is held.
                slow.send(large.utf8.dropLast(10))
                while room.occupancy.largeBytes < 190 << 10 { usleep(2000) }
                guard let other = try? RawConnection(port: port) else { return }
                other.send(large)
                let refused = other.read() ?? ""
                #expect(refused.hasPrefix("HTTP/1.1 429 "), "\(refused)")
                guard let small = try? RawConnection(port: port) else { return }
                small.send(Self.delivery("{}"))
                #expect(small.read()?.hasPrefix("HTTP/1.1 200 ") == true)
                slow.send(large.utf8.suffix(10))
                #expect(slow.read()?.hasPrefix("HTTP/1.1 200 ") == true)
            }
            while room.occupancy.largeBytes > 0 { try await Task.sleep(for: .milliseconds(2)) }
            #expect(try await ask(port, large).hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test func `keeps no place for senders that are slow, half open or gone`() async throws {
        let receiving = SlowReceiving()
        receiving.open()
        var limits = ConnectionLimits()
        limits.requestMax = .milliseconds(400)
        let room = DeliveryRoom(countMax: 2)
        try await serve(receiving, room: room, limits: limits) { port in
            let ended = try await RawConnection.talk(port: port) { first -> Int in
                let others = (0..<40).compactMap { _ in try? RawConnection(port: port) }
                let part = Self.delivery("{\"id\": 1}").utf8.dropLast(4)
                for connection in [first] + others { connection.send(part) }
                guard let quick = try? RawConnection(port: port) else { return 0 }
                quick.send(Self.delivery("{}"))
                #expect(quick.read()?.hasPrefix("HTTP/1.1 200 ") == true, "slow ones took the places")
                return ([first] + others).count { $0.readAll()?.hasPrefix("HTTP/1.1 408 ") == true }
            }
            #expect(ended == 41)
            #expect(room.occupancy == (0, 0))
        }
    }

    @Test(arguments: [17 << 10, 70 << 10, 300 << 10])
    func `of headers is refused, whatever their size, and ends the connection`(size: Int) async throws {
        try await serve(SlowReceiving(), room: DeliveryRoom()) { port in
            let answer = try await RawConnection.talk(port: port) { connection -> String in
                connection.send("GET /healthz HTTP/1.1\r\nhost: x\r\n")
                var sent = 0
                while sent < size, connection.send("x-\(sent): \(String(repeating: "a", count: 4000))\r\n") {
                    sent += 4000
                }
                connection.send("\r\n")
                return connection.read() ?? "reset"
            }
            #expect(
                answer.hasPrefix("HTTP/1.1 431 ") || answer.hasPrefix("HTTP/1.1 400 ") || answer == "reset", "\(answer)"
            )
        }
    }
}
