/// Tells the same trouble once in a while instead of each time: a value to keep beside what logs.
package struct Repetition: Sendable, Hashable {
    private let interval: Duration
    private var toldAt: Duration?
    private var count = 0

    package init(every interval: Duration) { self.interval = interval }

    /// It happened again, at this uptime: how often since it was told last, or nil where nothing is told now.
    package mutating func happened(at uptime: Duration) -> Int? {
        count += 1
        if let toldAt, uptime - toldAt < interval { return nil }
        toldAt = uptime
        defer { count = 0 }
        return count
    }
}
