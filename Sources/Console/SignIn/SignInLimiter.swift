/// Slows down guessing: a bucket for each address and one for all together.
///
/// ```
/// each address: 5 at once, then one a minute.   together: 30 at once, then one a second.
/// ```
package struct SignInLimiter: Sendable {
    private struct Bucket: Sendable {
        var tokens: Double
        var at: Duration

        mutating func take(max: Double, every: Duration, now: Duration) -> Bool {
            tokens = Swift.min(max, tokens + (now - at) / every)
            at = now
            guard tokens >= 1 else { return false }
            tokens -= 1
            return true
        }
    }

    package static let perAddress = 5
    package static let together = 30
    package static let addressesMax = 1000

    private var all: Bucket?
    private var addresses: [String: Bucket] = [:]

    package init() {}

    /// Whether a try for this address may be made now.
    package mutating func admits(_ address: String, now: Duration) -> Bool {
        var mine = addresses[address] ?? Bucket(tokens: Double(Self.perAddress), at: now)
        let isMine = mine.take(max: Double(Self.perAddress), every: .seconds(60), now: now)
        if addresses[address] == nil, addresses.count >= Self.addressesMax,
            let oldest = addresses.min(by: { $0.value.at < $1.value.at })
        {
            addresses.removeValue(forKey: oldest.key)
        }
        addresses[address] = mine
        guard isMine else { return false }
        var shared = all ?? Bucket(tokens: Double(Self.together), at: now)
        defer { all = shared }
        return shared.take(max: Double(Self.together), every: .seconds(1), now: now)
    }

    /// How many addresses are remembered.
    package var addressCount: Int { addresses.count }

    /// After a success the address starts afresh.
    package mutating func forgive(_ address: String) { addresses.removeValue(forKey: address) }
}
