extension StandInSet {
    /// What the usual stand-ins demand of their callers.
    ///
    /// These are no secrets: they open nothing but a sandbox.
    package struct Credentials: Sendable {
        package var hubspotToken = "pat-na1-sandbox"
        package var zendeskEmail = "ops@acme.example"
        package var zendeskToken = "zendesk-sandbox"
        package var stripeKey = "rk_test_sandbox"
        package var slackPath = "/services/T00000000/B00000000/sandbox"
        package var hookSecret = "whsec_c2FuZGJveC1ob29rLXNlY3JldC1zYW5kYm94"
        package var apiToken = "api-sandbox"

        package init() {}
    }

    /// One of each: `hubspot`, `zendesk`, `stripe`, `slack`, `hook` and `api`.
    package static func usual(_ credentials: Credentials = Credentials()) -> StandInSet {
        StandInSet([
            "hubspot": HubSpotStandIn(token: credentials.hubspotToken),
            "zendesk": ZendeskStandIn(email: credentials.zendeskEmail, token: credentials.zendeskToken),
            "stripe": StripeStandIn(key: credentials.stripeKey),
            "slack": SlackStandIn(path: credentials.slackPath),
            "hook": WebhookReceiver(secrets: [credentials.hookSecret]),
            "api": GenericAPIStandIn(token: credentials.apiToken),
        ])
    }
}
