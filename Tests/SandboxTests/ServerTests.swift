import Foundation
import Model
import Sandbox
import Seams
import Synchronization
import TestKit
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

@Suite struct `The sandbox server` {
    private let path = "/slack/services/T00000000/B00000000/sandbox"

    @Test func `serves the stand-ins, their ledger and their faults on loopback`() async throws {
        try await withServer { client in
            #expect(try await client.send("POST", path, #"{"text":"one"}"#).text == "ok")
            #expect(try await client.send("GET", "/hubspot/crm/v3/objects/contacts/1").status == 401)
            #expect(try await client.send("GET", "/nobody/here").status == 404)

            let fault = #"{"stand_in": "slack", "faults": [{"fault": "status", "status": 503, "times": 1}]}"#
            #expect(try await client.send("POST", "/_sandbox/faults", fault).status == 200)
            #expect(try await client.send("POST", path, #"{"text":"two"}"#).status == 503)
            #expect(try await client.send("POST", path, #"{"text":"three"}"#).status == 200)
            #expect(
                try await client.send("POST", "/_sandbox/faults", #"{"stand_in": "x", "faults": []}"#).status == 400)

            let ledger = try await client.send("GET", "/_sandbox/ledger/slack").json
            #expect(ledger["messages"]?.array?.map { $0["text"]?.string } == ["one", "three"])
            #expect(try await client.send("POST", "/_sandbox/reset").status == 200)
            #expect(try await client.send("GET", "/_sandbox/ledger").json["slack"]?["messages"]?.array == [])
        }
    }

    @Test(arguments: [("before_reset", 0), ("after_reset", 1)])
    func `closes the connection for real`(fault: String, messages: Int) async throws {
        try await withServer { client in
            let faults = #"{"stand_in": "slack", "faults": [{"fault": "\#(fault)", "times": 1}]}"#
            _ = try await client.send("POST", "/_sandbox/faults", faults)
            await #expect(throws: URLError.self) { try await client.send("POST", path, #"{"text":"x"}"#) }
            let ledger = try await client.send("GET", "/_sandbox/ledger/slack").json
            #expect(ledger["messages"]?.array?.count == messages)
        }
    }

    @Test func `breaks an answer off after its first bytes`() async throws {
        try await withServer { client in
            let faults = #"{"stand_in": "slack", "faults": [{"fault": "truncated", "bytes": 1, "times": 1}]}"#
            _ = try await client.send("POST", "/_sandbox/faults", faults)
            await #expect(throws: URLError.self) { try await client.send("POST", path, #"{"text":"x"}"#) }
        }
    }

    /// Runs a server on a free port for as long as `body` takes.
    private func withServer(_ body: @escaping @Sendable (Client) async throws -> Void) async throws {
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let server = SandboxServer(.usual(), port: 0, time: SystemTime()) { number in port.yield(number) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            group.addTask {
                guard let number = await ports.first(where: { _ in true }) else { return }
                try await body(Client(port: number))
            }
            try await group.next()
            group.cancelAll()
            // The server ends by being cancelled; what it says then is not what is tested.
            while let end = await group.nextResult() { _ = end }
        }
    }

    private struct Client: Sendable {
        let port: Int

        @discardableResult
        func send(_ method: String, _ path: String, _ body: String? = nil) async throws -> InboundResponse {
            var request = URLRequest(url: try #require(URL(string: "http://127.0.0.1:\(port)\(path)")))
            request.httpMethod = method
            request.httpBody = body.map { Data($0.utf8) }
            request.timeoutInterval = 20
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
            let session = URLSession(configuration: .ephemeral)
            defer { session.invalidateAndCancel() }
            let (data, response) = try await session.data(for: request)
            let status = try #require(response as? HTTPURLResponse).statusCode
            return InboundResponse(status: status, body: Array(data))
        }
    }
}
