internal import Jobs
internal import Model
internal import Sandbox
internal import Seams

/// What lies between the engine and the providers.
///
/// It outlives the engine: a call that was on its way when the process died may still arrive.
///
/// `@unchecked Sendable`: only the run's one thread touches it.
final class SimulatedNetwork: @unchecked Sendable {
    /// What befalls one call.
    private enum Fate {
        case fine
        case refused, lost, outlives, replyLost, replyReset
        /// `isNoticed`: the caller sees that the answer is not whole.
        case replyCut(isNoticed: Bool)
        /// Somebody on the way answers; `isMade`: after the provider has acted.
        case answered(Int, retryAfter: Wait?, isMade: Bool)
    }

    /// How long an answer asks to wait, in either form of `Retry-After`.
    private enum Wait {
        case seconds(Int)
        case date(Int)
    }

    /// A given-up call lives no longer than the engine allows for when it looks for what became of it.
    private static let outlivingMost = Int(Start.margin.milliseconds) - 500
    /// How long a slow way takes at most.
    private static let slowest = 3_000

    let providers = Providers()
    let scheduler: Scheduler
    private let dice: Dice
    /// What is bad now.
    var hazards: Set<Hazard> = []
    /// Which of the providers' answers about what they hold lag, and by how long.
    var searchLag: Int64 = 0
    private(set) var calls: [CallRecord] = []

    init(scheduler: Scheduler, dice: Dice) {
        self.scheduler = scheduler
        self.dice = dice
    }

    /// The providers' clock, which is right.
    var now: Instant { VirtualTime.start + .milliseconds(scheduler.uptime) }

    /// Takes a call over; `end` is told its end once, unless it never comes.
    ///
    /// Returns its number.
    func start(
        _ request: OutboundRequest, life: Int, end: @escaping (Result<InboundResponse, TransportError>) -> Void
    ) -> Int {
        let number = calls.count
        guard let (destination, path) = Providers.target(request.url) else {
            end(.failure(TransportError(.name, mayHaveArrived: false, "nobody has this address")))
            return number
        }
        calls.append(record(request, destination, path, life: life))
        let fate = fate(of: request)
        let timeout = Int(request.timeout.milliseconds)
        scheduler.trace.note(
            scheduler.uptime, number, "call \(number) \(destination) \(request.method) \(path.prefix(80)) fate \(fate)")
        let finish = { (result: Result<InboundResponse, TransportError>) in
            self.close(number, result)
            end(result)
        }
        switch fate {
        case .refused:
            scheduler.after(Int64(dice.number(1...200))) {
                finish(.failure(TransportError(.connect, mayHaveArrived: false, "connection refused")))
            }
        case .lost: timeOut(after: timeout, finish)
        case .answered(let status, let wait, isMade: false):
            let answer = answer(status, retryAfter: wait)
            scheduler.after(Int64(travel(slowest: timeout - 1))) { finish(.success(answer)) }
        default: carry(request, number, destination, path, fate, timeout: timeout, finish)
        }
        return number
    }

    /// Brings a call to its provider and what it says back.
    private func carry(
        _ request: OutboundRequest, _ number: Int, _ destination: String, _ path: String, _ fate: Fate, timeout: Int,
        _ finish: @escaping (Result<InboundResponse, TransportError>) -> Void
    ) {
        // A request that arrives later than its caller waits is still one that the caller made.
        var there = travel(slowest: timeout + 500)
        if case .outlives = fate { there = timeout + dice.number(1...Self.outlivingMost) }
        let back = travel(slowest: timeout)
        var isOver = false
        let once = { (result: Result<InboundResponse, TransportError>) in
            guard !isOver else { return }
            isOver = true
            finish(result)
        }
        scheduler.after(Int64(there)) {
            guard let answer = self.providers.receive(request, path: path, for: destination, at: self.now) else {
                return once(.failure(TransportError(.name, mayHaveArrived: false, "nobody has this address")))
            }
            self.scheduler.trace.note(self.scheduler.uptime, answer.status, "call \(number) arrives: \(answer.status)")
            let heard = self.lagging(answer, to: request, path)
            self.scheduler.after(Int64(back)) { self.reply(heard, fate, once) }
        }
        timeOut(after: timeout, once)
    }

    private func reply(
        _ answer: InboundResponse, _ fate: Fate, _ finish: (Result<InboundResponse, TransportError>) -> Void
    ) {
        switch fate {
        case .replyLost: break
        case .replyReset, .replyCut(isNoticed: true):
            finish(.failure(TransportError(.broken, mayHaveArrived: true, "the connection ended early")))
        case .replyCut(isNoticed: false):
            var cut = answer
            cut.body = Array(cut.body.prefix(cut.body.count / 2))
            finish(.success(cut))
        case .answered(let status, let wait, _): finish(.success(self.answer(status, retryAfter: wait)))
        default: finish(.success(answer))
        }
    }

    private func timeOut(
        after timeout: Int, _ finish: @escaping (Result<InboundResponse, TransportError>) -> Void
    ) {
        scheduler.after(Int64(timeout)) {
            finish(.failure(TransportError(.timeout, mayHaveArrived: true, "no answer in time")))
        }
    }

    // MARK: Chance

    private func travel(slowest: Int) -> Int {
        if hazards.contains(.slow), dice.hits(0.15) { return dice.number(0...max(1, min(slowest, Self.slowest))) }
        return dice.number(1...30)
    }

    private func fate(of request: OutboundRequest) -> Fate {
        let bad: [(Hazard, Fate)] = [
            (.unreachable, .refused), (.callLost, .lost), (.callOutlives, .outlives), (.replyLost, .replyLost),
            (.replyReset, .replyReset), (.replyCut, .replyCut(isNoticed: dice.hits(0.5))),
            (.throttled, .answered(429, retryAfter: dice.pick(Self.waits) ?? nil, isMade: false)),
            (.failing, .answered(dice.pick([500, 502, 503]) ?? 500, retryAfter: nil, isMade: dice.hits(0.5))),
            (.rejected, .answered(400, retryAfter: nil, isMade: false)),
        ]
        for (hazard, fate) in bad where hazards.contains(hazard) {
            let share = hazard == .rejected ? 0.03 : 0.12
            if dice.hits(share) { return fate }
        }
        return .fine
    }

    private static let waits: [Wait?] = [nil, .seconds(1), .seconds(2), .seconds(5), .date(3)]

    private func answer(_ status: Int, retryAfter: Wait?) -> InboundResponse {
        InboundResponse(
            status: status, headers: retryAfter.map { [.init("retry-after", text(of: $0))] } ?? [],
            body: Array("{\"message\":\"somebody on the way answers \(status)\"}".utf8))
    }

    private func text(of wait: Wait) -> String {
        switch wait {
        case .seconds(let seconds): "\(seconds)"
        case .date(let seconds): (now + .seconds(seconds)).httpDate
        }
    }

    /// Comments that were written just now are not listed yet.
    private func lagging(_ answer: InboundResponse, to request: OutboundRequest, _ path: String) -> InboundResponse {
        // The stand-in writes JSON; anything else passes as it is.
        guard searchLag > 0, request.method == "GET", path.contains("/comments"), answer.status == 200,
            var body = try? JSONObject(parsing: answer.body),
            let comments = body["comments"]?.array
        else { return answer }
        let visible = now - .milliseconds(searchLag)
        body["comments"] = .array(
            comments.filter { comment in
                comment["created_at"]?.string.flatMap { Instant(rfc3339: $0) }.map { $0 <= visible } ?? true
            })
        var answer = answer
        answer.body = body.encoded
        return answer
    }

    // MARK: Records

    private func record(_ request: OutboundRequest, _ destination: String, _ path: String, life: Int) -> CallRecord {
        CallRecord(
            destination: destination, method: request.method, path: path, mark: Self.mark(request, destination),
            body: CallRecord.hash(request.body), startedAt: scheduler.uptime, life: life,
            isEffect: request.method != "GET")
    }

    /// The effect key's digest: `tl-` and 26 characters, in a header or in the body.
    private static func mark(_ request: OutboundRequest, _ destination: String) -> String? {
        let named = ["webhook-id", "idempotency-key"]
        if let header = request.headers.first(where: { named.contains($0.name) }) { return header.value }
        guard destination != "team" else {
            // Its text bears the event's id in the link to the trail.
            return text(request.body, from: "trail?id=", length: 30)
        }
        return text(request.body, from: "tl-", length: 26).map { "tl-" + $0 }
    }

    private static func text(_ body: [UInt8], from beginning: String, length: Int) -> String? {
        let pattern = Array(beginning.utf8)
        guard body.count >= pattern.count + length else { return nil }
        for start in 0...(body.count - pattern.count - length)
        where body[start] == pattern[0] && body[start..<start + pattern.count].elementsEqual(pattern) {
            let end = start + pattern.count
            return String(decoding: body[end..<end + length], as: UTF8.self)
        }
        return nil
    }

    private func close(_ number: Int, _ result: Result<InboundResponse, TransportError>) {
        calls[number].endedAt = scheduler.uptime
        switch result {
        case .success(let answer):
            scheduler.trace.note(scheduler.uptime, answer.status, "call \(number) hears \(answer.status)")
        case .failure(let error):
            scheduler.trace.note(scheduler.uptime, 1, "call \(number) hears nothing: \(error.kind.rawValue)")
        }
    }
}

/// One life's way into the network: ends with the life.
///
/// `@unchecked Sendable`: only the run's one thread touches it.
final class LifeTransport: HTTPTransport, @unchecked Sendable {
    private let network: SimulatedNetwork
    private let life: Int
    private var waiting: [Int: CheckedContinuation<Result<InboundResponse, TransportError>, Never>] = [:]
    var isOver = false

    init(network: SimulatedNetwork, life: Int) {
        self.network = network
        self.life = life
    }

    private static let cut = TransportError(.timeout, mayHaveArrived: true, "the call was cancelled")

    func send(_ request: OutboundRequest) async throws(TransportError) -> InboundResponse {
        guard !isOver, !Task.isCancelled else { throw Self.cut }
        // The number of the call is known only when it has been handed over.
        let place = Place()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation {
                (caller: CheckedContinuation<Result<InboundResponse, TransportError>, Never>) in
                let number = network.start(request, life: life) { [weak self] result in
                    guard let number = place.number else {
                        place.early = result
                        return
                    }
                    self?.waiting.removeValue(forKey: number)?.resume(returning: result)
                }
                place.number = number
                if let early = place.early { return caller.resume(returning: early) }
                waiting[number] = caller
            }
        } onCancel: {
            if let number = place.number { waiting.removeValue(forKey: number)?.resume(returning: .failure(Self.cut)) }
        }
        return try result.get()
    }

    /// `@unchecked Sendable`: only the run's one thread touches it.
    private final class Place: @unchecked Sendable {
        var number: Int?
        var early: Result<InboundResponse, TransportError>?
    }
}

extension Instant {
    /// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7), but for the day's name, which nobody reads.
    fileprivate var httpDate: String {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let parts = description.prefix(19).split { "-T".contains($0) }
        guard parts.count == 4, let month = Int(parts[1]), months.indices.contains(month - 1) else { return "" }
        return "Sun, \(parts[2]) \(months[month - 1]) \(parts[0]) \(parts[3]) GMT"
    }
}
