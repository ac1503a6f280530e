import Jobs
import TestKit
import Testing

@Suite struct `A breaker` {
    private func opened() -> Breaker {
        var breaker = Breaker()
        for second in 1...5 { _ = breaker.recordFailure(at: .seconds(second)) }
        return breaker
    }

    @Test func `opens at the fifth failure in a row and says so once`() {
        var breaker = Breaker()
        let actions = (1...7).map { _ in breaker.recordFailure(at: .seconds(1)) }
        #expect(actions == [.none, .none, .none, .none, .announceOpened, .none, .none])
        #expect(breaker.phase(at: .seconds(1)) == .open(until: .seconds(6)))
    }

    @Test func `stays closed while successes come between`() {
        var breaker = Breaker()
        for _ in 1...20 {
            for _ in 1...4 { #expect(breaker.recordFailure(at: .zero) == .none) }
            #expect(breaker.recordSuccess() == .none)
        }
        #expect(breaker.phase(at: .zero) == .closed)
    }

    @Test func `is half-open when its time is over, and a success closes it`() {
        var breaker = opened()
        #expect(breaker.phase(at: .seconds(10)) == .halfOpen)
        #expect(breaker.recordSuccess() == .announceClosed)
        #expect(breaker.phase(at: .seconds(10)) == .closed)
        #expect(breaker.openSince == nil)
    }

    @Test func `stays open twice as long after each failed trial, up to a minute`() {
        var breaker = opened()
        var now: Duration = .seconds(10)
        for length in [10, 20, 40, 60, 60] {
            #expect(breaker.recordFailure(at: now) == .none)
            #expect(breaker.phase(at: now) == .open(until: now + .seconds(length)))
            now += .seconds(length)
        }
        #expect(breaker.openSince == .seconds(5))
    }

    @Test func `learns nothing from calls that were under way when it opened`() {
        var breaker = opened()
        for _ in 1...10 { _ = breaker.recordFailure(at: .seconds(6)) }
        #expect(breaker.phase(at: .seconds(7)) == .open(until: .seconds(10)))
    }
}
