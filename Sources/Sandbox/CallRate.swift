internal import Model

/// Counts calls in a window of time and says when it is full.
///
/// Whole numbers only: no drift.
struct CallRate {
    /// How the window moves: with each call, or from one round moment to the next.
    enum Window { case rolling, fixed }

    let limit: Int
    let interval: Duration
    let window: Window
    /// Calls of a rolling window, oldest first; at most `limit` of them.
    private var calls: [Instant] = []
    private var fixedStart: Int64 = 0
    private var fixedCount = 0

    init(limit: Int, per interval: Duration, window: Window) {
        self.limit = limit
        self.interval = interval
        self.window = window
    }

    /// Counts a call; false where it is one too many, which is then not counted.
    mutating func take(at now: Instant) -> Bool {
        move(to: now)
        guard used < limit else { return false }
        switch window {
        case .rolling: calls.append(now)
        case .fixed: fixedCount += 1
        }
        return true
    }

    /// How many calls are left, as of the last `take`.
    var remaining: Int { limit - used }

    /// Until a call is possible again, or until the count starts anew.
    func resetsAfter(_ now: Instant) -> Duration {
        switch window {
        case .rolling: calls.first.map { $0 + interval - now } ?? .zero
        case .fixed: .milliseconds(fixedStart + interval.milliseconds - now.milliseconds)
        }
    }

    private var used: Int { window == .rolling ? calls.count : fixedCount }

    private mutating func move(to now: Instant) {
        switch window {
        case .rolling:
            let kept = calls.firstIndex { $0 + interval > now } ?? calls.count
            calls.removeFirst(kept)
        case .fixed:
            let start = now.milliseconds - now.milliseconds % interval.milliseconds
            guard start != fixedStart else { return }
            fixedStart = start
            fixedCount = 0
        }
    }
}

extension Duration {
    /// Seconds as a `Retry-After` header has them: whole, rounded up, at least one.
    var retryAfter: String { String(max(1, (milliseconds + 999) / 1000)) }
}
