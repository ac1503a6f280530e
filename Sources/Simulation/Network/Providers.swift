internal import Model
internal import Sandbox
internal import Seams

/// The stand-in providers and the way to them.
///
/// `@unchecked Sendable`: only the run's one thread touches it.
final class Providers: @unchecked Sendable {
    static let credentials = StandInSet.Credentials()
    /// The destinations of the run's configuration, and the stand-in behind each.
    static let routes = ["crm": "hubspot", "desk": "zendesk", "hook": "hook", "team": "slack"]

    let standIns: StandInSet

    init() {
        var hubspot = HubSpotStandIn(token: Self.credentials.hubspotToken)
        Self.prepare(&hubspot)
        standIns = StandInSet([
            "hubspot": hubspot,
            "zendesk": ZendeskStandIn(email: Self.credentials.zendeskEmail, token: Self.credentials.zendeskToken),
            "slack": SlackStandIn(path: Self.credentials.slackPath, burst: 100),
            "hook": WebhookReceiver(secrets: [Self.credentials.hookSecret]),
        ])
    }

    /// Makes the custom properties that a person would have made with `config check --connect --create`.
    private static func prepare(_ hubspot: inout HubSpotStandIn) {
        let names = ["status", "amount", "currency", "at"].map { "throughline_payment_\($0)" }
        for name in names { create(name, isUnique: false, type: "contacts", in: &hubspot) }
        create("throughline_id", isUnique: true, type: "notes", in: &hubspot)
    }

    private static func create(_ name: String, isUnique: Bool, type: String, in hubspot: inout HubSpotStandIn) {
        let body: JSONObject = [
            "name": .string(name), "label": .string(name), "type": "string", "fieldType": "text",
            "groupName": .string(type == "notes" ? "noteinformation" : "contactinformation"),
            "hasUniqueValue": .bool(isUnique),
        ]
        _ = hubspot.respond(
            to: OutboundRequest(
                method: "POST", url: "/crm/v3/properties/\(type)",
                headers: [
                    .init("authorization", "Bearer \(credentials.hubspotToken)"),
                    .init("content-type", "application/json"),
                ], body: body.encoded), at: VirtualTime.start)
    }

    /// The destination of an address of the run's configuration (`http://crm.test/...`), and the path there.
    static func target(_ url: String) -> (destination: String, path: String)? {
        guard url.hasPrefix("http://") else { return nil }
        let rest = url.dropFirst(7)
        let host = rest.prefix { $0 != "/" && $0 != "?" }
        guard host.hasSuffix(".test") else { return nil }
        let path = rest.dropFirst(host.count)
        return (String(host.dropLast(5)), path.hasPrefix("/") ? String(path) : "/" + path)
    }

    /// The provider acts on a request.
    func receive(_ request: OutboundRequest, path: String, for destination: String, at now: Instant)
        -> InboundResponse?
    {
        guard let name = Self.routes[destination] else { return nil }
        var arriving = request
        arriving.url = path
        guard case .answer(let answer, _) = standIns.receive(arriving, for: name, at: now) else { return nil }
        return answer
    }

    // MARK: What people do there

    /// Takes the credential of a destination away, or gives it back.
    func setCredential(of destination: String, works: Bool) {
        switch destination {
        case "crm":
            standIns.change("hubspot", as: HubSpotStandIn.self) {
                $0.tokens = works ? [Self.credentials.hubspotToken] : []
            }
        case "desk":
            standIns.change("zendesk", as: ZendeskStandIn.self) {
                $0.tokens = works ? [Self.credentials.zendeskToken] : []
            }
        case "hook":
            standIns.change("hook", as: WebhookReceiver.self) {
                $0.secrets = works ? [Self.credentials.hookSecret] : []
            }
        default: break
        }
    }

    // MARK: What the checkers read

    var hubspot: HubSpotStandIn? { standIns.state(of: "hubspot") }
    var zendesk: ZendeskStandIn? { standIns.state(of: "zendesk") }
    var hook: WebhookReceiver? { standIns.state(of: "hook") }
    var slack: SlackStandIn? { standIns.state(of: "slack") }
}
