package import ConnectorKit
internal import Journal
package import Model
internal import Seams

extension HubSpotConnector: RecordProvider {
    package var comparedActions: Set<String> {
        [HubSpotAction.upsertContact.rawValue, HubSpotAction.setPaymentStatus.rawValue]
    }

    package func survey(since: Instant) -> any RecordSurvey { HubSpotSurvey(connector: self) }

    /// HubSpot keeps the history of both, and the address of the one that is merged as a further one.
    package func fold(_ doubles: [String], into kept: String) async throws(Setback) {
        let desk = HubSpotDesk(visit: courier.visit(within: .seconds(60)), destination: destination)
        for double in doubles {
            let body: JSONObject = ["primaryObjectId": .string(kept), "objectIdToMerge": .string(double)]
            let response = try await desk.visit.send(
                "POST", "/crm/v3/objects/contacts/merge", body: body.encoded)
            guard response.isSuccess else { throw Setback(desk.answer(response).report) }
        }
    }
}

/// Reads contacts by their ids, a hundred in a call: what was written a moment ago is there, unlike in a search.
struct HubSpotSurvey: RecordSurvey {
    static let batchMax = 100
    static let properties =
        ["email", "hs_merged_object_ids"] + HubSpotContact.PaymentProperty.allCases.map(\.rawValue)

    struct Contact: Sendable, Hashable {
        var id: String
        var properties: JSONObject
        var email: String? { properties.present("email")?.string?.lowercased() }
    }

    let connector: HubSpotConnector
    /// By the id that was asked for; nil: it is not there.
    private var known: [String: Contact?] = [:]
    let isCut = false

    init(connector: HubSpotConnector) { self.connector = connector }

    mutating func find(_ wanted: [WantedRecord]) async throws(Setback) -> [JobID: FoundRecord] {
        let ids = Set(wanted.flatMap { $0.siblings + [$0.record.id] }).filter { known[$0] == nil }.sorted()
        for start in stride(from: 0, to: ids.count, by: Self.batchMax) {
            try await read(Array(ids[start..<min(start + Self.batchMax, ids.count)]))
        }
        var found: [JobID: FoundRecord] = [:]
        for record in wanted { found[record.job] = Self.found(for: record) { known[$0] ?? nil } }
        // What is gone by its id may be there by its address: somebody made it anew.
        let missing = wanted.filter { found[$0.job] == nil }
        let byEmail = try await contacts(at: Array(Set(missing.flatMap(\.emails).map { $0.lowercased() })).sorted())
        for record in missing {
            guard let contact = record.emails.lazy.compactMap({ byEmail[$0.lowercased()] }).first else { continue }
            found[record.job] = FoundRecord(ids: [contact.id], differing: Self.differing(record, contact))
        }
        // What was read is of this moment: no later page may ask for the same person's contacts of then.
        if known.count > 50 * Self.batchMax { known = [:] }
        return found
    }

    /// Pure: what the contacts that are there say of one that is wanted.
    static func found(for wanted: WantedRecord, contact: (String) -> Contact?) -> FoundRecord? {
        // Two ids may lead to one contact: the second was merged into the first.
        var live: [Contact] = []
        for other in ([wanted.record.id] + wanted.siblings).compactMap(contact)
        where !live.contains(where: { $0.id == other.id }) {
            live.append(other)
        }
        guard let own = contact(wanted.record.id) ?? live.first else { return nil }
        let addresses = Set(wanted.emails.map { $0.lowercased() })
        // A person with two addresses may have two contacts; a contact that stands on none of them is the other's double.
        let (known, strange) = (
            live.filter { $0.email.map(addresses.contains) == true },
            live.filter { $0.email.map(addresses.contains) != true }
        )
        if let kept = known.first(where: { $0.id == own.id }) ?? known.first, !strange.isEmpty {
            return FoundRecord(ids: [kept.id] + strange.map(\.id).sorted())
        }
        return FoundRecord(ids: [own.id], differing: differing(wanted, own))
    }

    /// Only what we set and nobody else does: the newest payment's status.
    private static func differing(_ wanted: WantedRecord, _ contact: Contact) -> [String] {
        guard wanted.action == HubSpotAction.setPaymentStatus.rawValue,
            let status = wanted.state.registers["payment"]?.fields.present("status")?.text
        else { return [] }
        let name = HubSpotContact.PaymentProperty.status.rawValue
        return contact.properties.present(name)?.string == status ? [] : [name]
    }

    private mutating func read(_ ids: [String]) async throws(Setback) {
        var contacts: [String: Contact] = [:]
        for contact in try await batch(ids, by: nil) {
            contacts[contact.id] = contact
            for merged in contact.properties.present("hs_merged_object_ids")?.string?.split(separator: ";") ?? [] {
                contacts[String(merged)] = contact
            }
        }
        for id in ids { known[id] = .some(contacts[id]) }
    }

    private func contacts(at emails: [String]) async throws(Setback) -> [String: Contact] {
        var contacts: [String: Contact] = [:]
        for start in stride(from: 0, to: emails.count, by: Self.batchMax) {
            let some = Array(emails[start..<min(start + Self.batchMax, emails.count)])
            for contact in try await batch(some, by: "email") {
                if let email = contact.email { contacts[email] = contact }
            }
        }
        return contacts
    }

    private func batch(_ ids: [String], by property: String?) async throws(Setback) -> [Contact] {
        let desk = HubSpotDesk(visit: connector.courier.visit(within: .seconds(60)), destination: connector.destination)
        var body: JSONObject = [
            "inputs": .array(ids.map { ["id": .string($0)] }), "propertiesWithHistory": [],
            "properties": .array(Self.properties.map { .string($0) }),
        ]
        body["idProperty"] = property.map { .string($0) }
        let response = try await desk.visit.send(
            "POST", "/crm/v3/objects/contacts/batch/read", body: body.encoded)
        // 207: some are there, and errors name those that are not.
        guard response.isSuccess, let results = response.json?["results"]?.array else {
            throw Setback(desk.answer(response).report.verdict.ofReading)
        }
        return results.compactMap { result in
            guard let id = result["id"]?.text, let properties = result["properties"]?.object else { return nil }
            return Contact(id: id, properties: properties)
        }
    }
}
