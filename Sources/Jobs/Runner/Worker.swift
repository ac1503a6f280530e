internal import ConnectorKit
internal import Journal
internal import Model
internal import Seams
internal import Settings

/// Works one claimed job: gathers what it needs, renders it, calls its connector.
struct Worker: Sendable {
    let journal: any WorkJournal
    let connectors: ConnectorSet
    let settings: Settings
    let world: World
    let trailURL: @Sendable (EventID) -> String?
    /// Whether the job is still this node's to work.
    let mayStart: @Sendable () -> Bool

    /// How long a job waits that could not be worked for reasons on our side.
    static let pauseAfterTrouble: Duration = .seconds(1)

    /// What the settlement goes by; the strictest where the configuration no longer knows the job.
    func rules(for job: ClaimedJob) -> Settling.Rules {
        let flow = settings.flow(job.flow)
        return Settling.Rules(
            retry: flow?.retry ?? settings.retry, enrichFor: settings.enrichFor,
            effectClass: connectors.action(job.call)?.effectClass ?? .unsafe, onUnknown: flow?.onUnknown ?? .repeat,
            timeout: timeout(of: job))
    }

    /// The one place in which a thrown error becomes an outcome.
    ///
    /// Only what comes before the call can throw, so nothing has happened at the destination.
    func work(_ job: ClaimedJob) async -> Settling.Outcome {
        do {
            return try await attempt(job)
        } catch let refusal as EffectRefusal {
            return .refused(refusal)
        } catch {
            guard !Task.isCancelled else { return .handedBack(nil, after: .zero) }
            let words = (error as? Failure)?.message ?? "The journal could not be asked."
            return .handedBack(Verdict.Trouble("journal", words), after: Self.pauseAfterTrouble)
        }
    }

    private func attempt(_ job: ClaimedJob) async throws -> Settling.Outcome {
        guard let flow = settings.flow(job.flow), flow.calls.contains(job.call) else {
            return .removed("The flow `\(job.flow)` with \(job.call.name)")
        }
        guard let connector = connectors[job.call.destination] else {
            // While a reload is under way the flows may be newer than the connectors.
            let trouble = Verdict.Trouble("no_connector", "The destination \(job.call.destination) is not set up yet.")
            return .handedBack(trouble, after: Self.pauseAfterTrouble)
        }
        guard let action = connector.actions.first(where: { $0.name == job.call.action }) else {
            return .removed("The action \(job.call.name)")
        }
        let start = Start(
            Start.Circumstances(
                effectClass: action.effectClass, isStateSetting: action.isStateSetting,
                unknownSince: job.unknownSince,
                renderedAt: job.request?.renderedAt ?? job.firstAttemptAt, onUnknown: flow.onUnknown,
                timeout: timeout(of: job)), now: world.time.now)
        switch start {
        case .wait(let until): return .tooEarly(until: until)
        case .hold: return .asksPerson
        case .go(let approach): return try await call(job, connector, action, flow: flow, approach: approach)
        }
    }

    private func call(
        _ job: ClaimedJob, _ connector: any Connector, _ action: ActionDescription, flow: Flow, approach: Approach
    ) async throws -> Settling.Outcome {
        guard let surroundings = try await journal.surroundings(of: job.id) else {
            return .refused(.impossible(errorClass: "no_event", "The event that it came from is no longer kept."))
        }
        let effect = effect(of: job, in: surroundings, action: action, flow: flow)
        guard let request = try await request(for: job, effect, connector, action) else {
            // Somebody else holds the job by now; the settlement will be refused for its old token.
            return .handedBack(nil, after: .zero)
        }
        guard !Task.isCancelled, mayStart() else { return .handedBack(nil, after: .zero) }
        CrashPoint.callDue.pass()
        let report = await traced(job, of: surroundings.event) {
            await connector.perform(request, for: effect, approach: approach, deadline: timeout(of: job))
        }
        CrashPoint.callMade.pass()
        if Task.isCancelled, case .transient(_, let mayHaveHappened, _) = report.verdict {
            // We cut it off ourselves: that is no failure of the destination.
            return mayHaveHappened ? .cutOff : .handedBack(nil, after: .zero)
        }
        return .reported(report, asOf: action.isStateSetting ? surroundings.asOf : nil)
    }

    /// Makes the call a part of its event's trace, which the destination is told.
    private func traced(_ job: ClaimedJob, of event: Event, call: () async -> Report) async -> Report {
        let arrival = TraceContext(of: event.id, trace: event.trace)
        let context = arrival.attempt(at: job.id, token: job.token)
        let (startedAt, uptime) = (world.time.now, world.time.uptime)
        let report = await TraceContext.$current.withValue(context) { await call() }
        guard world.spans.isRecording else { return report }
        var attributes: [Span.Attribute] = [
            .init("job.id", "\(job.id)"), .init("event.id", "\(event.id)"), .init("flow", job.flow),
            .init("destination", job.call.destination), .init("action", job.call.action),
        ]
        if let status = report.status { attributes.append(.init("http.response.status_code", String(status))) }
        if let trouble = report.trouble { attributes.append(.init("error.class", trouble.errorClass)) }
        world.spans.record(
            Span(
                name: "attempt \(job.call.name)", kind: .client, context: context, parent: arrival.planning.span,
                startedAt: startedAt, duration: world.time.uptime - uptime, attributes: attributes,
                isError: report.trouble != nil))
        return report
    }

    /// The request that is sent: for classes that keep it the stored one, byte for byte.
    ///
    /// Nil with a lost claim.
    private func request(
        for job: ClaimedJob, _ effect: Effect, _ connector: any Connector, _ action: ActionDescription
    ) async throws -> StoredRequest? {
        if action.effectClass.keepsRequest, let kept = job.request { return kept }
        for field in action.required where effect.fields.present(field) == nil {
            throw EffectRefusal.missingField(field)
        }
        let request = try connector.prepare(effect)
        guard action.effectClass.keepsRequest else { return request }
        guard try await journal.keepRequest(request, of: job.id, token: job.token) else { return nil }
        CrashPoint.requestKept.pass()
        return request
    }

    private func effect(
        of job: ClaimedJob, in surroundings: Surroundings, action: ActionDescription, flow: Flow
    ) -> Effect {
        var effect = Effect(
            key: job.effect, action: job.call.action, event: surroundings.event, data: surroundings.data,
            fields: JSONObject(), hasOwnFields: flow.set != nil, subject: surroundings.subject,
            payments: surroundings.payments, records: surroundings.records, now: world.time.now,
            trailURL: trailURL(job.event))
        let scope = effect.scope
        effect.fields = JSONObject(
            members: (flow.set ?? action.defaults).compactMap { assignment in
                assignment.value.value(in: scope).map { JSONObject.Member(key: assignment.name, value: $0) }
            })
        return effect
    }

    private func timeout(of job: ClaimedJob) -> Duration {
        settings.destination(job.call.destination)?.timeout ?? .seconds(15)
    }
}
