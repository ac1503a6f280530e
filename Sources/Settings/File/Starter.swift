/// The files with which a new installation begins.
package enum Starter {
    /// The text of `.env`, with a fresh secret of each given run of random bytes (32 of them are right).
    package static func environment(chatRandom: [UInt8], hookRandom: [UInt8]) -> String {
        """
        # Secrets of throughline.yaml. Keep this file out of version control.
        # Variables of the process win over these.

        # Stripe: Dashboard > Developers > Webhooks > your endpoint > Signing secret (whsec_...).
        # The endpoint's address is <public_url>/in/stripe.
        STRIPE_WEBHOOK_SECRET=
        # Only to compare with Stripe: Developers > API keys > Create restricted key, with read
        # access to events, payment intents, charges and refunds, and subscriptions (rk_...).
        STRIPE_API_KEY=

        # Made for you. Your chatbot signs its events with it (Standard Webhooks).
        CHAT_SECRET=\(secret(chatRandom))

        # Made for you. A webhook destination signs with it, and its receiver verifies.
        HOOK_SECRET=\(secret(hookRandom))

        # Needed only by the destinations that name them.
        # HubSpot: Settings > Integrations > Private apps > your app > Access token.
        HUBSPOT_TOKEN=
        # Zendesk: Admin Center > Apps and integrations > APIs > API tokens.
        ZENDESK_TOKEN=
        # Slack: your app > Incoming Webhooks > Webhook URL.
        SLACK_WEBHOOK_URL=

        # Needed only by a source of kind inbox: your product's database, as the role throughline_worker
        # (postgresql://throughline_worker:PASSWORD@HOST:5432/postgres); docs/supabase.md says how to make its login.
        SUPABASE_DB_URL=

        """
    }

    /// `whsec_` and base64: a secret as Standard Webhooks writes it.
    package static func secret(_ random: [UInt8]) -> String { "whsec_" + base64(random) }

    private static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let word = (0..<3).reduce(UInt32(0)) { $0 << 8 | ($1 < group.count ? UInt32(group[start + $1]) : 0) }
            for place in 0..<4 {
                let sextet = Int(word >> UInt32(18 - 6 * place) & 63)
                text.append(place <= group.count ? alphabet[sextet] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The text of `throughline.yaml`: events from Stripe and a chatbot, no destination yet.
    package static let configuration = configuration(
        inbox: """
            #  app:
            #    kind: inbox
            #    url: env:SUPABASE_DB_URL
            """)

    /// The same with the inbox of the product's own database.
    package static let configurationWithInbox = configuration(
        inbox: """
              app:
                kind: inbox
                url: env:SUPABASE_DB_URL
            """)

    private static func configuration(inbox: String) -> String {
        """
        # Throughline's configuration. Check it with: throughline config check
        # Every key: docs/configuration.md. Secrets stand in .env and are named here as env:NAME.

        product: My Assistant

        # Where everything is kept; the path is relative to this file.
        journal: sqlite:throughline.db

        http:
          host: 127.0.0.1
          port: 8080
          # The address under which the world reaches this server, for links in messages.
          # public_url: https://hooks.example.com

        # Where events come from. Each source answers at /in/<name>.
        sources:
          stripe:
            kind: stripe
            secrets: [env:STRIPE_WEBHOOK_SECRET]
            # By this key, which only reads, Stripe is asked for what never arrived: throughline reconcile
            # api_key: env:STRIPE_API_KEY
          chat:
            kind: events
            secrets: [env:CHAT_SECRET]
        # What triggers and Edge Functions write into the inbox of your product's own database; no public address needed.
        \(inbox)

        # Where things happen. Take away the # and fill in .env to use one.
        destinations:
        #  crm:
        #    kind: hubspot
        #    token: env:HUBSPOT_TOKEN
        #    rate: 100/10s
        #  desk:
        #    kind: zendesk
        #    subdomain: acme
        #    email: ops@acme.example
        #    token: env:ZENDESK_TOKEN
        #  team:
        #    kind: slack
        #    url: env:SLACK_WEBHOOK_URL
        #  hook:
        #    kind: webhook
        #    url: https://acme.example/hooks
        #    secret: env:HOOK_SECRET

        # What happens when. Without flows every event is still kept and can be traced.
        flows:
        #  - name: new lead
        #    on: lead_captured
        #    do: crm.upsert_contact
        #    set: { email: $.email, firstname: $.name, company: $.company, lifecyclestage: lead }
        #  - name: payment status
        #    on: [payment_succeeded, payment_failed]
        #    do: crm.set_payment_status
        #  - name: big payment
        #    on: payment_succeeded
        #    when: { $.amount: { gte: 500000 }, $.currency: usd }
        #    do: team.notify
        #    set: { text: "{{ $.email }} paid {{ $.amount }} {{ $.currency }}" }
        #    rollout: shadow
        #  - name: complaint
        #    on: support_escalated
        #    do: [desk.open_ticket, team.notify]

        # How long things are kept: payloads as they came, and events.
        retention: { raw: 90d, events: 400d }

        # Destinations that are told when something needs a person.
        # alerts: { to: [team] }

        # How often Stripe and the destinations are compared with what is kept here.
        # reconcile: { every: 1d, since: 3d }

        # What the end user sees of an event, and the pages that may ask for it.
        # receipts: { contact: "help@acme.example", origins: "https://acme.example" }

        """
    }
}
