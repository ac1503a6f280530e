import ConnectorKit
import Jobs
import Journal
import Model
import Settings
import TestKit
import Testing

@Suite struct `What becomes of a job` {
    private let trouble = Verdict.Trouble("http_500", "boom")
    private let ended = Build.start + .seconds(1)

    private func settle(
        _ outcome: Settling.Outcome, _ job: ClaimedJob = Build.claimed(), retry: RetryPolicy = .init(),
        effectClass: EffectClass = .findable(lag: .seconds(30)), onUnknown: Flow.OnUnknown = .repeat,
        endedAt: Instant? = nil
    ) -> Settling.Decision {
        Settling(
            job,
            rules: Settling.Rules(
                retry: retry, enrichFor: .seconds(3600), effectClass: effectClass, onUnknown: onUnknown),
            moment: Settling.Moment(
                begunAt: Build.start, endedAt: endedAt ?? ended, duration: .milliseconds(250), chance: 0)
        ).decide(outcome)
    }

    private func settle(_ verdict: Verdict, _ job: ClaimedJob = Build.claimed()) -> Settling.Decision {
        settle(.reported(Report(verdict, status: 418), asOf: nil), job)
    }

    @Test func `is completed with its record, and covers older jobs where it sets a state`() {
        let record = ExternalRecord(kind: "contact", id: "51")
        let sight = Sight(job: 17, join: 2)
        let decision = settle(.reported(Report(.succeeded(record), status: 200), asOf: sight))
        #expect(decision.settlement.result == .completed(record, supersedesUpTo: sight))
        #expect(
            decision.settlement.attempt
                == AttemptEnd(outcome: .succeeded, endedAt: ended, durationMilliseconds: 250, status: 200))
        #expect(decision.settlement.token == 3)
        #expect(decision.ending == .succeeded)
    }

    @Test func `is tried again after a transient failure, and the attempt is spent`() {
        let decision = settle(.transient(trouble, mayHaveHappened: false))
        #expect(decision.settlement.result == .retry(at: ended + .seconds(1), isSpent: true))
        #expect(decision.settlement.attempt.outcome == .transient)
        #expect(decision.settlement.attempt.errorClass == "http_500")
        #expect(decision.ending == .failed(trouble))
    }

    @Test func `waits as long as the destination asks`() {
        let decision = settle(.transient(trouble, mayHaveHappened: false, after: .seconds(99)))
        #expect(decision.settlement.result == .retry(at: ended + .seconds(99), isSpent: true))
    }

    @Test func `is unknown when the effect may have been made`() {
        let decision = settle(.transient(trouble, mayHaveHappened: true))
        #expect(decision.settlement.attempt.outcome == .unknown)
    }

    @Test func `is held at once when a lost unsafe effect is a person's business`() {
        let report = Settling.Outcome.reported(Report(.transient(trouble, mayHaveHappened: true)), asOf: nil)
        #expect(settle(report, effectClass: .unsafe, onUnknown: .hold).settlement.result == .held)
        #expect(settle(report, effectClass: .unsafe).settlement.result != .held)
        #expect(settle(.asksPerson).settlement.result == .held)
    }

    @Test func `dies when its time or its attempts are over, with the destination's words`() {
        let job = Build.claimed(attempts: 4, firstAttemptAt: Build.start)
        let failure = Settling.Outcome.reported(Report(.transient(trouble, mayHaveHappened: false)), asOf: nil)
        let late = settle(failure, job, endedAt: Build.start + .seconds(3 * 86_400))
        #expect(late.settlement.result == .dead)
        #expect(late.settlement.attempt.error == "boom")
        #expect(settle(failure, job, retry: RetryPolicy(attemptsMax: 5)).settlement.result == .dead)
        #expect(settle(failure, job, retry: RetryPolicy(attemptsMax: 6)).settlement.result != .dead)
    }

    @Test func `gets a last attempt when its time to give up is there`() {
        let job = Build.claimed(attempts: 20, firstAttemptAt: Build.start)
        let decision = settle(
            .reported(Report(.transient(trouble, mayHaveHappened: false)), asOf: nil), job,
            retry: RetryPolicy(giveUp: .seconds(60)))
        #expect(decision.settlement.result == .retry(at: Build.start + .seconds(60), isSpent: true))
    }

    @Test func `spends nothing when the destination asks for patience`() {
        let decision = settle(.slowDown(trouble, after: .seconds(30)))
        #expect(decision.settlement.result == .retry(at: ended + .seconds(30), isSpent: false))
        #expect(decision.ending == .slowedDown(trouble, for: .seconds(30)))
    }

    @Test func `is dead at once when its request is wrong`() {
        let decision = settle(.permanent(trouble))
        #expect(decision.settlement.result == .dead)
        #expect(decision.ending == .answered(trouble))
    }

    @Test func `goes back unspent when the destination pauses`() {
        for (verdict, cause) in [
            (Verdict.credentials(trouble), Pause.Cause.credentials), (.blocked(trouble), .blocked),
        ] {
            let decision = settle(verdict)
            #expect(decision.settlement.result == .retry(at: ended, isSpent: false))
            #expect(decision.ending == .refused(cause, trouble))
        }
    }

    @Test func `waits for a missing field as long as its fact may bring it, then dies and names it`() {
        let refused = Settling.Outcome.refused(.missingField("email"))
        let until = Build.start + .seconds(3600)
        #expect(settle(refused).settlement.result == .waiting(.field("email"), until: until))
        #expect(settle(refused).settlement.attempt.outcome == .notMade)
        let late = settle(refused, endedAt: until)
        #expect(late.settlement.result == .dead)
        #expect(late.settlement.attempt.errorClass == "missing_field")
        #expect(late.settlement.attempt.error?.contains("`email`") == true)
    }

    @Test func `waits for another's record as long as that one may be tried`() {
        let until = Build.start + .seconds(3 * 86_400)
        #expect(
            settle(.refused(.missingRecord("ticket"))).settlement.result == .waiting(.record("ticket"), until: until))
        #expect(settle(.refused(.missingRecord("ticket")), endedAt: until).settlement.result == .dead)
    }

    @Test func `is dead when it can never be sent or its flow is gone`() {
        let impossible = settle(.refused(.impossible(errorClass: "bad_email", "no address")))
        #expect(impossible.settlement.result == .dead)
        #expect(impossible.settlement.attempt.errorClass == "bad_email")
        let removed = settle(.removed("The flow `x`"))
        #expect(removed.settlement.result == .dead)
        #expect(removed.settlement.attempt.errorClass == "flow_removed")
    }

    @Test func `is handed back unspent when no call was made, and counts as unknown when one was cut off`() {
        let back = settle(.handedBack(nil, after: .zero))
        #expect(back.settlement.result == .retry(at: ended, isSpent: false))
        #expect(back.settlement.attempt.outcome == .notMade)
        #expect(back.ending == .notMade)
        let cut = settle(.cutOff)
        #expect(cut.settlement.result == .retry(at: ended, isSpent: true))
        #expect(cut.settlement.attempt.outcome == .unknown)
    }

    @Test func `keeps the destination's words up to a limit`() {
        let long = Verdict.Trouble("x", String(repeating: "ä", count: Limits.storedErrorMax))
        let kept = settle(.permanent(long)).settlement.attempt.error
        #expect(kept?.utf8.count == Limits.storedErrorMax)
        #expect(kept?.allSatisfy { $0 == "ä" } == true)
    }
}
