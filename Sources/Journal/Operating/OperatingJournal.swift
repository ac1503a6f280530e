package import Model

/// What people and programs with keys may change.
///
/// Each change names who made it and stands in the audit.
package protocol OperatingJournal: Sendable {
    /// What a bulk action on these jobs would do; nothing is changed.
    func bulkPlan(_ action: BulkAction, _ filter: JobFilter) async throws -> BulkPlan
    /// Does up to `limit` of it, oldest first, and says how many were changed; 0 when nothing is left.
    ///
    /// `retry`: dead, held and retryable jobs become available at once, with their time to give up counted anew.
    /// `cancel`: open jobs that do not run become cancelled.
    func bulk(_ action: BulkAction, _ filter: JobFilter, limit: Int, by actor: String, now: Instant) async throws
        -> Int

    /// One job; throws `notFound`, or `conflict` where its state does not allow it (the message says which it is in).
    func change(_ job: JobID, _ action: BulkAction, by actor: String, now: Instant) async throws
    /// Puts the event on `pending` again: flows are evaluated anew, effect keys keep what was done from being done
    /// again. `repeating`: jobs of it that ended get a new generation each (it will do them again).
    func replay(
        _ event: EventID, repeating: Bool, mint: @escaping @Sendable () -> JobID, by actor: String, now: Instant
    )
        async throws -> ReplayPlan
    /// What `replay` would do.
    func replayPlan(_ event: EventID) async throws -> ReplayPlan
    /// Erases a person: payloads, data, identifiers, requests and errors of the whole subject. What remains says that
    /// something happened, not about whom.
    func forget(_ root: SubjectID, by actor: String, now: Instant) async throws -> Erasure
    /// What `forget` would erase; nothing is changed.
    func forgetPlan(_ root: SubjectID) async throws -> Erasure

    /// Puts quarantined deliveries among the ignored ones, which nobody is asked to mend; returns how many.
    ///
    /// They stay readable and can be read again. One that was read again, or has its like there, stays as it is.
    func setAside(_ deliveries: [QuarantineID], by actor: String, now: Instant) async throws -> Int

    /// Notes that a person has it in hand: it is not told again until it grows worse or ends.
    ///
    /// Throws `notFound`, or `conflict` where it has ended.
    func acknowledge(_ alert: AlertID, by actor: String, now: Instant) async throws
    func acknowledge(_ issue: IssueID, by actor: String, now: Instant) async throws
    /// Keeps alerts from being told until then; one of the same pattern is replaced.
    func silence(_ silence: Silence) async throws
    /// False where there is none of that pattern.
    func endSilence(of pattern: String, by actor: String, now: Instant) async throws -> Bool

    func insertKey(_ key: KeyRow, hash: [UInt8], by actor: String) async throws
    /// The live key with that shown part and its hash.
    func key(shown: String) async throws -> (row: KeyRow, hash: [UInt8])?
    func keys() async throws -> [KeyRow]
    /// False where there is none (or it was revoked before).
    func revokeKey(shown: String, by actor: String, now: Instant) async throws -> Bool

    /// Adds the person or replaces password and role.
    func putUser(_ user: UserRow, passwordHash: String, by actor: String) async throws
    func user(email: String) async throws -> (row: UserRow, passwordHash: String)?
    func users() async throws -> [UserRow]
    func removeUser(email: String, by actor: String, now: Instant) async throws -> Bool

    func audit(page: PageRequest) async throws -> Page<AuditRow>
    func note(_ entry: AuditRow) async throws

    /// A consistent copy of the whole journal into a new file.
    func backup(to path: String) async throws
    /// Whether the journal can be written right now; throws with the reason where it cannot.
    func checkWritable() async throws
}

package enum BulkAction: String, Sendable, Hashable, CaseIterable { case retry, cancel }

/// What a bulk action would touch.
package struct BulkPlan: Sendable, Hashable {
    package var action: BulkAction
    package var count: Int
    package var byDestination: [String: Int]
    package var byErrorClass: [String: Int]
    /// Jobs whose last attempt may have had its effect, so that going on may do it twice (class `unsafe`) or will look
    /// first (other classes).
    package var unknown: Int
    /// Jobs that match but cannot be changed (running, or ended otherwise).
    package var untouched: Int
    /// Jobs whose request is kept and goes out once more as it is, whatever the configuration says now.
    package var keptRequests: Int

    package init(
        action: BulkAction, count: Int, byDestination: [String: Int], byErrorClass: [String: Int], unknown: Int,
        untouched: Int, keptRequests: Int = 0
    ) {
        self.action = action
        self.count = count
        self.byDestination = byDestination
        self.byErrorClass = byErrorClass
        self.unknown = unknown
        self.untouched = untouched
        self.keptRequests = keptRequests
    }
}

package struct ReplayPlan: Sendable, Hashable {
    package var event: EventID
    /// Jobs of the event that completed: with `repeating` they would happen a second time.
    package var completed: [JobRow]
    package var open: [JobRow]
    package var dead: [JobRow]

    package init(event: EventID, completed: [JobRow], open: [JobRow], dead: [JobRow]) {
        self.event = event
        self.completed = completed
        self.open = open
        self.dead = dead
    }
}

package struct Erasure: Sendable, Hashable {
    /// What stands at a job that ended because its person was erased.
    package static let note = "the person was erased"

    package var subject: SubjectID
    package var events: Int
    package var facts: Int
    package var jobs: Int
    package var identifiers: Int
    package var kept: Int

    package init(subject: SubjectID, events: Int, facts: Int, jobs: Int, identifiers: Int, kept: Int) {
        self.subject = subject
        self.events = events
        self.facts = facts
        self.jobs = jobs
        self.identifiers = identifiers
        self.kept = kept
    }
}

package struct KeyRow: Sendable, Hashable {
    package enum Scope: String, Sendable, Hashable, CaseIterable { case ingest, read, operate, admin }

    /// The eight characters that are shown in lists: `tl_<shown>_<secret>`.
    package var shown: String
    package var scope: Scope
    /// The one `events` source to which an `ingest` key is bound; nil: any.
    package var source: String?
    package var createdAt: Instant
    package var revokedAt: Instant?

    package init(shown: String, scope: Scope, source: String? = nil, createdAt: Instant, revokedAt: Instant? = nil) {
        self.shown = shown
        self.scope = scope
        self.source = source
        self.createdAt = createdAt
        self.revokedAt = revokedAt
    }
}

package struct UserRow: Sendable, Hashable {
    package enum Role: String, Sendable, Hashable, CaseIterable { case reader, `operator`, admin }

    package var email: String
    package var role: Role
    package var createdAt: Instant

    package init(email: String, role: Role, createdAt: Instant) {
        self.email = email
        self.role = role
        self.createdAt = createdAt
    }
}

/// What a person or a key did.
package struct AuditRow: Sendable, Hashable {
    package var at: Instant
    /// `key tl_a1b2c3d4`, `user ada@example.com`, `command line`.
    package var actor: String
    /// What was done (`jobs.retry`, `destination.pause`, `keys.create`).
    package var action: String
    package var target: String
    package var detail: String?

    package init(at: Instant, actor: String, action: String, target: String, detail: String? = nil) {
        self.at = at
        self.actor = actor
        self.action = action
        self.target = target
        self.detail = detail
    }
}
