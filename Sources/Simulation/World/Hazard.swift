/// One way in which the world is bad to the engine.
///
/// Each run turns a random part of them on: a fault that is never alone hides what it would show.
package enum Hazard: String, Sendable, Hashable, CaseIterable {
    // Between senders and us.
    case deliveryLost = "delivery-lost"
    case deliveryDelayed = "delivery-delayed"
    case deliveryDoubled = "delivery-doubled"
    /// Our answer does not come back.
    case answerUnheard = "answer-unheard"
    // Between us and the providers.
    case unreachable
    /// The call gets lost on its way.
    case callLost = "call-lost"
    /// The call has its effect, and its answer is lost.
    case replyLost = "reply-lost"
    case replyReset = "reply-reset"
    /// The answer ends in the middle, seen as such or taken for whole.
    case replyCut = "reply-cut"
    case slow
    /// The call is alive at the provider when its caller has given it up, and has its effect after that.
    case callOutlives = "call-outlives"
    /// 429, with and without Retry-After (seconds or a date).
    case throttled
    /// 500, before or after the effect.
    case failing
    /// A credential does not work for a while.
    case unauthorized
    /// 400 for this one call.
    case rejected
    /// What was written is not found for a while.
    case searchLag = "search-lag"
    // The machine.
    /// The process dies between two steps.
    case crash
    /// The process dies in the middle of its work at the disk.
    case crashAtDisk = "crash-at-disk"
    /// Not only the process dies: what was not synced may be gone.
    case powerLoss = "power-loss"
    case restart
    case syncFails = "sync-fails"
    /// Done, but reported as failed.
    case syncLies = "sync-lies"
    /// A failed sync forgets what it should have written, and the next one succeeds.
    case syncForgets = "sync-forgets"
    case writeFails = "write-fails"
    case writeTears = "write-tears"
    case readFails = "read-fails"
    case diskFull = "disk-full"
    case clockJumps = "clock-jumps"
    // People.
    case reload
    case operating
    /// Somebody starts a second server on the same journal.
    case secondOwner = "second-owner"

    /// The hazards of a run; a few runs have none and a few have all.
    static func swarm(_ dice: Dice, asked: Set<Hazard>) -> Set<Hazard> {
        let shares: [Double] = [0, 0.1, 0.2, 0.3, 0.3, 0.5, 0.9]
        let share = dice.pick(shares) ?? 0
        return Set(allCases.filter { _ in dice.hits(share) }).union(asked)
    }
}
