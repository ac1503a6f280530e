package import ConnectorKit
package import Model
package import Seams
package import Settings

/// Builds the connectors that a configuration names: the one list of destinations there are.
package enum ConnectorFactory {
    /// One connector a destination, by its name.
    ///
    /// A secret that is not there is no error here: its connector describes and renders its actions, and each call
    /// answers that the credential is missing.
    package static func make(
        settings: Settings, secrets: (SecretReference) -> Redacted<String>?, world: World
    ) -> [String: any Connector] {
        var connectors: [String: any Connector] = [:]
        for destination in settings.destinations {
            connectors[destination.name] = connector(for: destination, secrets: secrets, world: world)
        }
        return connectors
    }

    /// What the sources' providers can be asked afterwards, by source: those that have a key for it.
    package static func histories(
        settings: Settings, secrets: (SecretReference) -> Redacted<String>?, world: World
    ) -> [String: any HistoryProvider] {
        var histories: [String: any HistoryProvider] = [:]
        for source in settings.sources {
            guard let api = source.api, case .stripe = source.kind else { continue }
            histories[source.name] = StripeHistory(api: api, key: trimmed(secrets(api.key)), world: world)
        }
        return histories
    }

    /// The actions that a flow may call, for the check of the configuration.
    package static func actionNames(of kind: DestinationKind) -> Set<String> {
        switch kind {
        case .hubspot: Set(HubSpotAction.allCases.map(\.rawValue))
        case .zendesk: Set(ZendeskAction.allCases.map(\.rawValue))
        case .slack: [SlackConnector.action]
        case .webhook: [WebhookConnector.action]
        case .http(let declared): Set(declared.actions.map(\.name))
        case .email: [SMTPConnector.action]
        case .pagerduty: [PagerDutyConnector.action]
        }
    }

    private static func connector(
        for destination: DestinationSettings, secrets: (SecretReference) -> Redacted<String>?, world: World
    ) -> any Connector {
        switch destination.kind {
        case .hubspot(let token):
            HubSpotConnector(settings: destination, token: trimmed(secrets(token)), world: world)
        case .zendesk(let subdomain, let email, let token):
            ZendeskConnector(
                settings: destination, subdomain: subdomain, email: email, token: trimmed(secrets(token)), world: world)
        case .slack(let url): SlackConnector(settings: destination, url: trimmed(secrets(url)), world: world)
        case .webhook(let url, let secret):
            WebhookConnector(settings: destination, url: url, secret: trimmed(secrets(secret)), world: world)
        case .email(let declared):
            SMTPConnector(
                settings: destination, declared: declared, password: trimmed(declared.password.flatMap(secrets)),
                world: world)
        case .pagerduty(let key):
            PagerDutyConnector(settings: destination, routingKey: trimmed(secrets(key)), world: world)
        case .http(let declared):
            HTTPConnector(
                settings: destination, declared: declared, secrets: { trimmed(secrets($0)) }, world: world)
        }
    }

    /// A line break at a secret's end is the usual cause of a credential that does not work.
    private static func trimmed(_ secret: Redacted<String>?) -> Redacted<String>? {
        guard let text = secret?.revealed.trimmed, !text.isEmpty else { return nil }
        return Redacted(text)
    }
}
