package import Journal
package import Model

/// What an end user is told of an event of theirs.
///
/// Pure; it never says more than the journal knows.
package struct Receipt: Sendable, Hashable {
    package enum State: String, Sendable, Hashable, CaseIterable {
        /// It is kept, and what follows is on its way.
        case received
        /// All that was to be done has been done.
        case done
        /// It takes longer than it should; nothing is lost.
        case delayed
        /// It cannot go on without a person.
        case needsPerson = "needs_person"
    }

    package var event: EventID
    package var state: State
    package var receivedAt: Instant
    /// When it was done.
    package var endedAt: Instant?

    package init(of standing: EventStanding, slowAfter: Duration, now: Instant) {
        let event = standing.row.event
        (self.event, receivedAt) = (event.id, event.receivedAt)
        let jobs = Self.newest(standing.jobs)
        state = Self.state(jobs, standing, slowAfter: slowAfter, now: now)
        if state == .done { endedAt = jobs.compactMap(\.endedAt).max() }
    }

    private static func state(
        _ jobs: [JobRow], _ standing: EventStanding, slowAfter: Duration, now: Instant
    ) -> State {
        if standing.isUnplannable || jobs.contains(where: { $0.state == .dead || $0.state == .held }) {
            return .needsPerson
        }
        // What is to begin later by its flow's own word is not late.
        let open = jobs.filter { !$0.state.isEnded && ($0.state != .scheduled || ($0.dueAt ?? now) <= now) }
        if standing.row.isPending || !open.isEmpty {
            let since = open.map(\.createdAt).min() ?? standing.row.event.receivedAt
            return now - since > slowAfter ? .delayed : .received
        }
        let isDone = jobs.allSatisfy(\.state.isEnded) && jobs.contains { $0.state == .completed }
        return isDone ? .done : .received
    }

    /// Of each effect the newest generation: one that a person ordered anew stands for those before it.
    private static func newest(_ jobs: [JobRow]) -> [JobRow] {
        var newest: [Substring: JobRow] = [:]
        for job in jobs {
            let effect = job.effect.text
            newest[effect[..<(effect.lastIndex(of: "/") ?? effect.endIndex)]] = job
        }
        return Array(newest.values)
    }

    /// `contact` is told where somebody may want it.
    package func json(contact: String?) -> JSONObject {
        let isWanted = state == .needsPerson || state == .delayed
        return [
            "event": .string(event.description), "state": .string(state.rawValue),
            "received_at": .string(receivedAt.description),
            "ended_at": endedAt.map { .string($0.description) } ?? .null,
            "contact": (isWanted ? contact : nil).map { .string($0) } ?? .null,
        ]
    }
}
