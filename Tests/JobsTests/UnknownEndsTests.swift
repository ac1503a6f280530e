import Journal
import Model
import TestKit
import Testing

@testable import Jobs

@Suite struct `The age of an unknown end` {
    private let job = JobID(at: Build.start, random: (1, 2))

    private func settlement(_ outcome: AttemptEnd.Outcome) -> Settlement {
        Settlement(
            job: job, token: 1, result: .retry(at: Build.start, isSpent: true),
            attempt: AttemptEnd(outcome: outcome, endedAt: Build.start, durationMilliseconds: 1))
    }

    @Test func `counts from the start of the process where an earlier one made the attempt`() {
        let ends = UnknownEnds(since: .seconds(100))
        #expect(ends.age(of: job, at: .seconds(130)) == .seconds(30))
    }

    @Test func `counts from its end, and later answers that nothing was done do not renew it`() {
        var ends = UnknownEnds(since: .zero)
        ends.note(settlement(.unknown), at: .seconds(10))
        ends.note(settlement(.slowDown), at: .seconds(20))
        #expect(ends.age(of: job, at: .seconds(25)) == .seconds(15))
        ends.note(settlement(.unknown), at: .seconds(30))
        #expect(ends.age(of: job, at: .seconds(31)) == .seconds(1))
    }
}
