import Logging
import Model
import Seams
import Synchronization
import TestKit
import Testing

@testable import Watch

@Suite struct `A trace` {
    private let event = EventID(at: start, random: (7, 8))

    @Test(arguments: [
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
        "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-will-be-like",
    ])
    func `is carried on from its sender`(text: String) throws {
        let context = try #require(TraceContext(traceparent: text))
        #expect(context.traceID == "4bf92f3577b34da6a3ce929d0e0e4736" && context.spanID == "00f067aa0ba902b7")
        let arrival = TraceContext(of: event, trace: text)
        #expect(arrival.traceID == context.traceID)
        #expect(Set([arrival.spanID, arrival.planning.spanID, context.spanID]).count == 3)
    }

    @Test(arguments: [
        "", "00", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", "00-4bf9-00f0-01",
    ])
    func `begins with the event where the sender names none that can be used`(text: String) {
        #expect(TraceContext(traceparent: text) == nil)
        let arrival = TraceContext(of: event, trace: text)
        #expect((arrival.high, arrival.low) == (event.high, event.low))
        #expect(TraceContext(traceparent: arrival.traceparent) == arrival)
    }

    @Test func `has a span of its own for each attempt`() {
        let arrival = TraceContext(of: event, trace: nil)
        let job = JobID(at: start, random: (1, 2))
        let spans = (1...50).map { arrival.attempt(at: job, token: $0).spanID }
        #expect(Set(spans).count == 50)
        #expect(arrival.attempt(at: job, token: 3) == arrival.attempt(at: job, token: 3))
    }
}

@Suite struct `Traces on their way to a collector` {
    /// Answers in turn, and remembers what it got.
    private final class Collector: HTTPTransport {
        let requests = Mutex<[OutboundRequest]>([])
        let answers: Mutex<[Int]>
        init(_ answers: [Int] = []) { self.answers = Mutex(answers) }
        func send(_ request: OutboundRequest) async throws(TransportError) -> InboundResponse {
            requests.withLock { $0.append(request) }
            let status = answers.withLock { $0.isEmpty ? 200 : $0.removeFirst() }
            guard status > 0 else { throw TransportError(.connect, mayHaveArrived: false, "away") }
            return InboundResponse(status: status)
        }
    }

    private func span(_ number: Int, attributes: [Span.Attribute] = []) -> Span {
        Span(
            name: "attempt crm.upsert", kind: .client, context: TraceContext(high: 1, low: 2, span: UInt64(number) + 1),
            parent: 9, startedAt: start, duration: .milliseconds(40), attributes: attributes, isError: number == 0)
    }

    private func exporter(_ collector: Collector, _ meters: Meters) -> TraceExporter {
        TraceExporter(
            .init(endpoint: "http://127.0.0.1:4318/", headers: [.init("Authorization", "Bearer x")]),
            resource: [.init("service.name", "throughline")], http: collector, time: ManualTime(start), meters: meters,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Runs it until what is in its queue is gone.
    private func run(_ exporter: TraceExporter) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await exporter.run() }
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    @Test func `are sent as OTLP in JSON, with secrets and addresses masked`() async throws {
        let (collector, meters) = (Collector(), Meters())
        let exporter = exporter(collector, meters)
        exporter.record(span(0, attributes: [.init("job.id", "tjb_1"), .init("odd", "ada@example.com")]))
        try await run(exporter)
        let request = try #require(collector.requests.withLock { $0.first })
        #expect(request.url == "http://127.0.0.1:4318/v1/traces")
        #expect(request.headers.contains(.init("authorization", "Bearer x")))
        let body = try JSONValue(parsing: request.body)
        let resource = body["resourceSpans"]?.array?.first
        #expect(
            resource?["resource"]?["attributes"]?.array?.first
                == ["key": "service.name", "value": ["stringValue": "throughline"]])
        let sent = try #require(resource?["scopeSpans"]?.array?.first?["spans"]?.array?.first?.object)
        #expect(sent["traceId"] == "00000000000000010000000000000002" && sent["spanId"] == "0000000000000001")
        #expect(sent["parentSpanId"] == "0000000000000009" && sent["kind"] == 3)
        #expect(sent["startTimeUnixNano"]?.string == "\(start.milliseconds)000000")
        #expect(sent["endTimeUnixNano"]?.string == "\(start.milliseconds + 40)000000")
        #expect(sent["status"] == ["code": 2])
        #expect(!String(decoding: request.body, as: UTF8.self).contains("ada@"))
        #expect((meters.snapshot.spansSent, meters.snapshot.spansDropped) == (1, 0))
    }

    @Test func `are dropped and counted where there is no room`() async throws {
        let (collector, meters) = (Collector(), Meters())
        let exporter = exporter(collector, meters)
        for number in 0..<TraceExporter.queueMax + 7 { exporter.record(span(number)) }
        #expect(meters.snapshot.spansDropped == 7)
        try await run(exporter)
        #expect(collector.requests.withLock { $0.count } == 4)
        #expect(meters.snapshot.spansSent == TraceExporter.queueMax)
    }

    @Test func `are tried again where the collector is busy, and given up where it refuses`() async throws {
        let meters = Meters()
        let busy = Collector([503, 0])
        var exporter = exporter(busy, meters)
        exporter.record(span(1))
        let service = exporter
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            while meters.snapshot.spansSent == 0 { await Task.yield() }
            group.cancelAll()
            try await group.waitForAll()
        }
        #expect(busy.requests.withLock { $0.count } == 3)
        exporter = self.exporter(Collector([400]), meters)
        exporter.record(span(1))
        try await run(exporter)
        #expect((meters.snapshot.spansSent, meters.snapshot.spansDropped) == (1, 1))
    }
}
