internal import Model

/// What retention takes for the present: the wall clock, except where that has jumped ahead.
///
/// A clock that is months ahead would make everything old at once, and what is erased is gone. So time counts here only
/// as far as it is seen to pass; a leap is believed after it has held for `patience`. Until then the present goes on from
/// where it was, and things are kept longer than they have to be.
///
///     believing --leap--> doubting --it held for `patience`, or the clock is right again--> believing
struct RetentionClock {
    /// A wall clock may be put right by so much without doubt.
    static let leapMax: Duration = .seconds(86_400)
    /// A server may have been off for so long without doubt.
    static let absenceMax: Duration = .seconds(7 * 86_400)
    static let patience: Duration = .seconds(3 * 86_400)

    struct Reading: Sendable, Hashable {
        var now: Instant
        /// How far ahead the wall clock is of what is believed; nil: it is believed.
        var ahead: Duration?
    }

    private var believed: Instant
    private var uptime: Duration
    /// Since when (uptime) the wall clock has been so far ahead.
    private var doubt: (since: Duration, ahead: Duration)?

    /// `believed` is what the last process believed at its end; nil: there was none.
    init(believed: Instant?, wall: Instant, uptime: Duration) {
        self.uptime = uptime
        guard let believed, wall - believed > Self.absenceMax else {
            self.believed = wall
            return
        }
        self.believed = believed
    }

    mutating func look(wall: Instant, uptime: Duration) -> Reading {
        let expected = believed + (uptime - self.uptime)
        self.uptime = uptime
        let ahead = wall - expected
        if ahead > Self.leapMax {
            // It leapt once more: that leap has to hold as well.
            let doubt = doubt.flatMap { abs(($0.ahead - ahead).milliseconds) > Self.leapMax.milliseconds ? nil : $0 }
            self.doubt = doubt ?? (uptime, ahead)
            if uptime - (doubt?.since ?? uptime) < Self.patience {
                believed = expected
                return Reading(now: expected, ahead: ahead)
            }
        }
        (believed, doubt) = (wall, nil)
        return Reading(now: wall, ahead: nil)
    }
}
