import Foundation
import Model
import Sandbox

/// The configuration of the demo: the same file that a user would write, with the stand-ins' addresses.
enum DemoConfiguration {
    static let chatSecret = "whsec_ZGVtby1jaGF0LXNlY3JldC1kZW1vLWNoYXQtc2VjcmV0"
    static let stripeSecret = "whsec_demo_stripe"

    static func text(port: Int, sandbox: Int) -> String {
        """
        product: Acme Assistant (demo)
        journal: sqlite:throughline.db
        http: { host: 127.0.0.1, port: \(port) }
        sources:
          stripe: { kind: stripe, secrets: [env:STRIPE_WEBHOOK_SECRET] }
          chat: { kind: events, secrets: [env:CHAT_SECRET] }
        destinations:
          crm: { kind: hubspot, token: env:HUBSPOT_TOKEN, base_url: "http://127.0.0.1:\(sandbox)/hubspot", rate: 90/10s }
          desk:
            kind: zendesk
            subdomain: acme
            email: ops@acme.example
            token: env:ZENDESK_TOKEN
            base_url: http://127.0.0.1:\(sandbox)/zendesk
          team: { kind: slack, url: env:SLACK_WEBHOOK_URL }
        flows:
          - name: new lead
            on: lead_captured
            do: crm.upsert_contact
            set: { email: $.email, firstname: $.firstname, lastname: $.lastname, company: $.company, lifecyclestage: lead }
          - name: payment status
            on: [payment_succeeded, payment_failed, payment_refunded]
            do: crm.set_payment_status
          - name: complaint
            on: support_escalated
            do: [desk.open_ticket, team.notify]
        """
    }

    static func environment(sandbox: Int) -> String {
        let credentials = StandInSet.Credentials()
        return """
            STRIPE_WEBHOOK_SECRET=\(stripeSecret)
            CHAT_SECRET=\(chatSecret)
            HUBSPOT_TOKEN=\(credentials.hubspotToken)
            ZENDESK_TOKEN=\(credentials.zendeskToken)
            SLACK_WEBHOOK_URL=http://127.0.0.1:\(sandbox)/slack\(credentials.slackPath)
            """
    }

    /// A fresh folder with both files.
    static func write(folder: String, port: Int, sandbox: Int) throws {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try PrivateFile.write(Array(text(port: port, sandbox: sandbox).utf8), to: folder + "/throughline.yaml")
        try PrivateFile.write(Array(environment(sandbox: sandbox).utf8), to: folder + "/.env")
    }
}
