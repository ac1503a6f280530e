import Model
import Seams
import Synchronization

/// A destination that takes every effect, at once or when a stand-in has, and notes how long after its event it came.
final class InstantDestination: HTTPTransport {
    private struct Ledger {
        var effects = 0
        /// Milliseconds from the receipt of an event to its effect here.
        var delays: [UInt32] = []
        /// When the last effect was asked for.
        var calledAt: Duration?
    }

    /// A server that takes effects in this one's place, by HTTP.
    struct StandIn: Sendable {
        var http: any HTTPTransport
        var url: String
    }

    private static let delaysMax = 2_000_000
    private let time: any TimeSource
    private let standIn: StandIn?
    private let ledger = Mutex(Ledger())

    init(time: any TimeSource, standIn: StandIn? = nil) {
        self.time = time
        self.standIn = standIn
    }

    func send(_ request: OutboundRequest) async throws(TransportError) -> InboundResponse {
        let uptime = time.uptime
        ledger.withLock { $0.calledAt = uptime }
        guard let standIn else { return take(request) }
        var onward = request
        onward.url = standIn.url
        let answer = try await standIn.http.send(onward)
        return answer.status == 200 ? take(request) : answer
    }

    private func take(_ request: OutboundRequest) -> InboundResponse {
        // An event's id begins with the moment of its receipt.
        let delay = Self.event(in: request.body).map { (time.now - $0.instant).milliseconds }
        ledger.withLock { ledger in
            ledger.effects += 1
            if let delay, ledger.delays.count < Self.delaysMax { ledger.delays.append(UInt32(clamping: delay)) }
        }
        return InboundResponse(status: 200)
    }

    /// What came since the last call, sorted.
    func take() -> (effects: Int, delays: [UInt32]) {
        let taken = ledger.withLock { ledger in
            defer { ledger = Ledger() }
            return ledger
        }
        return (taken.effects, taken.delays.sorted())
    }

    var calledAt: Duration? { ledger.withLock { $0.calledAt } }

    var effects: Int { ledger.withLock { $0.effects } }

    private static func event(in body: [UInt8]) -> EventID? {
        let prefix = Array(EventTag.prefix.utf8)
        guard let start = body.firstRange(of: prefix)?.lowerBound else { return nil }
        return EventID(String(decoding: body[start...].prefix(prefix.count + 26), as: UTF8.self))
    }
}
