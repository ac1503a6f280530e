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
    static let first = read(concurrency: 8, retry: "500ms")
    static let second = read(concurrency: 2, retry: "1s", noticesMax: noticesMax)
    /// What the second allows in `noticesWindow`.
    static let noticesMax = 4
    static let noticesWindow: Int64 = 10_000

    let settings: Settings
    let secrets: ResolvedSecrets
    /// How many calls a destination takes at a time.
    let concurrency: Int
    /// How many notices may be told in `noticesWindow`; nil: any number.
    let noticesMax: Int?

    private static func text(concurrency: Int, retry: String, noticesMax: Int?) -> String {
        let rate = noticesMax.map { ", rate: \($0)/\(noticesWindow / 1000)s" } ?? ""
        return """
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
                concurrency: \(concurrency)
              hook: { kind: webhook, url: "http://hook.test/in", secret: env:HOOK, insecure: true, timeout: 4s, concurrency: \(concurrency) }
              team: { kind: slack, url: env:SLACK, base_url: "http://team.test", insecure: true, timeout: 3s\(rate) }
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
    private static func read(concurrency: Int, retry: String, noticesMax: Int? = nil) -> Configuration? {
        let reading = SettingsFile.read(
            text: text(concurrency: concurrency, retry: retry, noticesMax: noticesMax), file: "throughline.yaml",
            actions: { ConnectorFactory.actionNames(of: $0) })
        return reading.settings.map {
            Configuration(settings: $0, secrets: secrets, concurrency: concurrency, noticesMax: noticesMax)
        }
    }

    static var problems: String {
        SettingsFile.read(
            text: text(concurrency: 8, retry: "500ms", noticesMax: nil), file: "throughline.yaml",
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
