internal import ConnectorKit
internal import Journal
internal import Model
internal import Seams

/// HubSpot's side of one visit: sends, reads the answers.
struct HubSpotDesk {
    var visit: Visit
    var destination: String

    func upsertContact(_ request: StoredRequest) async throws(Setback) -> Report {
        let response = try await visit.send(request.method, request.path, body: request.body)
        if let existing = answer(response).existingID {
            // A secondary address of another contact is refused as taken, with that contact's id in the text.
            return try await update(existing, with: request)
        }
        let made = try upserted(response)
        return Report(
            .succeeded(ExternalRecord(kind: "contact", id: made.id, url: made.url)), status: response.status,
            limit: answer(response).limit)
    }

    func addNote(_ request: StoredRequest, for effect: Effect) async throws(Setback) -> Report {
        let known = effect.record("contact")?.id
        var contact: String
        if let known { contact = known } else { contact = try await findOrMakeContact(effect) }
        let note = try upserted(try await visit.send(request.method, request.path, body: request.body))
        var response = try await associate(note.id, with: contact)
        if response.status == 404, known != nil, effect.email != nil {
            // The contact that we knew was merged into another or deleted: its address leads to the one of today.
            contact = try await findOrMakeContact(effect)
            response = try await associate(note.id, with: contact)
        }
        guard response.isSuccess else { throw Setback(answer(response).report) }
        return Report(
            .succeeded(ExternalRecord(kind: "note", id: note.id, url: note.url)), status: response.status,
            limit: answer(response).limit)
    }

    func get(_ path: String) async throws(Setback) -> JSONObject {
        let response = try await visit.read(path)
        guard response.isSuccess, let json = response.json else { throw Setback(answer(response).report) }
        return json
    }

    func answer(_ response: InboundResponse) -> HubSpotAnswer {
        HubSpotAnswer(response: response, visit: visit, destination: destination)
    }

    // MARK: Steps

    private func associate(_ note: String, with contact: String) async throws(Setback) -> InboundResponse {
        let (note, contact) = (Encodings.percent(note), Encodings.percent(contact))
        return try await visit.send(
            "PUT", "/crm/v4/objects/notes/\(note)/associations/default/contacts/\(contact)")
    }

    private func findOrMakeContact(_ effect: Effect) async throws(Setback) -> String {
        guard let email = effect.email else {
            throw Setback(.permanent(.init("no_contact", "there is no contact and no email to find it by")))
        }
        // By its key and not by search: HubSpot's search index is half a minute behind.
        let found = try await visit.read("/crm/v3/objects/contacts/\(Encodings.percent(email))?idProperty=email")
        if found.isSuccess, let id = found.json?["id"]?.text { return id }
        guard found.status == 404 else { throw Setback(answer(found).report) }
        let body = HubSpotContact.bare(email: email, trace: effect.key.digest).encoded
        let response = try await visit.send("POST", HubSpotContact.upsertPath, body: body)
        if let existing = answer(response).existingID { return existing }
        return try upserted(response).id
    }

    private func update(_ id: String, with request: StoredRequest) async throws(Setback) -> Report {
        // The body is ours: it was rendered by `HubSpotContact`.
        let input = (try? JSONObject(parsing: request.body))?["inputs"]?.array?.first
        var properties = input?["properties"]?.object ?? JSONObject()
        properties["email"] = nil
        let body: JSONObject = ["properties": .object(properties)]
        let response = try await visit.send(
            "PATCH", "/crm/v3/objects/contacts/\(Encodings.percent(id))", body: body.encoded)
        guard response.isSuccess else { throw Setback(answer(response).report) }
        return Report(
            .succeeded(ExternalRecord(kind: "contact", id: id)), status: response.status, limit: answer(response).limit)
    }

    /// What a batch upsert of one made.
    ///
    /// 207 is a success in its status only: its errors are inside.
    private func upserted(_ response: InboundResponse) throws(Setback) -> (id: String, url: String?) {
        let answer = answer(response)
        guard response.isSuccess, !answer.hasErrors, let result = response.json?["results"]?.array?.first,
            let id = result["id"]?.text
        else { throw Setback(answer.report) }
        return (id, result["url"]?.string)
    }
}
