package import Model

/// From an event type and conditions to actions of destinations, with an explicit field map.
package struct Flow: Sendable, Equatable {
    package struct Call: Sendable, Hashable {
        package var destination: String
        package var action: String
        /// Tells two calls of one action in one flow apart (`as:`).
        package var alias: String?

        package init(destination: String, action: String, alias: String? = nil) {
            self.destination = destination
            self.action = action
            self.alias = alias
        }

        /// `crm.upsert_contact`, with `#alias` where there is one: the middle part of effect keys.
        package var name: String { "\(destination).\(action)" + (alias.map { "#\($0)" } ?? "") }
    }

    package struct Assignment: Sendable, Equatable {
        package var name: String
        package var value: Template

        package init(name: String, value: Template) {
            self.name = name
            self.value = value
        }
    }

    /// What becomes of an attempt of unknown end where the destination offers nothing to find it by.
    package enum OnUnknown: String, Sendable, Equatable, CaseIterable { case `repeat`, hold }

    /// Stands in effect keys; default: the slug of the name.
    package var id: String
    package var name: String
    package var on: [EventType]
    package var when: Condition
    package var calls: [Call]
    /// Replaces the action's default fields; nil: the defaults.
    package var set: [Assignment]?
    package var rollout: Rollout
    package var onUnknown: OnUnknown
    /// Whether a dead job of this flow keeps its lane shut until a person acts.
    package var stopsLaneWhenDead: Bool
    /// Higher goes first.
    package var priority: Int
    /// How long after the event the job may start.
    package var after: Duration
    package var retry: RetryPolicy?

    package init(
        id: String, name: String, on: [EventType], when: Condition = .always, calls: [Call],
        set: [Assignment]? = nil, rollout: Rollout = .on, onUnknown: OnUnknown = .repeat,
        stopsLaneWhenDead: Bool = false, priority: Int = 0, after: Duration = .zero, retry: RetryPolicy? = nil
    ) {
        self.id = id
        self.name = name
        self.on = on
        self.when = when
        self.calls = calls
        self.set = set
        self.rollout = rollout
        self.onUnknown = onUnknown
        self.stopsLaneWhenDead = stopsLaneWhenDead
        self.priority = priority
        self.after = after
        self.retry = retry
    }
}

/// How much of the world a flow may touch.
package enum Rollout: Sendable, Hashable {
    case off
    /// Decides and says what it would do; makes no job.
    case shadow
    /// Acts for a stable share of subjects, in percent 0...100; the rest is shadow.
    case canary(percent: Double)
    case on
}
