package import ConnectorKit
package import Journal
package import Model
package import Settings

/// Turns what came of an attempt into what becomes of its job; pure.
package struct Settling: Sendable {
    /// What came of working a claimed job.
    package enum Outcome: Sendable, Hashable {
        /// A call was made. `asOf` is what a state-setting effect covers.
        case reported(Report, asOf: Sight?)
        case refused(EffectRefusal)
        /// Too early for a second call, since a lost one may still be alive.
        case tooEarly(until: Instant)
        /// A person has to decide whether it is done again.
        case asksPerson
        /// The flow, its call or the action is no longer in the configuration.
        case removed(String)
        /// No call was made, for a reason that has nothing to do with the job (shutting down, the journal's trouble).
        case handedBack(Verdict.Trouble?, after: Duration)
        /// The call was cut off by us: it may have had its effect.
        case cutOff
    }

    /// What the decision needs to know beside the job and the outcome.
    package struct Rules: Sendable {
        package var retry: RetryPolicy
        package var enrichFor: Duration
        package var effectClass: EffectClass
        package var onUnknown: Flow.OnUnknown
        package var timeout: Duration

        package init(
            retry: RetryPolicy, enrichFor: Duration, effectClass: EffectClass = .upsert,
            onUnknown: Flow.OnUnknown = .repeat, timeout: Duration = .seconds(15)
        ) {
            self.retry = retry
            self.enrichFor = enrichFor
            self.effectClass = effectClass
            self.onUnknown = onUnknown
            self.timeout = timeout
        }
    }

    /// When it began and ended, and the chance for its jitter (0..<1).
    package struct Moment: Sendable {
        package var begunAt: Instant
        package var endedAt: Instant
        package var duration: Duration
        package var chance: Double

        package init(begunAt: Instant, endedAt: Instant, duration: Duration, chance: Double) {
            self.begunAt = begunAt
            self.endedAt = endedAt
            self.duration = duration
            self.chance = chance
        }
    }

    package struct Decision: Sendable, Hashable {
        package var settlement: Settlement
        package var ending: DestinationDesk.Ending
        package var limit: RateHint?
    }

    let job: ClaimedJob
    let rules: Rules
    let moment: Moment

    package init(_ job: ClaimedJob, rules: Rules, moment: Moment) {
        self.job = job
        self.rules = rules
        self.moment = moment
    }

    package func decide(_ outcome: Outcome) -> Decision {
        switch outcome {
        case .reported(let report, let asOf): return reported(report, asOf: asOf)
        case .refused(let refusal): return refused(refusal)
        case .tooEarly(let until):
            return notMade(.retry(at: until, isSpent: false))
        case .asksPerson:
            return notMade(
                .held,
                Verdict.Trouble(
                    "unknown_end",
                    "The last attempt may have had its effect and the destination cannot be asked. "
                        + "Look there, then retry or cancel the job."))
        case .removed(let what):
            return notMade(
                .dead,
                Verdict.Trouble(
                    "flow_removed", "\(what) is no longer in the configuration. Put it back and retry, or cancel."))
        case .handedBack(let trouble, let after):
            return notMade(.retry(at: moment.endedAt + after, isSpent: false), trouble)
        case .cutOff:
            let trouble = Verdict.Trouble("cut_off", "The call was cut off while the server shut down.")
            return failed(
                trouble, mayHaveHappened: true, floor: nil, report: Report(.transient(trouble, mayHaveHappened: true)),
                isPrompt: true)
        }
    }

    // MARK: Reports

    private func reported(_ report: Report, asOf: Sight?) -> Decision {
        switch report.verdict {
        case .succeeded(let record):
            return decision(
                .completed(record, supersedesUpTo: asOf), .succeeded, nil, status: report.status,
                ending: .succeeded, limit: report.limit)
        case .transient(let trouble, let mayHaveHappened, let after):
            return failed(trouble, mayHaveHappened: mayHaveHappened, floor: after, report: report)
        case .slowDown(let trouble, let after):
            let patience = max(after, DestinationDesk.patienceLeast)
            return decision(
                .retry(at: moment.endedAt + patience, isSpent: false), .slowDown, trouble,
                status: report.status, ending: .slowedDown(trouble, for: patience), limit: report.limit)
        case .permanent(let trouble):
            return decision(
                .dead, .permanent, trouble, status: report.status, ending: .answered(trouble), limit: report.limit)
        case .credentials(let trouble):
            return decision(
                .retry(at: moment.endedAt, isSpent: false), .credentials, trouble, status: report.status,
                ending: .refused(.credentials, trouble), limit: report.limit)
        case .blocked(let trouble):
            return decision(
                .retry(at: moment.endedAt, isSpent: false), .blocked, trouble, status: report.status,
                ending: .refused(.blocked, trouble), limit: report.limit)
        }
    }

    private func failed(
        _ trouble: Verdict.Trouble, mayHaveHappened: Bool, floor: Duration?, report: Report, isPrompt: Bool = false
    ) -> Decision {
        let outcome = mayHaveHappened ? AttemptEnd.Outcome.unknown : .transient
        return decision(
            afterFailure(mayHaveHappened: mayHaveHappened, floor: floor, isPrompt: isPrompt), outcome, trouble,
            status: report.status, ending: isPrompt ? .notMade : .failed(trouble), limit: report.limit)
    }

    private func afterFailure(mayHaveHappened: Bool, floor: Duration?, isPrompt: Bool) -> Settlement.Result {
        if mayHaveHappened, rules.onUnknown == .hold, case .unsafe = rules.effectClass { return .held }
        let backoff = Backoff(rules.retry)
        let first = job.firstAttemptAt ?? moment.begunAt
        if backoff.isGivenUp(attempts: job.attempts + 1, firstAttemptAt: first, now: moment.endedAt) { return .dead }
        if isPrompt { return .retry(at: moment.endedAt, isSpent: true) }
        let now = moment.endedAt
        let delay = backoff.delay(afterFailures: job.attempts + 1, chance: moment.chance)
        // The last attempt is made when the time to give up is there, not lost between two waits.
        var next = min(now + delay, max(backoff.deadline(firstAttemptAt: first), now))
        if let floor { next = max(next, now + floor) }
        return .retry(at: next, isSpent: true)
    }

    // MARK: Refusals

    private func refused(_ refusal: EffectRefusal) -> Decision {
        switch refusal {
        case .missingField(let field):
            let until = job.createdAt + rules.enrichFor
            let trouble = Verdict.Trouble(
                "missing_field",
                "The field `\(field)` is not there. It may still come with another event of this fact.", field: field)
            guard moment.endedAt < until else {
                return notMade(
                    .dead,
                    Verdict.Trouble(
                        "missing_field",
                        "The field `\(field)` did not come in time. Send it with another event, then retry.",
                        field: field))
            }
            return notMade(.waiting(.field(field), until: until), trouble)
        case .missingRecord(let kind):
            // The job that makes the record has its own time to give up: waiting for less would lose this one first.
            let until = job.createdAt + max(rules.enrichFor, rules.retry.giveUp)
            guard moment.endedAt < until else {
                return notMade(
                    .dead,
                    Verdict.Trouble(
                        "missing_record", "The \(kind) that it needs was not made in time; retry after it.",
                        field: kind))
            }
            return notMade(
                .waiting(.record(kind), until: until),
                Verdict.Trouble("missing_record", "The \(kind) that it needs is not there yet.", field: kind))
        case .impossible(let errorClass, let message):
            return notMade(.dead, Verdict.Trouble(errorClass, message))
        }
    }

    // MARK: Writing

    private func notMade(_ result: Settlement.Result, _ trouble: Verdict.Trouble? = nil) -> Decision {
        decision(result, .notMade, trouble, status: nil, ending: .notMade, limit: nil)
    }

    private func decision(
        _ result: Settlement.Result, _ outcome: AttemptEnd.Outcome, _ trouble: Verdict.Trouble?, status: Int?,
        ending: DestinationDesk.Ending, limit: RateHint?
    ) -> Decision {
        let end = AttemptEnd(
            outcome: outcome, endedAt: moment.endedAt, durationMilliseconds: moment.duration.milliseconds,
            status: status, errorClass: trouble?.errorClass, field: trouble?.field,
            error: trouble.map { Self.cut($0.message) })
        return Decision(
            settlement: Settlement(job: job.id, token: job.token, result: result, attempt: end), ending: ending,
            limit: limit)
    }

    /// At most `Limits.storedErrorMax` bytes, cut between characters.
    private static func cut(_ text: String) -> String {
        guard text.utf8.count > Limits.storedErrorMax else { return text }
        var bytes = 0
        return String(
            text.prefix { character in
                bytes += character.utf8.count
                return bytes <= Limits.storedErrorMax
            })
    }
}
