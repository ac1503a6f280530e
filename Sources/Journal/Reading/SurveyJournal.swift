package import Model

/// What the console reads beside single things: rows of figures, groups, and what plans would be.
///
/// Each call is bounded work, however large the journal is.
package protocol SurveyJournal: Sendable {
    /// What passed in each of the last `count` spans before `end`.
    func pulse(until end: Instant, span: Duration, count: Int) async throws -> Pulse
    /// The newest decisions first; a page looks at so many at most and then gives a cursor, filled or not.
    func decisions(_ filter: DecisionFilter, page: PageRequest) async throws -> Page<Decision>
    /// What flows decided lately, counted over the newest `SurveyLimits.decisionsMax` decisions.
    func flowFigures() async throws -> FlowFigures
    /// What is kept and not replayed, by cause, the largest group first; counted over the newest
    /// `SurveyLimits.keptMax`.
    func keptGroups(_ filter: KeptFilter) async throws -> [KeptGroup]
    /// Jobs that were completed by a call, by day, since that day.
    func workDone(since day: WorkDay) async throws -> [WorkTally]
    /// Lets `body` read as a plan does, at one moment.
    ///
    /// It must not write: the journal refuses it.
    func rehearse<Value: Sendable>(_ body: @escaping @Sendable (any PlanTransaction) throws -> Value) async throws
        -> Value
}

/// Counts work that is done, so that nobody has to count it later.
package protocol TallyJournal: Sendable {
    /// Counts a little of what was completed before `end` and not counted yet; true while there is more.
    func tallyWork(until end: Instant) async throws -> Bool
}

package enum SurveyLimits {
    package static let decisionsMax = 5000
    package static let decisionsScannedMax: Int64 = 50_000
    package static let keptMax = 10_000
    package static let groupsMax = 100
    package static let beatsMax = 100
    /// What one beat counts at most.
    package static let beatCountMax = 20_000
    /// How much time is tallied at once.
    package static let tallySpan: Duration = .seconds(60)
}

/// What passed in each of a row of equal spans of time, the oldest first.
package struct Pulse: Sendable, Hashable {
    package struct Beat: Sendable, Hashable {
        package var start: Instant
        package var events: Int
        package var completed: Int
        package var dead: Int

        package init(start: Instant, events: Int, completed: Int, dead: Int) {
            self.start = start
            self.events = events
            self.completed = completed
            self.dead = dead
        }
    }

    package var span: Duration
    package var beats: [Beat]

    package init(span: Duration, beats: [Beat]) {
        self.span = span
        self.beats = beats
    }

    /// Where the beats of such a pulse begin, the oldest first.
    package static func starts(until end: Instant, span: Duration, count: Int) -> [Instant] {
        let count = min(max(count, 1), SurveyLimits.beatsMax)
        return (1...count).reversed().map { end - .milliseconds(span.milliseconds * Int64($0)) }
    }
}

package struct DecisionFilter: Sendable, Hashable {
    package var flow: String?
    package var outcomes: Set<Decision.Outcome>

    package init(flow: String? = nil, outcomes: Set<Decision.Outcome> = []) {
        self.flow = flow
        self.outcomes = outcomes
    }
}

package struct FlowFigures: Sendable, Hashable {
    package struct Figure: Sendable, Hashable {
        package var flow: String
        package var outcome: Decision.Outcome
        package var count: Int
        package var last: Instant

        package init(flow: String, outcome: Decision.Outcome, count: Int, last: Instant) {
            self.flow = flow
            self.outcome = outcome
            self.count = count
            self.last = last
        }
    }

    /// The oldest decision that was counted; nil where there is none.
    package var since: Instant?
    package var figures: [Figure]

    package init(since: Instant?, figures: [Figure]) {
        self.since = since
        self.figures = figures
    }
}

/// Kept deliveries of one cause.
package struct KeptGroup: Sendable, Hashable {
    package var kind: KeptDelivery.Kind
    package var source: String
    package var externalType: String?
    package var code: String
    /// The newest one's reason.
    package var reason: String
    package var count: Int
    package var first: Instant
    package var last: Instant

    package init(
        kind: KeptDelivery.Kind, source: String, externalType: String?, code: String, reason: String, count: Int,
        first: Instant, last: Instant
    ) {
        self.kind = kind
        self.source = source
        self.externalType = externalType
        self.code = code
        self.reason = reason
        self.count = count
        self.first = first
        self.last = last
    }
}

/// A day in UTC, counted from 1 January 1970.
package struct WorkDay: Sendable, Hashable, Comparable {
    package static let milliseconds: Int64 = 86_400_000

    package var number: Int64

    package init(number: Int64) { self.number = number }
    package init(_ instant: Instant) {
        number = Int64((Double(instant.milliseconds) / Double(Self.milliseconds)).rounded(.down))
    }

    package var start: Instant { Instant(milliseconds: number * Self.milliseconds) }
    package func adding(_ days: Int64) -> WorkDay { WorkDay(number: number + days) }
    package static func < (lhs: WorkDay, rhs: WorkDay) -> Bool { lhs.number < rhs.number }
}

package struct WorkTally: Sendable, Hashable {
    package var day: WorkDay
    package var destination: String
    package var action: String
    package var completed: Int

    package init(day: WorkDay, destination: String, action: String, completed: Int) {
        self.day = day
        self.destination = destination
        self.action = action
        self.completed = completed
    }
}

/// Which piece of time is tallied next.
///
/// Pure.
package enum TallySpan {
    /// From `start` to the next whole span, so that none lies across two days; nil where there is nothing before `end`.
    package static func next(from start: Instant, until end: Instant) -> Range<Instant>? {
        let span = SurveyLimits.tallySpan.milliseconds
        let stop = min(Instant(milliseconds: (start.milliseconds / span + 1) * span), end)
        return start < stop ? start..<stop : nil
    }
}
