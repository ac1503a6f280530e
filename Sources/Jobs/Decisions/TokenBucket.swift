package import Settings

/// Lets through at most `rate.count` calls in any window of `rate.per`, however the window lies.
///
/// A bucket that holds as much as it refills in a window lets twice the rate through in the worst window, and
/// providers count such windows. So it holds a tenth and refills the rest. Arithmetic is in whole parts of a token
/// (one token is `per` in nanoseconds, each nanosecond brings `refill` parts), so nothing is lost to rounding.
package struct TokenBucket: Sendable, Equatable {
    package let rate: Rate
    private let burst: Int
    private let refill: Int
    private let tokenParts: Int128
    private var parts: Int128
    private var readAt: Duration

    package init(_ rate: Rate, at now: Duration) {
        self.rate = rate
        let count = max(rate.count, 1)
        burst = max(count / 10, 1)
        refill = count - burst + 1
        tokenParts = max(rate.per.nanoseconds, 1)
        parts = tokenParts * Int128(burst)
        readAt = now
    }

    /// Whole tokens that may be taken now.
    package func available(at now: Duration) -> Int { Int(parts(at: now) / tokenParts) }

    /// Takes tokens, at most as many as there are.
    package mutating func take(_ count: Int, at now: Duration) {
        parts = parts(at: now)
        readAt = max(now, readAt)
        parts -= min(parts, tokenParts * Int128(max(count, 0)))
    }

    /// Gives back a token that was taken for a call that was not made.
    package mutating func refund(at now: Duration) {
        parts = min(parts(at: now) + tokenParts, tokenParts * Int128(burst))
        readAt = max(now, readAt)
    }

    /// When the next token is whole; `now` where one is there.
    package func nextToken(at now: Duration) -> Duration {
        let missing = tokenParts - parts(at: now)
        guard missing > 0 else { return now }
        let nanoseconds = (missing + Int128(refill) - 1) / Int128(refill)
        return max(now, readAt) + .nanoseconds(Int64(clamping: nanoseconds))
    }

    /// The same level, in whole tokens, under another rate.
    package func adjusted(to rate: Rate, at now: Duration) -> TokenBucket {
        guard rate != self.rate else { return self }
        var bucket = TokenBucket(rate, at: now)
        bucket.take(max(bucket.burst - available(at: now), 0), at: now)
        return bucket
    }

    private func parts(at now: Duration) -> Int128 {
        let elapsed = max((now - readAt).nanoseconds, 0)
        return min(parts + elapsed * Int128(refill), tokenParts * Int128(burst))
    }
}

extension Duration {
    /// Whole nanoseconds, cut towards zero.
    var nanoseconds: Int128 {
        let (seconds, attoseconds) = components
        return Int128(seconds) * 1_000_000_000 + Int128(attoseconds / 1_000_000_000)
    }
}
