internal import ConnectorKit
internal import Journal
internal import Model
internal import Seams
internal import Settings

/// Evaluates flows for one event and writes what they decide.
struct FlowRun {
    let settings: Settings
    let connectors: ConnectorSet
    let mint: IDMint
    let event: Event
    let root: SubjectID
    let now: Instant
    let tx: any PlanTransaction
    let subject: JSONObject
    let state: SubjectState
    private(set) var effectCount = 0

    init(
        settings: Settings, connectors: ConnectorSet, mint: IDMint, event: Event, root: SubjectID, now: Instant,
        state: SubjectState, tx: any PlanTransaction
    ) throws {
        self.settings = settings
        self.connectors = connectors
        self.mint = mint
        self.event = event
        self.root = root
        self.now = now
        self.tx = tx
        self.state = state
        subject = ScopeObjects.subject(id: root, identifiers: try tx.identifiers(of: root), state: state)
    }

    mutating func evaluate(_ matter: Matter) throws {
        for flow in settings.flows where flow.on.contains(matter.type) { try evaluate(flow, on: matter) }
    }

    private mutating func evaluate(_ flow: Flow, on matter: Matter) throws {
        let scope = scope(of: matter, data: matter.data)
        switch FlowRules.course(of: flow, on: matter, in: scope) {
        case .off:
            if matter.isToldNow { try record(.off, flow, matter) }
        case .conditionFailed(let path):
            if matter.isToldNow { try record(.conditionFailed, flow, matter, detail: "\(path) is not as it must be") }
        case .shadow:
            // What was said in shadow when the fact was told is not said again for each event that adds to it.
            let before = matter.dataBefore.map { self.scope(of: matter, data: $0) }
            if before.map({ flow.when.holds(in: $0) }) ?? false { return }
            for call in flow.calls { try sketch(call, of: flow, on: matter, scope) }
        case .acts:
            for call in flow.calls { try act(call, of: flow, on: matter, scope) }
        }
    }

    /// Says what a flow in shadow would do: the call and the names of fields, no values.
    private func sketch(_ call: Flow.Call, of flow: Flow, on matter: Matter, _ scope: Scope) throws {
        guard let action = connectors.action(call) else { return try refuseUnknown(call, flow, matter) }
        let fields = FlowRules.fields(of: action, in: flow, scope: scope)
        var detail = "would call \(call.name)" + (fields.isEmpty ? "" : " with \(fields.joined(separator: ", "))")
        if action.isStateSetting && !isCurrent(matter) { detail = "would not call \(call.name): newer stands" }
        if let missing = FlowRules.missingField(of: action, in: flow, scope: scope) {
            detail += "; would wait for \(missing)"
        }
        try record(.shadow, flow, matter, call, detail: detail)
    }

    private mutating func act(_ call: Flow.Call, of flow: Flow, on matter: Matter, _ scope: Scope) throws {
        let action = connectors.action(call)
        let key = EffectKey(flow: flow.id, call: call, fact: matter.key)
        var scope = scope
        scope.effect = ["key": .string(key.text)]
        let missing = action.flatMap { FlowRules.missingField(of: $0, in: flow, scope: scope) }
        let planned = try tx.effect(key)
        switch FlowRules.decide(action: action, missing: missing, planned: planned, isCurrent: isCurrent(matter)) {
        case .impossible: try refuseUnknown(call, flow, matter)
        case .known(let effect):
            if matter.isToldNow { try record(.known, flow, matter, call, job: effect.job) }
        case .wakes(let effect):
            try tx.wake(effect.job, at: now)
            try record(
                .known, flow, matter, call, job: effect.job, detail: "the field that its job waited for is there")
        case .stale:
            if matter.isToldNow {
                try record(.stale, flow, matter, call, detail: "a newer state stands; this one did not move it")
            }
        case .plans(let missing): try plan(key, call, of: flow, on: matter, waitingFor: missing)
        }
    }

    private mutating func plan(
        _ key: EffectKey, _ call: Flow.Call, of flow: Flow, on matter: Matter, waitingFor missing: String?
    ) throws {
        guard effectCount < Limits.effectsPerEventMax else { return try refuseMore(call, flow, matter) }
        effectCount += 1
        let isFact = matter.key != matter.event.id.description
        // What waits must be found again by its fact, also where the event's type has none.
        if missing != nil && !isFact { try tx.putFact(matter.ownFact) }
        let order = settings.destination(call.destination)?.order ?? .subject
        let job = NewJob(
            id: mint.make(), effect: key, flow: flow.id, call: call, event: matter.event.id,
            fact: isFact || missing != nil ? matter.key : nil, subject: matter.subject,
            lane: FlowRules.lane(of: matter, order: order, root: root), priority: flow.priority,
            startsAt: now + flow.after, waitsFor: missing.map { .field($0) },
            waitsUntil: missing == nil ? nil : max(event.receivedAt, now) + settings.enrichFor,
            stopsLaneWhenDead: flow.stopsLaneWhenDead)
        try tx.insert(job, at: now)
        let detail = missing.map { "waits for \($0)" }
        try record(missing == nil ? .planned : .waiting, flow, matter, call, job: job.id, detail: detail)
    }

    private func refuseUnknown(_ call: Flow.Call, _ flow: Flow, _ matter: Matter) throws {
        guard matter.isToldNow else { return }
        try record(.refused, flow, matter, call, detail: "no destination here can do \(call.name)")
    }

    private func refuseMore(_ call: Flow.Call, _ flow: Flow, _ matter: Matter) throws {
        let limit = "an event makes \(Limits.effectsPerEventMax) effects at most"
        try record(.refused, flow, matter, call, detail: limit)
        try tx.openAlert(
            NewAlert(
                key: "too_many_effects:\(event.type)", title: "An event would have had too many effects",
                detail: "Event \(event.id) of type \(event.type): \(limit). Join flows that listen to this type.",
                at: now))
    }

    private func record(
        _ outcome: Decision.Outcome, _ flow: Flow, _ matter: Matter, _ call: Flow.Call? = nil, job: JobID? = nil,
        detail: String? = nil
    ) throws {
        try tx.record(
            Decision(
                event: event.id, subject: matter.subject, at: now, flow: flow.id, call: call?.name, outcome: outcome,
                job: job, detail: detail))
    }

    private func isCurrent(_ matter: Matter) -> Bool {
        guard let statement = StateRules.statement(of: matter.event, fact: matter.key) else { return true }
        return StateRules.isCurrent(matter.key, aspect: statement.aspect, in: state)
    }

    private func scope(of matter: Matter, data: JSONObject) -> Scope {
        Scope(data: data, event: ScopeObjects.event(matter.event), subject: subject)
    }
}
