/// Slows down guessing: two buckets for each address and one for all together.
///
/// ```
/// each address:   5 at once, then one a minute;   and 20 at once, then one in a quarter of an hour.
/// together:      30 at once, then one a second.
/// ```
/// Whoever guesses slowly is stopped by the second bucket: some hundred tries a day, for as many days as they like.
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

    private struct Address: Sendable {
        var quick: Bucket
        var slow: Bucket
    }

    package static let perAddress = 5
    package static let perAddressSlowly = 20
    package static let together = 30
    package static let addressesMax = 10_000

    private var all: Bucket?
    private var addresses: [String: Address] = [:]

    package init() {}

    /// Whether a try for this address may be made now.
    package mutating func admits(_ address: String, now: Duration) -> Bool {
        var mine =
            addresses[address]
            ?? Address(
                quick: Bucket(tokens: Double(Self.perAddress), at: now),
                slow: Bucket(tokens: Double(Self.perAddressSlowly), at: now))
        guard mine.quick.take(max: Double(Self.perAddress), every: .seconds(60), now: now),
            mine.slow.take(max: Double(Self.perAddressSlowly), every: .seconds(900), now: now)
        else {
            addresses[address] = mine
            return false
        }
        var shared = all ?? Bucket(tokens: Double(Self.together), at: now)
        defer { all = shared }
        // An address that is turned away here makes nobody forget another one.
        guard shared.take(max: Double(Self.together), every: .seconds(1), now: now) else { return false }
        if addresses[address] == nil, addresses.count >= Self.addressesMax,
            let oldest = addresses.min(by: { $0.value.quick.at < $1.value.quick.at })
        {
            addresses.removeValue(forKey: oldest.key)
        }
        addresses[address] = mine
        return true
    }

    /// How many addresses are remembered.
    package var addressCount: Int { addresses.count }

    /// After a success the address starts afresh.
    package mutating func forgive(_ address: String) { addresses.removeValue(forKey: address) }
}
