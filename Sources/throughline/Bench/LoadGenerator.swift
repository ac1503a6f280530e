import Model
import NIOCore
import NIOHTTP1
import NIOPosix
import Seams
import Synchronization

/// Sends requests over keep-alive connections and times each from its first byte to its answer's last.
struct LoadGenerator {
    struct Request: Sendable {
        var path: String
        var headers: [(String, String)]
        var body: [UInt8]
    }

    struct Outcome: Sendable {
        var answers: [Int: Int] = [:]
        var failures = 0
        /// Microseconds of each success, unsorted.
        var latencies: [UInt32] = []
        var elapsed: Duration = .zero

        var successes: Int { answers.reduce(0) { $0 + ((200...299).contains($1.key) ? $1.value : 0) } }
        var perSecond: Double { Double(successes) / max(elapsed.inSeconds, 0.001) }

        /// In milliseconds.
        func percentile(_ share: Double, of sorted: [UInt32]) -> Double {
            guard !sorted.isEmpty else { return 0 }
            return Double(sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]) / 1000
        }

        var percentiles: (p50: Double, p95: Double, p99: Double) {
            let sorted = latencies.sorted()
            return (percentile(0.5, of: sorted), percentile(0.95, of: sorted), percentile(0.99, of: sorted))
        }
    }

    var host = "127.0.0.1"
    var port: Int
    var connections: Int
    var duration: Duration
    /// Requests a second over all connections; nil: each connection sends again as soon as it has its answer.
    var rate: Double?
    /// Whether a request's time counts from when it was due, so that a stall counts for all that it delays; else from
    /// when it was sent (where more is due than can be sent).
    var isCountedFromDue = true
    var make: @Sendable (_ number: Int) -> Request

    func run() async throws -> Outcome {
        let counter = Counter()
        let start = ContinuousClock.now
        let end = start + duration
        return try await withThrowingTaskGroup(of: Outcome.self) { group in
            for _ in 0..<connections {
                group.addTask { try await drive(counter: counter, start: start, end: end) }
            }
            var total = Outcome()
            for try await part in group {
                total.answers.merge(part.answers, uniquingKeysWith: +)
                total.failures += part.failures
                total.latencies += part.latencies
            }
            total.elapsed = ContinuousClock.now - start
            return total
        }
    }

    private func drive(
        counter: Counter, start: ContinuousClock.Instant, end: ContinuousClock.Instant
    ) async throws -> Outcome {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .connect(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    return try NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>(
                        wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            var outcome = Outcome()
            var answers = inbound.makeAsyncIterator()
            while ContinuousClock.now < end {
                let number = counter.next()
                if let rate {
                    let due = start + .seconds(Double(number) / rate)
                    if due >= end { break }
                    try await Task.sleep(until: due, clock: .continuous)
                }
                let request = make(number)
                let due = isCountedFromDue ? rate.map { start + .seconds(Double(number) / $0) } : nil
                let sent = due ?? ContinuousClock.now
                try await Self.send(request, outbound)
                guard let status = try await Self.answer(&answers) else {
                    outcome.failures += 1
                    break
                }
                outcome.answers[status, default: 0] += 1
                guard (200...299).contains(status) else { continue }
                let microseconds = (ContinuousClock.now - sent).inSeconds * 1_000_000
                outcome.latencies.append(UInt32(clamping: Int(microseconds)))
            }
            return outcome
        }
    }

    private static func send(
        _ request: Request, _ outbound: NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>
    ) async throws {
        var head = HTTPRequestHead(version: .http1_1, method: .POST, uri: request.path)
        head.headers.add(name: "host", value: "127.0.0.1")
        head.headers.add(name: "content-length", value: String(request.body.count))
        for (name, value) in request.headers { head.headers.add(name: name, value: value) }
        try await outbound.write(contentsOf: [
            .head(head), .body(.byteBuffer(ByteBuffer(bytes: request.body))), .end(nil),
        ])
    }

    private static func answer(
        _ parts: inout NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator
    ) async throws -> Int? {
        var status: Int?
        while let part = try await parts.next() {
            switch part {
            case .head(let head): status = Int(head.status.code)
            case .body: continue
            case .end: return status
            }
        }
        return nil
    }
}

/// Hands out 0, 1, 2 … to all that ask at once.
final class Counter: Sendable {
    private let value: Mutex<Int>

    init(from first: Int = 0) { value = Mutex(first) }

    func next() -> Int {
        value.withLock { value in
            defer { value += 1 }
            return value
        }
    }
}

extension Duration {
    var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}
