package import ConnectorKit
package import Journal
package import Model
package import Seams
package import Settings

/// A Slack channel through its incoming webhook: readable notices, nothing else.
///
/// Slack gives no key, no id and nothing to search by, so that a notice whose end is unknown may be said twice.
package struct SlackConnector: Connector {
    static let action = "notify"
    private let courier: Courier

    /// `url` is the webhook's whole address, which is its credential.
    ///
    /// A `base_url` replaces its scheme and host.
    package init(settings: DestinationSettings, url: Redacted<String>?, world: World) {
        let address = url.map { url in
            settings.baseURL.map { $0 + Self.path(of: url.revealed) } ?? url.revealed
        }
        let secrets = [url?.revealed, url.map { Self.path(of: $0.revealed) }].compactMap { $0 }
        courier = Courier(
            base: address ?? "", headers: url.map { _ in [] }, timeout: settings.timeout,
            masking: Masking(words: secrets.map { Redacted($0) }), world: world)
    }

    package var actions: [ActionDescription] {
        [ActionDescription(name: Self.action, effectClass: .unsafe, defaults: [Flow.Assignment("text")])]
    }

    package func prepare(_ effect: Effect) throws(EffectRefusal) -> StoredRequest {
        guard effect.action == Self.action else {
            throw .impossible(errorClass: "unknown_action", "Slack has no action `\(effect.action)`")
        }
        return StoredRequest("POST", "", json: ["text": .string(SlackText(effect: effect).text)], at: effect.now)
    }

    package func perform(
        _ request: StoredRequest, for effect: Effect, approach: Approach, deadline: Duration
    ) async -> Report {
        let visit = courier.visit(within: deadline, for: effect)
        do {
            let response = try await visit.send(request.method, request.path, body: request.body)
            guard !response.isSuccess else { return Report(.succeeded(nil), status: response.status) }
            let words = visit.masking.masked(response.text)
            return Report(SlackAnswer.verdict(of: response, words: words, now: visit.now), status: response.status)
                .remembering(approach)
        } catch {
            return error.report.remembering(approach)
        }
    }

    /// Sends an empty message: a live webhook refuses it (400) and shows nothing in the channel.
    package func probe() async -> Verdict {
        let visit = courier.visit()
        do {
            let response = try await visit.send("POST", "", body: JSONObject().encoded)
            guard !response.isSuccess, response.status != 400 else { return .succeeded(nil) }
            return SlackAnswer.verdict(of: response, words: visit.masking.masked(response.text), now: visit.now)
        } catch {
            return error.report.verdict
        }
    }

    package func missingRequirements(for calls: [Flow], isCreating: Bool) async -> RequirementReport {
        RequirementReport()
    }

    private static func path(of url: String) -> String {
        let rest = url.firstRange(of: "://").map { url[$0.upperBound...] } ?? url[...]
        return rest.firstIndex(of: "/").map { String(rest[$0...]) } ?? ""
    }
}

/// Slack's plain words and what they mean for the webhook.
enum SlackAnswer {
    static func verdict(of response: InboundResponse, words: String, now: Instant) -> Verdict {
        let word = words.trimmed
        switch (response.status, word) {
        case (403, "invalid_token"):
            return .credentials(.init(word, "Slack does not know this webhook (\(word)): make a new one, and reload"))
        case (403, _), (404, _), (410, _):
            let known = [
                "action_prohibited", "no_service", "channel_not_found", "channel_is_archived", "user_not_found",
            ]
            let errorClass = known.contains(word) ? word : "http_\(response.status)"
            return .blocked(
                .init(errorClass, "the Slack webhook is gone or shut off (\(words)): make a new one, and reload"))
        // Slack's own advice is one message a second.
        case (429, _) where response.header("retry-after") == nil:
            return .slowDown(.init("http_429", words), after: .seconds(1))
        default: return AnswerReading.verdict(of: response, message: words, isKeyed: false, now: now)
        }
    }
}
