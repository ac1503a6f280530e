package import ConnectorKit
package import Journal
package import Model
package import Seams
package import Settings

/// Any HTTP API, by the declaration in the configuration.
package struct HTTPConnector: Connector {
    private let declared: HTTPDestination
    private let courier: Courier

    /// `secrets` are those of the declared headers; one that is missing leaves the connector unable to call.
    package init(
        settings: DestinationSettings, declared: HTTPDestination, secrets: (SecretReference) -> Redacted<String>?,
        world: World
    ) {
        var headers: [OutboundRequest.Header]? = [.init("accept", "application/json")]
        var words: [Redacted<String>] = []
        for header in declared.headers {
            switch header.value {
            case .literal(let text): headers?.append(.init(header.name, text))
            case .secret(let reference, let prefix):
                guard let secret = secrets(reference) else {
                    headers = nil
                    continue
                }
                words.append(secret)
                headers?.append(.init(header.name, prefix + secret.revealed))
            }
        }
        self.declared = declared
        courier = Courier(
            base: settings.baseURL ?? declared.url, headers: headers, timeout: settings.timeout,
            masking: Masking(words: words), world: world)
    }

    package var actions: [ActionDescription] {
        // What an action requires may stand in the flow's fields or in the fact, so that rendering asks for it.
        declared.actions.map { ActionDescription(name: $0.name, effectClass: $0.safety.effectClass) }
    }

    package func prepare(_ effect: Effect) throws(EffectRefusal) -> StoredRequest {
        try HTTPRendering(effect: effect).request(try action(effect))
    }

    package func perform(
        _ request: StoredRequest, for effect: Effect, approach: Approach, deadline: Duration
    ) async -> Report {
        let visit = courier.visit(within: deadline, for: effect)
        do {
            let action = try action(effect)
            return try await perform(request, action, effect, approach, visit).remembering(approach)
        } catch let error as Setback {
            return error.report.remembering(approach)
        } catch {
            return Report(.permanent(.init("refused", "the effect cannot be rendered any more: check its action")))
        }
    }

    /// Asks for the declared probe; without one it only sees whether the address answers and takes the credential.
    package func probe() async -> Verdict {
        let visit = courier.visit()
        do {
            let response = try await visit.read(declared.probe ?? "")
            if response.isSuccess { return .succeeded(nil) }
            let verdict = AnswerReading.verdict(
                of: response, message: visit.masking.masked(response.text), isKeyed: false, now: visit.now)
            guard case .permanent(let trouble) = verdict else { return verdict }
            return declared.probe == nil ? .succeeded(nil) : .blocked(trouble)
        } catch {
            return error.report.verdict
        }
    }

    package func missingRequirements(for calls: [Flow], isCreating: Bool) async -> RequirementReport {
        RequirementReport()
    }

    private func action(_ effect: Effect) throws(EffectRefusal) -> HTTPAction {
        guard let action = declared.actions.first(where: { $0.name == effect.action }) else {
            throw .impossible(errorClass: "unknown_action", "this destination has no action `\(effect.action)`")
        }
        return action
    }

    private func perform(
        _ request: StoredRequest, _ action: HTTPAction, _ effect: Effect, _ approach: Approach, _ visit: Visit
    ) async throws -> Report {
        var headers: [OutboundRequest.Header] = []
        var isKeyed = false
        switch action.safety {
        case .keyed(let header, _):
            headers = [.init(header, effect.key.digest)]
            isKeyed = true
        case .findable(let path, let exists, _) where approach != .first:
            let path = try HTTPRendering(effect: effect).path(path)
            if let found = try await find(path, exists, action, visit) { return found }
        case .findable, .upsert, .unsafe: break
        }
        let response = try await visit.send(request.method, request.path, headers: headers, body: request.body)
        guard action.success.contains(response.status) else {
            let words = visit.masking.masked(response.text)
            return Report(
                AnswerReading.verdict(of: response, message: words, isKeyed: isKeyed, now: visit.now),
                status: response.status)
        }
        let record = action.record.flatMap { HTTPRendering.value(at: $0, in: response)?.text }
        return Report(
            .succeeded(record.map { ExternalRecord(kind: action.recordKind, id: $0) }), status: response.status)
    }

    /// What an earlier attempt made, where the API shows it.
    private func find(
        _ path: String, _ exists: Path, _ action: HTTPAction, _ visit: Visit
    ) async throws(Setback) -> Report? {
        let response = try await visit.read(path)
        if response.status == 404 { return nil }
        guard response.isSuccess else {
            let words = visit.masking.masked(response.text)
            throw Setback(
                AnswerReading.verdict(of: response, message: words, isKeyed: false, now: visit.now).ofReading,
                status: response.status)
        }
        guard HTTPRendering.isReadable(response) else {
            // An answer that cannot be read does not say that nothing is there: creating now could make a second one.
            throw Setback(
                .transient(.init("unreadable_answer", "its look-up answered no JSON"), mayHaveHappened: false),
                status: response.status)
        }
        guard let found = HTTPRendering.value(at: exists, in: response), HTTPRendering.isSomething(found) else {
            return nil
        }
        let id = action.record.flatMap { HTTPRendering.value(at: $0, in: response)?.text } ?? found.scalarText
        return Report(
            .succeeded(id.map { ExternalRecord(kind: action.recordKind, id: $0) }), status: response.status)
    }
}

extension HTTPAction.Safety {
    var effectClass: EffectClass {
        switch self {
        case .keyed(_, let lifetime): .keyed(lifetime: lifetime, isFindableAfter: false)
        case .upsert: .upsert
        case .findable(_, _, let lag): .findable(lag: lag)
        case .unsafe: .unsafe
        }
    }
}
