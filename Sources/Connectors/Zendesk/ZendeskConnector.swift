package import ConnectorKit
package import Journal
package import Model
package import Seams
package import Settings

/// Zendesk Support: tickets, comments on them, and their status.
package struct ZendeskConnector: Connector {
    let courier: Courier

    /// `token` is an API token of the agent `email`; nil leaves the connector able to describe itself and nothing else.
    package init(
        settings: DestinationSettings, subdomain: String, email: String, token: Redacted<String>?, world: World
    ) {
        let credential = token.map { Encodings.base64("\(email)/token:\($0.revealed)".utf8) }
        courier = Courier(
            base: settings.baseURL ?? "https://\(subdomain).zendesk.com",
            headers: credential.map { [.init("authorization", "Basic \($0)"), .init("accept", "application/json")] },
            timeout: settings.timeout,
            masking: Masking(words: [token, credential.map { Redacted($0) }].compactMap { $0 }), world: world)
    }

    package var actions: [ActionDescription] { ZendeskAction.allCases.map(\.description) }

    package func prepare(_ effect: Effect) throws(EffectRefusal) -> StoredRequest {
        switch ZendeskAction(rawValue: effect.action) {
        case .openTicket: ZendeskTicket(effect: effect).request
        case .comment: try ZendeskUpdate(effect: effect).comment()
        case .setStatus: try ZendeskUpdate(effect: effect).status()
        case nil: throw .impossible(errorClass: "unknown_action", "Zendesk has no action `\(effect.action)`")
        }
    }

    package func perform(
        _ request: StoredRequest, for effect: Effect, approach: Approach, deadline: Duration
    ) async -> Report {
        let desk = ZendeskDesk(visit: courier.visit(within: deadline, for: effect))
        do {
            switch ZendeskAction(rawValue: effect.action) {
            case .openTicket: return try await desk.openTicket(request, for: effect, approach: approach)
            case .comment: return try await desk.comment(request, for: effect, approach: approach)
            default: return try await desk.update(request)
            }
        } catch {
            return error.report.remembering(approach)
        }
    }

    package func probe() async -> Verdict {
        let desk = ZendeskDesk(visit: courier.visit())
        do {
            // An unknown token is answered 200 too, as an anonymous user without an id.
            let me = try await desk.get("/api/v2/users/me")
            guard me["user"]?["id"]?.int != nil else {
                return .credentials(
                    .init("anonymous", "Zendesk does not know this email and API token: check both, and reload"))
            }
            return .succeeded(nil)
        } catch {
            return error.report.verdict
        }
    }

    package func missingRequirements(for calls: [Flow], isCreating: Bool) async -> RequirementReport {
        // Nothing that we write needs a field of the account's own.
        RequirementReport()
    }
}

/// What Zendesk can be asked to do.
enum ZendeskAction: String, CaseIterable {
    case openTicket = "open_ticket"
    case comment
    case setStatus = "set_status"

    /// How long Zendesk remembers an idempotency key.
    static let keyLifetime: Duration = .seconds(2 * 3600)

    var description: ActionDescription {
        switch self {
        case .openTicket:
            ActionDescription(
                name: rawValue, effectClass: .keyed(lifetime: Self.keyLifetime, isFindableAfter: true),
                defaults: [Flow.Assignment("body", from: "message"), Flow.Assignment("priority", from: "urgency")])
        case .comment:
            ActionDescription(
                name: rawValue, effectClass: .findable(lag: .seconds(5)),
                defaults: [Flow.Assignment("body", from: "message")], neededRecord: ZendeskDesk.ticketKind)
        case .setStatus:
            ActionDescription(
                name: rawValue, effectClass: .upsert, required: ["status"], defaults: [Flow.Assignment("status")],
                neededRecord: ZendeskDesk.ticketKind)
        }
    }
}
