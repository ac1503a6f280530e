internal import NIOCore

/// How long the request that comes in on a connection has taken, and what is due when that is too long.
///
///     silent --bytes--> coming --whole--> resting --bytes--> coming ...
struct RequestWatch {
    enum Verdict: Equatable {
        /// No request is on its way in.
        case rest
        /// Look again then.
        case wait(until: NIODeadline)
        /// Nobody would read an answer.
        case close
        /// It is answered with 408.
        case answer
    }

    let requestMax: TimeAmount
    /// Since when a request is on its way in; a connection owes its first one from its beginning.
    private var startedAt: NIODeadline?
    private var isSilent = true
    private var isHeadRead = false
    private var headsRead = 0
    private var answersBegun = 0
    private var answersEnded = 0

    init(requestMax: TimeAmount, openedAt now: NIODeadline) {
        self.requestMax = requestMax
        startedAt = now
    }

    /// Bytes came that are no whole part of a request yet.
    mutating func readBytes(at now: NIODeadline) {
        isSilent = false
        if startedAt == nil { startedAt = now }
    }

    mutating func readHead(at now: NIODeadline) {
        // A request that follows another one begins here; its first bytes lay in the same packet.
        if isSilent || startedAt == nil { startedAt = now }
        isSilent = false
        isHeadRead = true
        headsRead += 1
    }

    mutating func readEnd() {
        startedAt = nil
        isHeadRead = false
    }

    mutating func beganAnswer() { answersBegun += 1 }
    mutating func endedAnswer() { answersEnded += 1 }

    var isComing: Bool { startedAt != nil }
    var isAnswering: Bool { answersBegun > answersEnded }

    func verdict(at now: NIODeadline) -> Verdict {
        guard let startedAt else { return .rest }
        let end = startedAt + requestMax
        if now < end { return .wait(until: end) }
        // The answer to an earlier request is still being made: this one waits for it, not for its sender.
        let earlier = isHeadRead ? headsRead - 1 : headsRead
        if answersEnded < earlier { return .wait(until: now + requestMax) }
        if isSilent || (isHeadRead && answersBegun >= headsRead) { return .close }
        return .answer
    }
}
