internal import ConnectorKit
internal import Journal
internal import Model
internal import Settings

/// What a flow makes of a matter.
///
/// Pure.
enum FlowRules {
    /// Whether a flow acts at all.
    enum Course: Equatable {
        case off
        case conditionFailed(Path)
        case shadow
        case acts
    }

    /// What becomes of one call of a flow.
    enum CallDecision: Equatable {
        /// The destination or the action does not exist in the configuration in force.
        case impossible
        case known(PlannedEffect)
        /// The job waited for a field that is there now.
        case wakes(PlannedEffect)
        /// Newer than this stands already.
        case stale
        case plans(waitingFor: String?)
    }

    static func course(of flow: Flow, on matter: Matter, in scope: Scope) -> Course {
        if flow.rollout == .off { return .off }
        if let clause = flow.when.failure(in: scope) { return .conditionFailed(clause.path) }
        return RolloutShare.includes(matter.shareName, in: flow.rollout) ? .acts : .shadow
    }

    static func decide(
        action: ActionDescription?, missing: String?, planned: PlannedEffect?, isCurrent: Bool
    ) -> CallDecision {
        guard let action else { return .impossible }
        if let planned { return planned.isWaitingForField && missing == nil ? .wakes(planned) : .known(planned) }
        if action.isStateSetting && !isCurrent { return .stale }
        return .plans(waitingFor: missing)
    }

    /// The first required field that is not there.
    static func missingField(of action: ActionDescription, in flow: Flow, scope: Scope) -> String? {
        let there = Set(fields(of: action, in: flow, scope: scope))
        return action.required.first { !there.contains($0) }
    }

    /// Names of the fields that would be sent.
    static func fields(of action: ActionDescription, in flow: Flow, scope: Scope) -> [String] {
        (flow.set ?? action.defaults).filter { $0.value.value(in: scope).map { !$0.isAbsent } ?? false }.map(\.name)
    }

    static func lane(of matter: Matter, order: LaneOrder, root: SubjectID) -> String? {
        switch order {
        case .none: nil
        case .object: matter.object ?? root.description
        case .subject: root.description
        }
    }
}
