package import Model

/// One way in which a service fails, and when.
package struct Fault: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        /// The call is lost before the service acts on it.
        case before(Loss)
        /// The service acts, and its answer is lost.
        case after(Loss)
        /// The service answers this and does not act.
        case status(Int, retryAfter: Duration?)
        /// The answer comes later; other faults may hit as well.
        case slow(Duration)
        /// The service acts, and its answer breaks off after so many bytes.
        case truncated(Int)
    }

    /// How an answer is missing.
    package enum Loss: String, Sendable, Hashable {
        /// The connection is closed.
        case reset
        /// Nothing comes, until the caller gives up.
        case timeout
    }

    package var kind: Kind
    /// The share of calls that it hits.
    package var share: Double = 1
    /// How many calls it still hits; nil: no bound.
    package var remaining: Int?
    /// When it ends by itself; nil: never.
    package var until: Instant?
    /// Only calls of this method; nil: all.
    package var method: String?
    /// Only calls whose path begins so.
    package var path: String = "/"

    package init(_ kind: Kind) { self.kind = kind }

    package static func before(_ loss: Loss) -> Fault { Fault(.before(loss)) }
    package static func after(_ loss: Loss) -> Fault { Fault(.after(loss)) }
    package static func status(_ status: Int, retryAfter: Duration? = nil) -> Fault {
        Fault(.status(status, retryAfter: retryAfter))
    }
    package static func slow(_ delay: Duration) -> Fault { Fault(.slow(delay)) }
    package static func truncated(to bytes: Int) -> Fault { Fault(.truncated(bytes)) }

    package func times(_ count: Int) -> Fault { changed { $0.remaining = count } }
    package func share(_ share: Double) -> Fault { changed { $0.share = share } }
    package func until(_ moment: Instant) -> Fault { changed { $0.until = moment } }
    package func on(_ method: String? = nil, _ path: String = "/") -> Fault {
        changed {
            $0.method = method
            $0.path = path
        }
    }

    private func changed(_ change: (inout Fault) -> Void) -> Fault {
        var fault = self
        change(&fault)
        return fault
    }
}

/// The faults of one service and the chance by which they hit: the same seed and calls give the same failures.
package struct FaultPlan: Sendable {
    package private(set) var faults: [Fault]
    private var state: UInt64

    package init(_ faults: [Fault] = [], seed: UInt64 = 0) {
        self.faults = faults
        state = seed
    }

    /// What befalls a call: the first fault that hits, and the delays of all that delay.
    mutating func fate(of call: Call, at now: Instant) -> (fault: Fault.Kind?, delay: Duration) {
        var delay = Duration.zero
        for index in faults.indices where hits(index, call, at: now) {
            if let remaining = faults[index].remaining { faults[index].remaining = remaining - 1 }
            guard case .slow(let more) = faults[index].kind else { return (faults[index].kind, delay) }
            delay += more
        }
        return (nil, delay)
    }

    private mutating func hits(_ index: Int, _ call: Call, at now: Instant) -> Bool {
        let fault = faults[index]
        if let remaining = fault.remaining, remaining <= 0 { return false }
        if let until = fault.until, now >= until { return false }
        if let method = fault.method, method.uppercased() != call.method { return false }
        guard call.path.hasPrefix(fault.path) else { return false }
        return fault.share >= 1 || fraction() < fault.share
    }

    /// SplitMix64, by Steele, Lea and Flood (2014).
    private mutating func fraction() -> Double {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return Double((word ^ word >> 31) >> 11) * 0x1p-53
    }
}
