/// When a paused destination is asked again whether it works: after 30 s, then twice as long each time, up to 10 min.
///
/// Only an effect that succeeds sets it back: a destination whose credential works and whose jobs are refused all the
/// same would else be tried every half minute for ever.
struct Probing: Sendable, Equatable {
    static let first: Duration = .seconds(30)
    static let longest: Duration = .seconds(600)

    private var delay = Self.first
    private(set) var dueAt: Duration?

    mutating func start(at now: Duration) {
        guard dueAt == nil else { return }
        dueAt = now + delay
        delay = min(delay * 2, Self.longest)
    }

    mutating func stop() { dueAt = nil }

    /// At once: something changed that may have helped.
    mutating func hasten(to now: Duration) { if dueAt != nil { dueAt = now } }

    /// Takes the probe that is due; the next one is due after a longer wait.
    mutating func take(at now: Duration) -> Bool {
        guard let dueAt, now >= dueAt else { return false }
        self.dueAt = nil
        start(at: now)
        return true
    }

    mutating func forget() { self = Probing() }
}
