internal import Model
internal import Settings

/// Until when what this node holds is its own, on the clock that does not jump.
///
/// A node that could not show its sign of life in time must take its jobs for somebody else's: it starts no call with
/// them. What it has begun may go on, since whoever takes over waits until such a call cannot be alive.
struct Lease: Sendable {
    /// Kept off the end, for clocks that do not run alike and for the way to the call.
    private static let margin: Duration = .seconds(1)

    /// Nil: for good.
    private var until: Duration?

    /// Not held yet.
    init(at uptime: Duration) { until = uptime }

    /// Counted from before the sign of life was sent: the journal saw it later than that.
    mutating func renew(_ lease: Duration?, sentAt: Duration) { until = lease.map { sentAt + $0 - Self.margin } }

    func isValid(at uptime: Duration) -> Bool { until.map { uptime < $0 } ?? true }
}

/// What one of several nodes may take of a destination.
enum NodeShare {
    /// An equal part of rate and concurrency, and at least one.
    static func share(of settings: DestinationSettings, among workers: Int) -> DestinationSettings {
        guard workers > 1 else { return settings }
        var share = settings
        share.concurrency = max(1, settings.concurrency / workers)
        if let rate = settings.rate {
            // Where fewer calls than nodes are allowed in a window, each makes one in so many windows.
            let windows = (workers + rate.count - 1) / max(1, rate.count)
            share.rate = Rate(
                count: max(1, rate.count / workers), per: rate.count >= workers ? rate.per : rate.per * windows)
        }
        return share
    }
}
