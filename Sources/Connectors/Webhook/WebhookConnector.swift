package import ConnectorKit
package import Journal
package import Model
package import Seams
package import Settings

/// The product's own endpoint: canonical events, signed by Standard Webhooks.
package struct WebhookConnector: Connector {
    static let action = "send"
    /// The receiver is to know an id for as long as events may be sent again.
    static let keyLifetime: Duration = .seconds(30 * 86_400)

    private let courier: Courier
    private let signer: WebhookSigner?
    private let hasSecret: Bool

    package init(settings: DestinationSettings, url: String, secret: Redacted<String>?, world: World) {
        signer = secret.flatMap { WebhookSigner(secret: $0) }
        hasSecret = secret != nil
        courier = Courier(
            base: settings.baseURL ?? url, headers: secret.map { _ in [] }, timeout: settings.timeout,
            masking: Masking(words: secret.map { [$0] } ?? []), world: world)
    }

    package var actions: [ActionDescription] {
        [
            ActionDescription(
                name: Self.action, effectClass: .keyed(lifetime: Self.keyLifetime, isFindableAfter: false))
        ]
    }

    package func prepare(_ effect: Effect) throws(EffectRefusal) -> StoredRequest {
        guard effect.action == Self.action else {
            throw .impossible(errorClass: "unknown_action", "a webhook has no action `\(effect.action)`")
        }
        let event = effect.event
        var content: JSONObject = [
            "id": .string(event.id.description), "type": .string(event.type.name), "source": .string(event.source),
            "occurred_at": .string(event.occurredAt.description),
        ]
        content["session"] = event.session.map { .string($0) }
        content["user"] = event.user.map { .string($0) }
        content["data"] = .object(effect.hasOwnFields ? effect.fields : effect.data)
        return StoredRequest(
            "POST", "",
            json: [
                "type": .string(event.type.name), "timestamp": .string(event.occurredAt.description),
                "data": .object(content),
            ], at: effect.now)
    }

    package func perform(
        _ request: StoredRequest, for effect: Effect, approach: Approach, deadline: Duration
    ) async -> Report {
        let visit = courier.visit(within: deadline, for: effect)
        do {
            let response = try await deliver(request.body, id: effect.key.digest, through: visit)
            guard !response.isSuccess else { return Report(.succeeded(nil), status: response.status) }
            return Report(verdict(of: response, visit: visit), status: response.status).remembering(approach)
        } catch {
            return error.report.remembering(approach)
        }
    }

    /// Sends a signed `throughline.ping`, which receivers may ignore: any answer but a refusal of the signature or of
    /// the address shows a live endpoint.
    package func probe() async -> Verdict {
        let visit = courier.visit()
        let body: JSONObject = [
            "type": "throughline.ping", "timestamp": .string(visit.now.description), "data": [:],
        ]
        do {
            let response = try await deliver(
                body.encoded, id: "ping-\(visit.now.milliseconds)", through: visit)
            if response.isSuccess || [400, 422].contains(response.status) { return .succeeded(nil) }
            let verdict = verdict(of: response, visit: visit)
            guard case .permanent(let trouble) = verdict else { return verdict }
            return .blocked(trouble)
        } catch {
            return error.report.verdict
        }
    }

    package func missingRequirements(for calls: [Flow], isCreating: Bool) async -> RequirementReport {
        RequirementReport()
    }

    private func deliver(_ body: [UInt8], id: String, through visit: Visit) async throws(Setback) -> InboundResponse {
        if hasSecret, signer == nil {
            throw Setback(
                .credentials(
                    .init("secret_invalid", "its secret is not `whsec_` and base64: set a valid one, and reload")))
        }
        let headers = signer?.headers(id: id, body: body, at: visit.now) ?? []
        return try await visit.send("POST", "", headers: headers, body: body)
    }

    private func verdict(of response: InboundResponse, visit: Visit) -> Verdict {
        let words = visit.masking.masked(response.text)
        if response.status == 410 {
            // Standard Webhooks: the receiver wants nothing more at this address.
            return .blocked(
                .init("gone", "the endpoint answers 410, gone: give its new address, or take it out of the flows"))
        }
        return AnswerReading.verdict(of: response, message: words, isKeyed: true, now: visit.now)
    }
}
