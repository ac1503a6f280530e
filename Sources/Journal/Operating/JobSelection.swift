package import Model

extension BulkAction {
    /// The states in which it may change a job.
    package var states: [JobState] {
        switch self {
        case .retry: [.dead, .held, .retryable]
        case .cancel: [.scheduled, .available, .waiting, .retryable, .held]
        }
    }

    /// Why it may not change this one job.
    ///
    /// A dead one may be cancelled: it is seen to, and no longer stops its lane.
    package func refusal(of job: JobID, in state: JobState, isErased: Bool) -> Failure? {
        if isErased {
            return Failure(.conflict, "Job \(job) belonged to a person who was erased; it cannot be changed.")
        }
        if states.contains(state) || self == .cancel && state == .dead { return nil }
        return Failure(
            .conflict,
            "Job \(job) is \(state.rawValue); \(rawValue) is possible only for jobs that are "
                + "\(states.map(\.rawValue).joined(separator: ", ")).")
    }
}

extension JobFilter {
    /// For the audit: what was asked for, in one line.
    package var text: String {
        var parts = states.map(\.rawValue).sorted()
        parts += [("destination", destination), ("flow", flow), ("error", errorClass)]
            .compactMap { name, value in value.map { "\(name)=\($0)" } }
        parts += [("since", since), ("until", until)].compactMap { name, value in value.map { "\(name)=\($0)" } }
        return parts.isEmpty ? "all" : parts.joined(separator: " ")
    }

    /// In the states that the action may change; nil where there are none.
    package func narrowed(to action: BulkAction) -> JobFilter? {
        var allowed = Set(action.states)
        // Dead ones are given up only where they are asked for by name.
        if action == .cancel && states.contains(.dead) { allowed.insert(.dead) }
        var narrowed = self
        narrowed.states = states.isEmpty ? allowed : states.intersection(allowed)
        return narrowed.states.isEmpty ? nil : narrowed
    }

    /// Where such jobs lie: open ones and ended ones have a table each.
    package var tables: [String] {
        guard !states.isEmpty else { return ["jobs", "history"] }
        return (states.contains { !$0.isEnded } ? ["jobs"] : [])
            + (states.contains(where: \.isEnded) ? ["history"] : [])
    }
}
