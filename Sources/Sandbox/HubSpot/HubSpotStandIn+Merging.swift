package import Model
internal import Seams

extension HubSpotStandIn {
    static let mergedProperty = "hs_merged_object_ids"

    /// Makes one contact of two: the second's address becomes a further one of the first, its id leads to the first.
    mutating func mergeContacts(_ call: Call, at now: Instant) throws(HubSpotError) -> InboundResponse {
        let body = try Self.body(of: call)
        guard let kept = body["primaryObjectId"]?.string, let merged = body["objectIdToMerge"]?.string else {
            throw .validation("Invalid input JSON: primaryObjectId and objectIdToMerge are required")
        }
        var primary = try find("contacts", kept, by: nil)
        let secondary = try find("contacts", merged, by: nil)
        guard primary.id != secondary.id else { throw .validation("A contact cannot be merged with itself") }
        remove(secondary.id)
        var properties = secondary.properties.merging(primary.properties) { _, own in own }
        let before = primary.properties[Self.mergedProperty].map { "\($0);" } ?? ""
        properties[Self.mergedProperty] = "\(before)\(secondary.id)"
        if let email = secondary.properties["email"], primary.properties["email"] != nil {
            let before = primary.properties["hs_additional_emails"].map { "\($0);" } ?? ""
            properties["hs_additional_emails"] = "\(before)\(email)"
        }
        primary.properties = properties
        primary.updatedAt = now
        let names = uniqueNames("contacts")
        objects["contacts", default: HubSpotObjects()].put(primary, uniqueNames: names)
        redirects[secondary.id] = primary.id
        return .json(200, primary.json(showing: Self.shown(nil, of: "contacts")))
    }

    private mutating func remove(_ id: Int) {
        objects["contacts"]?.remove(id)
    }

    /// Deletes a contact, as a person would.
    package mutating func deleteContact(_ id: Int) { remove(id) }

    /// Sets a property of a contact, as a person would.
    package mutating func setProperty(_ name: String, _ value: String, ofContact id: Int, at now: Instant) {
        guard var contact = objects["contacts"]?[id] else { return }
        contact.properties[name] = value
        contact.updatedAt = now
        let names = uniqueNames("contacts")
        objects["contacts"]?.put(contact, uniqueNames: names)
    }
}
