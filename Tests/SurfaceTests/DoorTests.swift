import API
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Journal
import Model
import NIOCore
import NIOEmbedded
import Synchronization
import TestKit
import Testing

@Suite struct `The door` {
    @Test(arguments: [
        ("GET", "/nowhere", 404, "not_found"), ("PUT", "/v1/events", 405, "method_not_allowed"),
        ("POST", "/in/unknown", 404, "not_found"), ("GET", "/v1/jobs", 401, "unauthorized"),
        ("GET", "/v1/jobs/", 404, "not_found"), ("OPTIONS", "/healthz", 405, "method_not_allowed"),
    ])
    func `answers every refusal in one shape`(method: String, path: String, status: Int, code: String) async throws {
        let reply = try await House().send(method, path)
        #expect(reply.status == status && reply.code == code)
        let requestID = try #require(reply.json["request_id"]?.string)
        #expect(reply.header("x-request-id") == requestID)
        #expect(reply.json["error"]?["message"]?.string?.isEmpty == false)
        if status == 405 { #expect(reply.header("allow") != nil) }
    }

    @Test func `refuses a parameter that it does not know, also where events come in`() async throws {
        let reply = try await House().send("POST", "/v1/events?sorce=chat", key: "ingest", body: "{}")
        #expect(reply.status == 400)
        #expect(reply.json["error"]?["field"]?.string == "sorce")
    }

    @Test func `lets each key do its own and nothing else`() async throws {
        let house = try await House()
        // So that a stream has an end.
        house.readiness.close("stopping")
        for route in Routes.all(house.dependencies) {
            guard case .scope(let scope) = route.access else { continue }
            let path = route.template.replacingOccurrences(of: "{id}", with: "x")
                .replacingOccurrences(of: "{name}", with: "crm").replacingOccurrences(of: "{key}", with: "x")
                .replacingOccurrences(of: "{email}", with: "x")
            for key in KeyRow.Scope.allCases {
                let reply = try await house.send(route.method, path, key: key.rawValue)
                let mayPass = key == scope || key == .admin
                #expect(
                    (reply.status == 403) == (!mayPass || path == "/v1/backup"), "\(key) at \(path): \(reply.status)")
            }
            #expect(try await house.send(route.method, path).status == 401)
            #expect(try await house.send(route.method, path, key: "tl_aaaaaaaa_wrong").status == 401)
            #expect(try await house.send(route.method, path, key: house.localCredential).status != 401)
        }
    }

    @Test func `refuses a key with its last character changed, another scheme and a revoked one`() async throws {
        let house = try await House()
        let key = try #require(house.keys["read"])
        let changed = key.dropLast() + (key.hasSuffix("0") ? "1" : "0")
        #expect(try await house.send("GET", "/v1/jobs", key: String(changed)).status == 401)
        #expect(try await house.send("GET", "/v1/jobs", headers: ["authorization": "Basic \(key)"]).status == 401)
        #expect(try await house.send("GET", "/v1/jobs", key: "read").status == 200)
        let shown = key.split(separator: "_")[1]
        #expect(try await house.send("DELETE", "/v1/keys/\(shown)", key: "admin").status == 200)
        #expect(try await house.send("GET", "/v1/jobs", key: "read").status == 401)
    }

    @Test func `takes a body of the limit and refuses one byte more`() async throws {
        let receiving = FakeReceiving(ReceiptAnswer(status: 200, body: ["status": "accepted"]))
        let house = try await House(receiving: receiving)
        let full = String(repeating: "a", count: Limits.deliverySizeMax)
        #expect(try await house.send("POST", "/in/chat", body: full).status == 200)
        let refused = try await house.send("POST", "/in/chat", body: full + "a")
        #expect(refused.status == 413 && refused.code == "too_large" && refused.header("connection") == "close")
        let unknown = try await house.send("POST", "/in/unknown", body: full + "a")
        #expect(unknown.status == 404 && unknown.header("connection") == "close")
        #expect(try await house.send("POST", "/in/unknown", body: "{}").header("connection") == nil)
        #expect(receiving.bodies.withLock { $0.count } == 1)
        let batch = String(repeating: "a", count: Limits.eventsSizeMax + 1)
        #expect(try await house.send("POST", "/v1/events", key: "ingest", body: batch).status == 413)
    }

    @Test func `takes JSON, lines of JSON or no type at all, and no other`() async throws {
        let house = try await House()
        for (type, status) in [
            ("application/json", 200), ("application/json; charset=utf-8", 200), ("application/cloudevents+json", 200),
            (nil, 200), ("text/html", 415), ("application/x-ndjson", 415),
        ] {
            #expect(try await house.send("POST", "/in/chat", body: "{}", type: type).status == status)
        }
        #expect(
            try await house.send("POST", "/v1/events", key: "ingest", body: "{}", type: "application/x-ndjson").status
                == 200)
    }

    @Test func `refuses headers beyond their limit`() async throws {
        let reply = try await House().send(
            "GET", "/healthz", headers: ["x-long": String(repeating: "a", count: Limits.headersSizeMax)])
        #expect(reply.status == 431 && reply.code == "headers_too_large")
    }

    @Test func `goes by the caller's request id where that is a plain word`() async throws {
        let house = try await House()
        #expect(
            try await house.send("GET", "/healthz", headers: ["x-request-id": "abc-1"]).header("x-request-id")
                == "abc-1")
        let odd = try await house.send("GET", "/healthz", headers: ["x-request-id": "a b<script>"])
        #expect(odd.header("x-request-id")?.hasPrefix("req_") == true)
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        let traced = try await house.send(
            "GET", "/healthz", headers: ["traceparent": "00-\(trace)-00f067aa0ba902b7-01"])
        #expect(traced.header("x-request-id") == trace)
    }

    @Test func `says when to come again`() async throws {
        let busy = FakeReceiving(ReceiptAnswer(status: 429, body: [:], retryAfter: 7))
        #expect(try await House(receiving: busy).send("POST", "/in/chat", body: "{}").header("retry-after") == "7")
        let house = try await House()
        house.readiness.close("draining")
        let reply = try await house.send("POST", "/in/chat", body: "{}")
        #expect(reply.status == 503 && reply.header("retry-after") != nil)
        #expect(try await house.send("GET", "/readyz").status == 503)
        #expect(try await house.send("GET", "/healthz").status == 200)
    }

    @Test func `is not ready while the journal cannot be written, and says why`() async throws {
        let house = try await House()
        #expect(try await house.send("GET", "/readyz").status == 200)
        house.journal.set { $0.isWritable = false }
        house.time.advance(by: .seconds(1))
        let reply = try await house.send("GET", "/readyz")
        #expect(reply.status == 503 && reply.text.contains("disk is full"))
    }

    @Test func `asks the journal whether it can be written once a second, however many probe`() async throws {
        let house = try await House()
        for second in 1...3 {
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<50 { group.addTask { try await house.send("GET", "/readyz").status } }
                for try await status in group { #expect(status == 200) }
            }
            #expect(house.journal.get { $0.writableChecks } == second)
            house.time.advance(by: .seconds(1))
        }
    }

    @Test func `counts what it answered`() async throws {
        let house = try await House()
        _ = try await house.send("POST", "/in/chat", body: "{}")
        let text = try await house.send("GET", "/metrics", key: "read").text
        #expect(text.contains(#"throughline_deliveries_total{source="chat",status="200"} 1"#))
        #expect(text.contains("throughline_ack_seconds_count 1"))
    }

    @Test func `answers a body that is too large over a real connection, and ends it`() async throws {
        let house = try await House()
        try await house.application.test(.live) { client in
            let reply = try await client.execute(
                uri: "/in/chat", method: .post, headers: [.contentType: "application/json"],
                body: ByteBuffer(repeating: 97, count: Limits.deliverySizeMax * 2))
            #expect(reply.status.code == 413 && reply.headers[.connection] == "close")
        }
    }

    @Test(arguments: [0, 1]) func `counts a body of undeclared length while it comes`(excess: Int) async throws {
        let house = try await House()
        let responder = Responder(
            routes: house.routes, keys: house.dependencies.keys, meters: house.meters, time: house.time,
            chance: house.dependencies.chance, logger: house.dependencies.logger)
        let chunks = AsyncStream<ByteBuffer> { stream in
            for _ in 0..<16 { stream.yield(ByteBuffer(repeating: 97, count: Limits.deliverySizeMax / 16)) }
            stream.yield(ByteBuffer(repeating: 97, count: excess))
            stream.finish()
        }
        let request = Request(
            head: HTTPRequest(method: .post, scheme: "http", authority: "localhost", path: "/in/chat"),
            body: RequestBody(asyncSequence: chunks))
        let response = try await responder.respond(
            to: request,
            context: Connection(
                source: ApplicationRequestContextSource(channel: EmbeddedChannel(), logger: house.dependencies.logger)))
        #expect(response.status.code == (excess == 0 ? 200 : 413))
    }
}
