package import Model
package import Settings

/// The jobs' side of the journal: claim, settle, rescue.
package protocol WorkJournal: Sendable {
    /// Settles what has ended and claims what may start, in one durable transaction.
    ///
    /// Settlements come first, so that a lane's next job can be claimed in the same call. A settlement whose token is
    /// not the job's current one changes nothing and is counted as refused. Each claim raises the job's fencing token
    /// and opens an attempt. Jobs of a paused destination are not claimed, whatever is asked for.
    func exchange(_ settlements: [Settlement], claims: [ClaimRequest], node: String, now: Instant) async throws
        -> Exchange

    /// Keeps the rendered request of a `keyed` or `findable` job before its first call; refused (false) with an old
    /// token. What was kept earlier stays: the first rendering is the one that is sent.
    func keepRequest(_ request: StoredRequest, of job: JobID, token: Int64) async throws -> Bool

    /// All that rendering needs to know of the job's surroundings, as of now.
    func surroundings(of job: JobID) async throws -> Surroundings?

    /// At start of the one owner: every running job was lost with the process. Its attempt ends as unknown and it is
    /// available again. Returns how many.
    func rescueRunning(now: Instant) async throws -> Int

    /// Shows that this node lives, and takes over what dead nodes held.
    ///
    /// A journal with one owner needs none of it, and says so by a beat without a lease.
    func beat(isWorking: Bool, now: Instant) async throws -> Beat

    /// Dead-letters jobs whose wait for a field or a record has run out. Returns how many.
    func expireWaits(now: Instant) async throws -> Int

    /// Pauses or resumes a destination; nil resumes. A pause by the engine never replaces one by a person.
    func setPause(_ pause: Pause?, of destination: String, now: Instant) async throws
    func pauses() async throws -> [String: Pause]

    func openAlert(_ alert: NewAlert) async throws
    /// Ends the open alert of that key; nothing where there is none.
    func endAlert(key: String, at now: Instant) async throws
}

extension WorkJournal {
    package func beat(isWorking: Bool, now: Instant) async throws -> Beat { Beat() }
}

/// What a node learns of the others while it shows that it lives.
package struct Beat: Sendable, Hashable {
    /// For how long, from before the beat, the node may take what it holds for its own; nil: for good.
    package var lease: Duration?
    /// How many nodes work, this one among them.
    package var workers: Int
    /// Jobs of dead nodes that became available.
    package var rescued: Int

    package init(lease: Duration? = nil, workers: Int = 1, rescued: Int = 0) {
        self.lease = lease
        self.workers = workers
        self.rescued = rescued
    }
}

package struct ClaimRequest: Sendable, Hashable {
    package var destination: String
    package var limit: Int

    package init(destination: String, limit: Int) {
        self.destination = destination
        self.limit = limit
    }
}

package struct Exchange: Sendable {
    package var claimed: [ClaimedJob]
    /// Jobs whose settlement came with an old token.
    package var refused: [JobID]
    /// When the next scheduled or retryable job falls due; nil: none waits for a time.
    package var nextDue: Instant?

    package init(claimed: [ClaimedJob], refused: [JobID], nextDue: Instant?) {
        self.claimed = claimed
        self.refused = refused
        self.nextDue = nextDue
    }
}

/// A job in the hands of a worker.
package struct ClaimedJob: Sendable, Hashable {
    package var id: JobID
    package var effect: EffectKey
    package var flow: String
    package var call: Flow.Call
    package var event: EventID
    package var fact: String?
    package var subject: SubjectID
    /// The fencing token of this claim.
    package var token: Int64
    /// Attempts that the destination answered or left unknown, before this one.
    package var attempts: Int
    package var createdAt: Instant
    /// When its first attempt began; nil: this is the first.
    ///
    /// Giving up is counted from here.
    package var firstAttemptAt: Instant?
    /// The latest attempt of unknown end (settled as unknown, or begun and never settled).
    ///
    /// Later attempts that failed
    /// clearly do not end it: they say nothing about the lost call.
    package var unknownSince: Instant?
    /// How long ago the journal took note of that, by its own clock; nil: it has none.
    package var unknownAge: Duration?
    package var request: StoredRequest?

    package init(
        id: JobID, effect: EffectKey, flow: String, call: Flow.Call, event: EventID, fact: String?,
        subject: SubjectID, token: Int64, attempts: Int, createdAt: Instant, firstAttemptAt: Instant? = nil,
        unknownSince: Instant? = nil, unknownAge: Duration? = nil, request: StoredRequest? = nil
    ) {
        self.id = id
        self.effect = effect
        self.flow = flow
        self.call = call
        self.event = event
        self.fact = fact
        self.subject = subject
        self.token = token
        self.attempts = attempts
        self.createdAt = createdAt
        self.firstAttemptAt = firstAttemptAt
        self.unknownSince = unknownSince
        self.unknownAge = unknownAge
        self.request = request
    }
}

/// A request that was rendered once and is sent byte for byte on each retry.
///
/// Credentials are not part of it.
package struct StoredRequest: Sendable, Hashable {
    package var method: String
    package var path: String
    package var body: [UInt8]
    package var renderedAt: Instant

    package init(method: String, path: String, body: [UInt8], renderedAt: Instant) {
        self.method = method
        self.path = path
        self.body = body
        self.renderedAt = renderedAt
    }
}

/// What a job is worked with.
package struct Surroundings: Sendable {
    package var event: Event
    /// The fact's own data filled up from its object's; the event's data where there is no fact.
    package var data: JSONObject
    package var subject: SubjectView
    /// Told payments of the subject, newest first.
    package var payments: [PaymentView]
    /// Records of the subject at this job's destination, newest first.
    package var records: [ExternalRecord]
    /// What a state-setting effect of this reading covers.
    package var asOf: Sight

    package init(
        event: Event, data: JSONObject, subject: SubjectView, payments: [PaymentView], records: [ExternalRecord],
        asOf: Sight
    ) {
        self.event = event
        self.data = data
        self.subject = subject
        self.payments = payments
        self.records = records
        self.asOf = asOf
    }
}

/// How far a reading saw: whose state an effect told, and whose it cannot have told.
package struct Sight: Sendable, Hashable {
    /// The number of the newest job that it saw in its lane.
    package var job: Int64
    /// The number of the newest join of its subject that it saw, 0 before the first.
    ///
    /// A later join brings jobs into the lane whose subject's state it never read, however old they are.
    package var join: Int64

    package init(job: Int64, join: Int64) {
        self.job = job
        self.join = join
    }
}

package struct SubjectView: Sendable, Hashable {
    package var id: SubjectID
    package var identifiers: [SubjectIdentifier]
    package var state: SubjectState

    package init(id: SubjectID, identifiers: [SubjectIdentifier], state: SubjectState) {
        self.id = id
        self.identifiers = identifiers
        self.state = state
    }
}

/// One payment of a subject with the newest thing told of it.
package struct PaymentView: Sendable, Hashable {
    package var payment: String
    /// `succeeded`, `failed`, `canceled`, `refunded`, `disputed`.
    package var status: String
    package var money: Money
    package var at: Instant
    /// False where only an address that someone typed ties it to the subject.
    package var isProven: Bool

    package init(payment: String, status: String, money: Money, at: Instant, isProven: Bool) {
        self.payment = payment
        self.status = status
        self.money = money
        self.at = at
        self.isProven = isProven
    }
}

/// Something that a destination made for us.
package struct ExternalRecord: Sendable, Hashable {
    /// What it is at the destination (`contact`, `ticket`, `note`).
    package var kind: String
    package var id: String
    package var url: String?

    package init(kind: String, id: String, url: String? = nil) {
        self.kind = kind
        self.id = id
        self.url = url
    }
}

/// How an attempt ended, and what becomes of its job.
package struct Settlement: Sendable, Hashable {
    package enum Result: Sendable, Hashable {
        /// `supersedesUpTo`: waiting jobs of the same lane, flow and call written up to there are completed as
        /// superseded, unless the subject was joined since; nil for actions that do not set a state.
        case completed(ExternalRecord?, supersedesUpTo: Sight?)
        /// Again at that time. `isSpent`: it counts as an attempt.
        case retry(at: Instant, isSpent: Bool)
        /// Waits for what is named, until then.
        case waiting(WaitCause, until: Instant)
        case held
        case dead
    }

    package var job: JobID
    package var token: Int64
    package var result: Result
    package var attempt: AttemptEnd

    package var isCompleted: Bool { if case .completed = result { true } else { false } }

    package init(job: JobID, token: Int64, result: Result, attempt: AttemptEnd) {
        self.job = job
        self.token = token
        self.result = result
        self.attempt = attempt
    }
}

/// What is kept of an attempt.
package struct AttemptEnd: Sendable, Hashable {
    package enum Outcome: String, Sendable, Hashable, CaseIterable {
        case succeeded, transient, slowDown = "slow_down", permanent, credentials, blocked
        /// It may or may not have happened.
        case unknown
        /// No call was made (nothing to send yet, shutting down, held).
        case notMade = "not_made"
    }

    package var outcome: Outcome
    package var endedAt: Instant
    package var durationMilliseconds: Int64
    /// The HTTP status, where there was one.
    package var status: Int?
    /// A bounded word for grouping (`http_500`, `timeout`, `property_does_not_exist`, `missing_field`).
    package var errorClass: String?
    /// The field that is to blame, where one is; failures of one class and field have one cause.
    package var field: String?
    /// The destination's own words, cut at `Limits.storedErrorMax`, secrets masked.
    package var error: String?

    package init(
        outcome: Outcome, endedAt: Instant, durationMilliseconds: Int64, status: Int? = nil, errorClass: String? = nil,
        field: String? = nil, error: String? = nil
    ) {
        self.outcome = outcome
        self.endedAt = endedAt
        self.durationMilliseconds = durationMilliseconds
        self.status = status
        self.errorClass = errorClass
        self.field = field
        self.error = error
    }
}

/// Why nothing is claimed for a destination.
package struct Pause: Sendable, Hashable {
    package enum Cause: String, Sendable, Hashable, CaseIterable { case person, credentials, blocked }

    package var cause: Cause
    /// The destination's own words, or the person's.
    package var reason: String
    package var since: Instant

    package init(cause: Cause, reason: String, since: Instant) {
        self.cause = cause
        self.reason = reason
        self.since = since
    }
}

extension Settlement {
    /// Whether it counts among the job's attempts.
    package var isSpent: Bool {
        if case .retry(_, let isSpent) = result { return isSpent }
        return switch attempt.outcome {
        case .succeeded, .transient, .permanent, .unknown: true
        case .slowDown, .credentials, .blocked, .notMade: false
        }
    }
}

extension AttemptEnd {
    /// As much of the error as is kept.
    package var storedError: String? {
        error.map { text in
            text.utf8.count <= Limits.storedErrorMax
                ? text : String(decoding: text.utf8.prefix(Limits.storedErrorMax), as: UTF8.self)
        }
    }
}
