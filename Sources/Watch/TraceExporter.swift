package import Logging
package import Model
package import Seams
internal import ServiceLifecycle
internal import Synchronization

/// Sends spans to a collector by OTLP over HTTP, in JSON.
///
/// The street never waits for it: what comes while the queue is full is dropped and counted.
package final class TraceExporter: Service, SpanSink {
    package struct Collector: Sendable {
        /// The whole address, with `/v1/traces`.
        package var url: String
        package var headers: Redacted<[OutboundRequest.Header]>

        package init(endpoint: String, headers: [OutboundRequest.Header] = []) {
            let base = endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint
            url = base.hasSuffix("/v1/traces") ? base : base + "/v1/traces"
            self.headers = Redacted(headers)
        }
    }

    package static let queueMax = 2048
    static let batchMax = 512
    static let interval: Duration = .seconds(5)
    static let timeout: Duration = .seconds(10)
    static let triesMax = 3

    private let collector: Collector
    private let http: any HTTPTransport
    private let time: any TimeSource
    private let meters: Meters
    private let logger: Logger
    private let resource: [Span.Attribute]
    private let queue = Mutex<[Span]>([])
    private let signal = Signal()

    package init(
        _ collector: Collector, resource: [Span.Attribute], http: any HTTPTransport, time: any TimeSource,
        meters: Meters, logger: Logger
    ) {
        self.collector = collector
        self.resource = resource
        self.http = http
        self.time = time
        self.meters = meters
        self.logger = logger
    }

    package var isRecording: Bool { true }

    package func record(_ span: Span) {
        let count = queue.withLock { queue -> Int? in
            guard queue.count < Self.queueMax else { return nil }
            queue.append(span)
            return queue.count
        }
        guard let count else { return meters.countSpans(dropped: 1) }
        if count == Self.batchMax { signal.raise() }
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var trouble = Repetition(every: .seconds(600))
            while !Task.isCancelled {
                await self.signal.wait(upTo: Self.interval, on: self.time)
                await self.sendAll(&trouble)
            }
        }
        var trouble = Repetition(every: .zero)
        await sendAll(&trouble)
    }

    private func sendAll(_ trouble: inout Repetition) async {
        while true {
            let batch = queue.withLock { queue -> [Span] in
                let batch = Array(queue.prefix(Self.batchMax))
                queue.removeFirst(batch.count)
                return batch
            }
            guard !batch.isEmpty else { return }
            guard let reason = await send(batch) else {
                meters.countSpans(sent: batch.count)
                continue
            }
            meters.countSpans(dropped: batch.count)
            if let count = trouble.happened(at: time.uptime) {
                logger.warning("traces are not taken", metadata: ["reason": "\(reason)", "batches": "\(count)"])
            }
            return
        }
    }

    /// Nil where they were taken; what is busy is asked again, a little later each time.
    private func send(_ batch: [Span]) async -> String? {
        let request = OutboundRequest(
            method: "POST", url: collector.url,
            headers: [.init("content-type", "application/json")] + collector.headers.revealed,
            body: OTLP.request(batch, resource: resource).encoded, timeout: Self.timeout)
        var reason = ""
        for attempt in 1...Self.triesMax {
            do {
                let response = try await http.send(request)
                if (200..<300).contains(response.status) { return nil }
                reason = "it answers \(response.status)"
                guard [429, 502, 503, 504].contains(response.status) else { return reason }
            } catch {
                reason = error.kind.rawValue
            }
            if attempt == Self.triesMax || Task.isCancelled { break }
            // Cut short at shutdown: then there is no other try.
            try? await time.sleep(for: .seconds(Int64(attempt)))
        }
        return reason
    }
}

/// Spans in the JSON of OTLP (opentelemetry-proto, `ExportTraceServiceRequest`).
enum OTLP {
    static func request(_ spans: [Span], resource: [Span.Attribute]) -> JSONObject {
        [
            "resourceSpans": [
                [
                    "resource": ["attributes": attributes(resource)],
                    "scopeSpans": [["scope": ["name": "throughline"], "spans": .array(spans.map(span))]],
                ]
            ]
        ]
    }

    private static func span(_ span: Span) -> JSONValue {
        let start = span.startedAt.milliseconds * 1_000_000
        let (seconds, attoseconds) = span.duration.components
        let length = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
        var object: JSONObject = [
            "traceId": .string(span.context.traceID), "spanId": .string(span.context.spanID),
            "name": .string(span.name), "kind": .int(Int64(span.kind.rawValue)),
            "startTimeUnixNano": .string(String(start)), "endTimeUnixNano": .string(String(start + max(0, length))),
            "attributes": attributes(span.attributes), "status": span.isError ? ["code": 2] : [:],
        ]
        object["parentSpanId"] = span.parent.map { .string(TraceContext.hex($0)) }
        return .object(object)
    }

    private static func attributes(_ attributes: [Span.Attribute]) -> JSONValue {
        .array(
            attributes.map { ["key": .string($0.key), "value": ["stringValue": .string(Mask.masked($0.value))]] })
    }
}
