package import Journal
internal import Model

/// Holds what the journal says of one thing against what its provider says.
///
/// Pure.
package enum Comparison {
    /// How the thing stands in the journal.
    package enum Kept: Sendable, Hashable {
        case absent
        /// It is there, and nothing was planned for it although it should have been.
        case unplanned(why: String)
        case dead(why: String)
        /// It is on its way: there is nothing to be judged yet.
        case open
        /// It is right that nothing came of it (shadow, a condition, a person's word).
        case declined
        case done
    }

    /// How the thing stands at the provider.
    package enum Told: Sendable, Hashable {
        case nothing
        /// `differing`: fields of ours that stand otherwise there.
        case there(differing: [String])
        case double(count: Int)
    }

    package enum Judgement: Sendable, Hashable {
        case unjudged
        case matched
        case differs(Difference.Cause, detail: String)
    }

    package static func judge(kept: Kept, told: Told) -> Judgement {
        switch (kept, told) {
        case (.open, _), (.declined, _): .unjudged
        case (.absent, .nothing): .unjudged
        case (.absent, _): .differs(.neverArrived, detail: "the provider tells of it, and nothing of it is here")
        case (.unplanned(let why), _): .differs(.neverPlanned, detail: why)
        case (.dead(let why), _): .differs(.dead, detail: why)
        case (.done, .nothing): .differs(.changed, detail: "it was made, and is gone there")
        case (.done, .double(let count)): .differs(.double, detail: "it is there \(count) times")
        case (.done, .there(let differing)):
            differing.isEmpty
                ? .matched
                : .differs(.changed, detail: "stands otherwise there: \(differing.joined(separator: ", "))")
        }
    }
}

extension Comparison.Kept {
    /// How something stands that a sender told.
    ///
    /// Work that died at a destination which is compared itself is told there and not here.
    package init(_ standing: ArrivalStanding?, comparedElsewhere: (String) -> Bool) {
        switch standing {
        case nil: self = .absent
        case .ignored?: self = .declined
        case .quarantined(_, let code)?: self = .unplanned(why: "it is in quarantine (\(code))")
        case .event(_, _, isUnplannable: true, _)?: self = .unplanned(why: "planning could not take it")
        case .event(_, isPending: true, _, _)?: self = .open
        case .event(_, _, _, let dead)?:
            let own = dead.filter { !comparedElsewhere($0.destination) }
            let places = Set(own.map(\.destination)).sorted().joined(separator: ", ")
            self = own.isEmpty ? .done : .dead(why: "its work ended dead at \(places)")
        }
    }

    /// How what a flow asks for stands: by the newest generation of its job, else by what was last decided.
    package init(_ work: PlannedWork, flow: String, call: String, job: JobRow?) {
        if let job {
            self.init(job)
            return
        }
        guard !work.isUnplannable else {
            self = .unplanned(why: "planning could not take it")
            return
        }
        guard !work.isPending else {
            self = .open
            return
        }
        let decisions = work.decisions.filter { $0.flow == flow && ($0.call == nil || $0.call == call) }
        // Where the effect is another event's, it is judged with that one.
        self = decisions.isEmpty ? .unplanned(why: "the flow \(flow) never looked at it") : .declined
    }

    private init(_ job: JobRow) {
        switch job.state {
        case .completed: self = job.record == nil ? .declined : .done
        case .dead: self = .dead(why: job.errorClass.map { "its job is dead (\($0))" } ?? "its job is dead")
        case .cancelled: self = .declined
        case .scheduled, .available, .running, .waiting, .retryable, .held: self = .open
        }
    }
}
