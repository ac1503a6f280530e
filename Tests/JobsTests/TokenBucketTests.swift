import Jobs
import Settings
import TestKit
import Testing

@Suite struct `A token bucket` {
    @Test func `lets at most its rate through in any window, however calls and refunds fall`() {
        for seed in UInt64(0)..<1000 {
            var chance = SeededGenerator(seed: seed)
            let rate = Rate(
                count: Int.random(in: 1...150, using: &chance),
                per: .milliseconds(Int.random(in: 1...20_000, using: &chance)))
            var bucket = TokenBucket(rate, at: .zero)
            var now: Duration = .zero
            var calls: [Duration] = []
            for _ in 0..<300 {
                now += rate.per * Int.random(in: 0...40, using: &chance) / 100
                let taken = min(bucket.available(at: now), Int.random(in: 0...rate.count, using: &chance))
                bucket.take(taken, at: now)
                let made = Bool.random(using: &chance) ? taken : Int.random(in: 0...taken, using: &chance)
                for _ in made..<taken { bucket.refund(at: now) }
                calls += Array(repeating: now, count: made)
            }
            var first = 0
            for (last, call) in calls.enumerated() {
                while calls[first] <= call - rate.per { first += 1 }
                #expect(last - first + 1 <= rate.count, "seed \(seed)")
            }
        }
    }

    @Test func `keeps to its rate in the window after a rest, when everything is taken as it comes`() {
        for count in 1...300 {
            let rate = Rate(count: count, per: .seconds(10))
            var bucket = TokenBucket(rate, at: .zero)
            let rested: Duration = .seconds(1000)
            var (now, made) = (rested, 0)
            while now < rested + rate.per {
                let tokens = bucket.available(at: now)
                bucket.take(tokens, at: now)
                made += tokens
                now = bucket.nextToken(at: now)
            }
            #expect(made <= count, "count \(count)")
        }
    }

    @Test func `lets nearly its whole rate through when there is enough to do`() {
        for count in [1, 2, 3, 10, 100, 190] {
            let rate = Rate(count: count, per: .seconds(10))
            var bucket = TokenBucket(rate, at: .zero)
            var made = 0
            var now: Duration = .zero
            while now < .seconds(1000) {
                let tokens = bucket.available(at: now)
                bucket.take(tokens, at: now)
                made += tokens
                now = max(bucket.nextToken(at: now), now + .nanoseconds(1))
            }
            #expect(made >= count * 100 * 9 / 10 && made <= count * 101)
        }
    }

    @Test func `has a token at the time it names, and none just before`() {
        for seed in UInt64(0)..<2000 {
            var chance = SeededGenerator(seed: seed)
            let rate = Rate(
                count: Int.random(in: 1...1000, using: &chance),
                per: .milliseconds(Int.random(in: 1...90_000_000, using: &chance)))
            var bucket = TokenBucket(rate, at: .seconds(5))
            bucket.take(bucket.available(at: .seconds(5)), at: .seconds(5))
            let next = bucket.nextToken(at: .seconds(5))
            #expect(bucket.available(at: next) == 1, "seed \(seed)")
            #expect(bucket.available(at: next - .nanoseconds(1)) == 0, "seed \(seed)")
        }
    }

    @Test func `does not fill up when a reload changes its rate`() {
        var bucket = TokenBucket(Rate(count: 100, per: .seconds(10)), at: .zero)
        bucket.take(10, at: .zero)
        #expect(bucket.adjusted(to: Rate(count: 50, per: .seconds(10)), at: .zero).available(at: .zero) == 0)
    }

    @Test func `is not fooled by a clock that is read out of order`() {
        var bucket = TokenBucket(Rate(count: 10, per: .seconds(1)), at: .seconds(100))
        bucket.take(1, at: .seconds(100))
        bucket.take(1, at: .seconds(1))
        #expect(bucket.available(at: .seconds(100)) == 0)
    }
}
