package import ConnectorKit
package import Journal
package import Model
package import Seams
package import Settings

/// A service that calls people out, by PagerDuty's Events API v2; other pagers take the same form.
///
/// The `dedup_key` makes a repeat the same incident, so that an event may be sent any number of times.
package struct PagerDutyConnector: Connector {
    static let action = "event"
    static let address = "https://events.pagerduty.com"
    /// The API cuts or refuses longer ones.
    static let summaryMax = 1000

    private let courier: Courier
    private let routingKey: Redacted<String>?

    package init(settings: DestinationSettings, routingKey: Redacted<String>?, world: World) {
        self.routingKey = routingKey
        courier = Courier(
            base: settings.baseURL ?? Self.address, headers: routingKey.map { _ in [] }, timeout: settings.timeout,
            masking: Masking(words: routingKey.map { [$0] } ?? []), world: world)
    }

    package var actions: [ActionDescription] {
        [
            ActionDescription(
                name: Self.action, effectClass: .upsert,
                defaults: ["summary", "severity", "event_action", "dedup_key"].map { Flow.Assignment($0) })
        ]
    }

    package func prepare(_ effect: Effect) throws(EffectRefusal) -> StoredRequest {
        guard effect.action == Self.action else {
            throw .impossible(errorClass: "unknown_action", "a pager has no action `\(effect.action)`")
        }
        return StoredRequest("POST", "/v2/enqueue", json: PagerDutyEvent(effect: effect).json, at: effect.now)
    }

    package func perform(
        _ request: StoredRequest, for effect: Effect, approach: Approach, deadline: Duration
    ) async -> Report {
        await send(request.body, to: request.path, through: courier.visit(within: deadline, for: effect))
            .remembering(approach)
    }

    /// Resolves an incident that does not exist, which pages nobody.
    package func probe() async -> Verdict {
        let body: JSONObject = ["event_action": "resolve", "dedup_key": "throughline-probe"]
        return await send(body.encoded, to: "/v2/enqueue", through: courier.visit()).verdict
    }

    package func missingRequirements(for flows: [Flow], isCreating: Bool) async -> RequirementReport {
        RequirementReport()
    }

    private func send(_ body: [UInt8], to path: String, through visit: Visit) async -> Report {
        // What is kept of a request holds no credential: the key goes in last.
        var event = (try? JSONObject(parsing: body)) ?? [:]
        event["routing_key"] = routingKey.map { .string($0.revealed) }
        do {
            let response = try await visit.send("POST", path, body: event.encoded)
            guard !response.isSuccess else { return Report(.succeeded(nil), status: response.status) }
            let words = visit.masking.masked(
                response.json?["errors"]?.array?.compactMap(\.string).joined(separator: ", ") ?? response.text)
            if response.status == 400, words.lowercased().contains("routing_key") || words.contains("routing key") {
                return Report(
                    .credentials(.init("invalid_routing_key", "the pager does not know the routing key (\(words))")),
                    status: response.status)
            }
            return Report(
                AnswerReading.verdict(of: response, message: words, isKeyed: true, now: visit.now),
                status: response.status)
        } catch {
            return error.report
        }
    }
}

/// The event in the form of the Events API v2.
struct PagerDutyEvent {
    var effect: Effect

    private func word(_ field: String) -> String? { effect.fields.present(field)?.text }

    var json: JSONObject {
        let alert = AlertText(effect)
        let action = word("event_action") ?? (alert?.isEnd == true ? "resolve" : "trigger")
        var event: JSONObject = [
            "event_action": .string(["trigger", "acknowledge", "resolve"].contains(action) ? action : "trigger"),
            "dedup_key": .string(word("dedup_key") ?? alert?.alert ?? effect.key.digest), "client": "Throughline",
        ]
        event["client_url"] = effect.trailURL.map { .string($0) }
        let summary = word("summary") ?? alert?.title ?? EventSummary(effect: effect).text
        var details: JSONObject = ["event": .string(effect.event.id.description)]
        if alert != nil {
            for field in ["cost", "detail", "since"] { details[field] = effect.data.present(field) }
        }
        event["payload"] = [
            "summary": .string(summary.cut(to: PagerDutyConnector.summaryMax)),
            "source": .string(effect.data.present("product")?.text ?? effect.event.source),
            "severity": .string(severity(alert)), "timestamp": .string(effect.event.occurredAt.description),
            "class": .string(alert?.key ?? effect.event.type.name), "custom_details": .object(details),
        ]
        return event
    }

    private func severity(_ alert: AlertText?) -> String {
        if let said = word("severity"), ["critical", "error", "warning", "info"].contains(said) { return said }
        return alert?.isCritical == true ? "critical" : "warning"
    }
}
