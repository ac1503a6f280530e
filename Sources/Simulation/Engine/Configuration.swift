internal import Connectors
internal import Model
internal import Sandbox
internal import Settings

/// The configuration that runs are made with: a file as a user would write it, and its secrets.
struct Configuration {
    static let chatSecret = "whsec_c2ltdWxhdGlvbi1jaGF0LXNlY3JldC0wMTIzNDU2Nw=="
    static let stripeSecret = "whsec_simulation_stripe"
    static let giveUp: Duration = .seconds(180)

    /// What a reload changes to and from.
    static let first = read(concurrency: 8, retry: "500ms", team: "")
    static let second = read(concurrency: 2, retry: "1s", team: ", rate: 20/10s")

    let settings: Settings
    let secrets: ResolvedSecrets

    private static func text(concurrency: Int, retry: String, team: String) -> String {
        """
        product: Simulation
        journal: sqlite:journal.db
        sources:
          stripe: { kind: stripe, secrets: [env:STRIPE] }
          chat: { kind: events, secrets: [env:CHAT] }
        destinations:
          crm: { kind: hubspot, token: env:HUBSPOT, base_url: "http://crm.test", insecure: true, timeout: 5s, concurrency: \(concurrency) }
          desk:
            kind: zendesk
            subdomain: acme
            email: \(Providers.credentials.zendeskEmail)
            token: env:ZENDESK
            base_url: http://desk.test
            insecure: true
            timeout: 5s
          hook: { kind: webhook, url: "http://hook.test/in", secret: env:HOOK, insecure: true, timeout: 4s, concurrency: \(concurrency) }
          team: { kind: slack, url: env:SLACK, base_url: "http://team.test", insecure: true, timeout: 3s\(team) }
        flows:
          - name: new lead
            on: lead_captured
            do: [crm.upsert_contact, hook.send, team.notify]
          - name: paid
            on: payment_succeeded
            do: [crm.set_payment_status, crm.add_note, hook.send]
          - name: complaint
            on: support_escalated
            do: [desk.open_ticket, desk.comment, team.notify]
        retry: { first: \(retry), factor: 2, longest: 8s, give_up: 3m }
        enrich_for: 30s
        """
    }

    /// Nil only where the text above is wrong, which each start of a run reports.
    private static func read(concurrency: Int, retry: String, team: String) -> Configuration? {
        let reading = SettingsFile.read(
            text: text(concurrency: concurrency, retry: retry, team: team), file: "throughline.yaml",
            actions: { ConnectorFactory.actionNames(of: $0) })
        return reading.settings.map { Configuration(settings: $0, secrets: secrets) }
    }

    static var problems: String {
        SettingsFile.read(
            text: text(concurrency: 8, retry: "500ms", team: ""), file: "throughline.yaml",
            actions: { ConnectorFactory.actionNames(of: $0) }
        ).problems.map(\.description).joined(separator: "\n")
    }

    private static var secrets: ResolvedSecrets {
        let known = Providers.credentials
        return ResolvedSecrets([
            .environment("STRIPE"): Redacted(stripeSecret), .environment("CHAT"): Redacted(chatSecret),
            .environment("HUBSPOT"): Redacted(known.hubspotToken),
            .environment("ZENDESK"): Redacted(known.zendeskToken),
            .environment("HOOK"): Redacted(known.hookSecret),
            .environment("SLACK"): Redacted("http://team.test\(known.slackPath)"),
        ])
    }
}
