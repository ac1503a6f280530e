import Settings

/// Reads with the actions of our own connectors, as `config check` does.
func read(_ text: String) -> SettingsReading {
    SettingsFile.read(text: text, file: "throughline.yaml") { kind in
        switch kind {
        case .hubspot: ["upsert_contact", "set_payment_status", "add_note"]
        case .zendesk: ["open_ticket", "comment", "set_status"]
        case .slack: ["notify"]
        case .email: ["send"]
        case .pagerduty: ["event"]
        case .webhook: ["send"]
        case .http: nil
        }
    }
}

/// The example of the documentation.
let example = """
    product: Acme Assistant
    journal: sqlite:throughline.db
    http:
      host: 127.0.0.1
      port: 8080
      public_url: https://hooks.acme.example/
      metrics: 127.0.0.1:9464
    sources:
      stripe: { kind: stripe, secrets: [env:STRIPE_WEBHOOK_SECRET, env:STRIPE_WEBHOOK_SECRET_OLD] }
      chat:   { kind: events, secrets: [env:CHAT_SECRET], tolerance: 2m }
      desk:   { kind: zendesk, secrets: env:ZENDESK_WEBHOOK_SECRET }
      shop:
        kind: standard
        secrets: [file:secrets/shop]
        map:
          type: $.event
          types: { order.created: checkout_completed, trial: trial_started }
          occurred_at: $.at
          user: $.customer.id
          fields: { checkout: "$.items[0].id", note: "from {{ $.shop }}" }
      slackish:
        kind: hmac
        secrets: [env:APP_SECRET]
        header: X-Slack-Signature
        algorithm: sha256
        encoding: hex
        prefix: v0=
        signed_prefix: "v0:"
        timestamp: { header: X-Slack-Request-Timestamp, unit: seconds, separator: ":" }
        id: $.event_id
        map: { types: { message: chat_started } }
    destinations:
      crm:    { kind: hubspot, token: env:HUBSPOT_TOKEN, rate: 100/10s, concurrency: 8, order: object }
      desk:   { kind: zendesk, subdomain: acme, email: ops@acme.example, token: env:ZENDESK_TOKEN, timeout: 5s }
      team:   { kind: slack, url: env:SLACK_WEBHOOK_URL }
      hook:   { kind: webhook, url: https://acme.example/hooks, secret: env:HOOK_SECRET }
      shop:
        kind: http
        url: http://127.0.0.1:9000/api/
        headers: { Authorization: Bearer env:SHOP_TOKEN, X-App: throughline }
        probe: /me
        actions:
          create_order:
            path: /orders/{{ $.checkout }}
            body: { email: $.email, paid: true, count: 3, code: "01234", tags: [a, $.plan] }
            success: [200-299, 409]
            class: { keyed: { header: Idempotency-Key, lifetime: 24h } }
            record: $.id
            record_kind: order
            required: [email]
          touch:
            method: PUT
            path: /touch
            class: { findable: { path: "/orders?ref={{ $effect.key }}", exists: "$.items[0].id", lag: 5s } }
    flows:
      - name: new lead
        on: lead_captured
        do: crm.upsert_contact
        set: { email: $.email, firstname: $.name, lifecyclestage: lead, price: "$$5", on: on, code: 01234 }
      - name: Big payment!
        on: [payment_succeeded, trial_started]
        when: { $.amount: { gte: 500000, lt: 9e9 }, $.currency: usd, $event.session: { exists: true } }
        do: team.notify
        set: { text: "{{ $.email }} paid $$ {{ $.amount }}" }
        rollout: canary 25%
        on_unknown: hold
        on_dead: stop
        priority: 5
        after: 10s
        retry: { first: 1s, give_up: 1d, attempts: 7 }
      - id: complaint-1
        on: support_escalated
        do: [desk.open_ticket, team.notify, { do: team.notify, as: second }, hook.send, shop.create_order, shop.touch]
    retry: { first: 3s, factor: 1.5, longest: 30m, give_up: 2d }
    retention: { raw: 30d, events: 200d }
    alerts: { to: team, ack_p95: 250ms }
    enrich_for: 90m
    types:
      trial_started:
        fields: { plan: text, seats: integer }
        required: [plan]
    """
