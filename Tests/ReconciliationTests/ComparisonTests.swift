import Journal
import Model
import Reconciliation
import TestKit
import Testing

@Suite struct `What the journal and a provider say of one thing` {
    private func judge(_ kept: Comparison.Kept, _ told: Comparison.Told) -> Difference.Cause? {
        if case .differs(let cause, _) = Comparison.judge(kept: kept, told: told) { cause } else { nil }
    }
    private let there = Comparison.Told.there(differing: [])

    @Test func `matches where it was done and is there`() {
        #expect(Comparison.judge(kept: .done, told: there) == .matched)
    }

    @Test func `differs by the cause that it has`() {
        #expect(judge(.absent, there) == .neverArrived)
        #expect(judge(.unplanned(why: "w"), there) == .neverPlanned)
        #expect(judge(.unplanned(why: "w"), .nothing) == .neverPlanned)
        #expect(judge(.dead(why: "w"), .nothing) == .dead)
        #expect(judge(.done, .nothing) == .changed)
        #expect(judge(.done, .there(differing: ["status"])) == .changed)
        #expect(judge(.done, .double(count: 2)) == .double)
    }

    @Test func `is not judged while it is on its way, or where a person or a flow decided against it`() {
        for told in [there, .nothing, .double(count: 2)] {
            #expect(Comparison.judge(kept: .open, told: told) == .unjudged)
            #expect(Comparison.judge(kept: .declined, told: told) == .unjudged)
        }
        #expect(Comparison.judge(kept: .absent, told: .nothing) == .unjudged)
    }

    @Test func `names the fields that stand otherwise`() {
        let judgement = Comparison.judge(kept: .done, told: .there(differing: ["a", "b"]))
        #expect(judgement == .differs(.changed, detail: "stands otherwise there: a, b"))
    }

    @Test func `has work that died told where it died, once`() {
        let event: EventID = Identifier(at: Instant(seconds: 1), random: (1, 1))
        let job: JobID = Identifier(at: Instant(seconds: 1), random: (1, 2))
        let dead = ArrivalStanding.event(
            event, isPending: false, isUnplannable: false, dead: [DeadWork(job: job, destination: "crm")])
        #expect(Comparison.Kept(dead, comparedElsewhere: { $0 == "crm" }) == .done)
        #expect(Comparison.Kept(dead, comparedElsewhere: { _ in false }) == .dead(why: "its work ended dead at crm"))
        let pending = ArrivalStanding.event(event, isPending: true, isUnplannable: false, dead: [])
        #expect(Comparison.Kept(pending, comparedElsewhere: { _ in false }) == .open)
        #expect(Comparison.Kept(nil, comparedElsewhere: { _ in false }) == .absent)
        #expect(Comparison.Kept(.ignored, comparedElsewhere: { _ in false }) == .declined)
    }
}
