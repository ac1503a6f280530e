package import Model
package import Settings

/// Names one effect for good, over retries, nodes and restarts:
/// `flow/destination.action[#alias]/fact key or event id/generation`.
package struct EffectKey: Sendable, Hashable, CustomStringConvertible {
    package let text: String

    package init(flow: String, call: Flow.Call, fact: String, generation: Int = 0) {
        text = "\(flow)/\(call.name)/\(fact)/\(generation)"
    }

    package init(text: String) { self.text = text }

    package var description: String { text }
}

package struct PlannedEffect: Sendable, Hashable {
    package var key: EffectKey
    package var job: JobID
    package var state: JobState
    /// Whether the job waits for a field of its fact.
    package var isWaitingForField: Bool

    package init(key: EffectKey, job: JobID, state: JobState, isWaitingForField: Bool) {
        self.key = key
        self.job = job
        self.state = state
        self.isWaitingForField = isWaitingForField
    }
}

package enum JobState: String, Sendable, Hashable, CaseIterable {
    case scheduled, available, running, waiting, retryable, held, completed, dead, cancelled

    /// States that never change by themselves.
    package var isEnded: Bool { self == .completed || self == .dead || self == .cancelled }
}

/// What a waiting job waits for.
package enum WaitCause: Sendable, Hashable {
    /// An earlier job of its lane.
    case lane
    /// A field that its fact does not have yet.
    case field(String)
    /// A record that another job makes (`ticket`).
    case record(String)

    /// Out of the words under which it is kept.
    package init?(kind: String?, value: String?) {
        switch kind {
        case "field": self = .field(value ?? "")
        case "record": self = .record(value ?? "")
        case "lane": self = .lane
        default: return nil
        }
    }

    package var kind: String {
        switch self {
        case .lane: "lane"
        case .field: "field"
        case .record: "record"
        }
    }

    package var value: String? {
        switch self {
        case .lane: nil
        case .field(let value), .record(let value): value
        }
    }
}

/// A planned effect as the planner hands it over.
package struct NewJob: Sendable, Hashable {
    package var id: JobID
    package var effect: EffectKey
    package var flow: String
    package var call: Flow.Call
    package var event: EventID
    /// Nil where the event states no fact.
    package var fact: String?
    package var subject: SubjectID
    /// What the lane hangs on besides the destination: the subject's id, an object, or nil for no order.
    package var lane: String?
    package var priority: Int
    package var startsAt: Instant
    /// Nil: ready.
    ///
    /// Only `.field` is possible here.
    package var waitsFor: WaitCause?
    /// When a wait for a field or a record ends as dead.
    package var waitsUntil: Instant?
    package var stopsLaneWhenDead: Bool

    package init(
        id: JobID, effect: EffectKey, flow: String, call: Flow.Call, event: EventID, fact: String?,
        subject: SubjectID, lane: String?, priority: Int = 0, startsAt: Instant, waitsFor: WaitCause? = nil,
        waitsUntil: Instant? = nil, stopsLaneWhenDead: Bool = false
    ) {
        self.id = id
        self.effect = effect
        self.flow = flow
        self.call = call
        self.event = event
        self.fact = fact
        self.subject = subject
        self.lane = lane
        self.priority = priority
        self.startsAt = startsAt
        self.waitsFor = waitsFor
        self.waitsUntil = waitsUntil
        self.stopsLaneWhenDead = stopsLaneWhenDead
    }
}
