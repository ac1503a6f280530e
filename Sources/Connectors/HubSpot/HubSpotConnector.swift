package import ConnectorKit
package import Journal
package import Model
package import Seams
package import Settings

/// HubSpot's CRM: contacts by email, notes by our own unique property.
package struct HubSpotConnector: Connector {
    static let address = "https://api.hubapi.com"

    let destination: String
    let courier: Courier

    /// `token` is a private app's access token; nil leaves the connector able to describe itself and nothing else.
    package init(settings: DestinationSettings, token: Redacted<String>?, world: World) {
        destination = settings.name
        courier = Courier(
            base: settings.baseURL ?? Self.address,
            headers: token.map {
                [.init("authorization", "Bearer \($0.revealed)"), .init("accept", "application/json")]
            },
            timeout: settings.timeout, masking: Masking(words: token.map { [$0] } ?? []), world: world)
    }

    package var actions: [ActionDescription] { HubSpotAction.allCases.map(\.description) }

    package func prepare(_ effect: Effect) throws(EffectRefusal) -> StoredRequest {
        switch HubSpotAction(rawValue: effect.action) {
        case .upsertContact: try HubSpotContact.upsert(effect)
        case .setPaymentStatus: try HubSpotContact.paymentStatus(effect)
        case .addNote: try HubSpotNote.upsert(effect)
        case nil: throw .impossible(errorClass: "unknown_action", "HubSpot has no action `\(effect.action)`")
        }
    }

    package func perform(
        _ request: StoredRequest, for effect: Effect, approach: Approach, deadline: Duration
    ) async -> Report {
        let desk = HubSpotDesk(visit: courier.visit(within: deadline, for: effect), destination: destination)
        do {
            switch HubSpotAction(rawValue: effect.action) {
            case .addNote: return try await desk.addNote(request, for: effect)
            default: return try await desk.upsertContact(request)
            }
        } catch {
            return error.report.remembering(approach)
        }
    }

    package func probe() async -> Verdict {
        let desk = HubSpotDesk(visit: courier.visit(), destination: destination)
        do {
            _ = try await desk.get("/account-info/v3/details")
            return .succeeded(nil)
        } catch {
            return error.report.verdict
        }
    }

    package func missingRequirements(for calls: [Flow], isCreating: Bool) async -> RequirementReport {
        let needs = HubSpotNeeds(flows: calls, destination: destination)
        var report = RequirementReport()
        for type in HubSpotNeeds.ObjectType.allCases {
            guard let names = needs.properties[type] else { continue }
            let visit = courier.visit(within: .seconds(60))
            let desk = HubSpotDesk(visit: visit, destination: destination)
            do {
                try await desk.check(names, of: type, isCreating: isCreating, into: &report)
            } catch {
                report.trouble = error.report.trouble
            }
        }
        return report
    }
}

/// What HubSpot can be asked to do.
enum HubSpotAction: String, CaseIterable {
    case upsertContact = "upsert_contact"
    case setPaymentStatus = "set_payment_status"
    case addNote = "add_note"

    // No field is required by name: the email may come from the flow, the fact or the subject, so that only rendering
    // can tell whether there is one.
    var description: ActionDescription {
        switch self {
        case .upsertContact:
            ActionDescription(
                name: rawValue, effectClass: .upsert,
                defaults: HubSpotContact.defaultFields.map { Flow.Assignment($0) })
        case .setPaymentStatus:
            ActionDescription(
                name: rawValue, effectClass: .upsert, isStateSetting: true,
                defaults: [Flow.Assignment("email")]
                    + HubSpotContact.PaymentProperty.allCases.map {
                        Flow.Assignment($0.rawValue, from: "payment", $0.stateField, root: .subject)
                    })
        case .addNote:
            ActionDescription(
                name: rawValue, effectClass: .upsert, defaults: [Flow.Assignment("body", from: "message")])
        }
    }
}
