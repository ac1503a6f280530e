internal import ConnectorKit
internal import Journal
internal import Model
internal import Seams

/// Zendesk's side of one visit: sends, looks for what an earlier attempt made, reads the answers.
struct ZendeskDesk {
    static let ticketKind = "ticket"
    /// Pages of a hundred comments that are looked through, the newest first.
    private static let commentPagesMax = 5

    var visit: Visit

    func openTicket(_ request: StoredRequest, for effect: Effect, approach: Approach) async throws(Setback) -> Report {
        let key = effect.key.digest
        if approach == .lookFirst, let found = try await ticket(externalID: key) { return found }
        let response = try await visit.send(
            request.method, request.path, headers: [.init("idempotency-key", key)], body: request.body)
        if response.status == 400, errorName(of: response) == "IdempotentRequestError" {
            // The key is taken by other bytes, which only an earlier rendering of this effect can have sent.
            if let found = try await ticket(externalID: key) { return found }
        }
        return try made(response)
    }

    func comment(_ request: StoredRequest, for effect: Effect, approach: Approach) async throws(Setback) -> Report {
        if approach != .first, let found = try await comment(on: request.path, of: effect.key) { return found }
        let report = try await update(request)
        return Report(.succeeded(nil), status: report.status, limit: report.limit)
    }

    func update(_ request: StoredRequest) async throws(Setback) -> Report {
        try made(try await visit.send(request.method, request.path, body: request.body))
    }

    func get(_ path: String) async throws(Setback) -> JSONObject {
        let response = try await visit.read(path)
        guard response.isSuccess else { throw Setback(answer(response).report) }
        guard let json = response.json else { throw unreadable(response) }
        return json
    }

    // MARK: Steps

    // A direct filter: the search index lags by minutes and cannot tell what was made a moment ago.
    private func ticket(externalID: String) async throws(Setback) -> Report? {
        let found = try await list("tickets", at: "\(ZendeskTicket.path)?external_id=\(externalID)").items
        // Some other filter's answer must not be adopted, should the parameter be ignored.
        guard let ticket = found.first(where: { $0["external_id"]?.string == externalID }), let id = ticket["id"]?.text
        else { return nil }
        return Report(.succeeded(record(id)), status: 200)
    }

    private func comment(on ticket: String, of key: EffectKey) async throws(Setback) -> Report? {
        let marker = ZendeskUpdate.marker(key)
        var path = "\(ticket)/comments?sort=-created_at&page%5Bsize%5D=100"
        for _ in 0..<Self.commentPagesMax {
            let (comments, page) = try await list("comments", at: path)
            let texts = comments.flatMap { [$0["plain_body"]?.string, $0["body"]?.string] }
            if texts.contains(where: { $0?.contains(marker) == true }) { return Report(.succeeded(nil), status: 200) }
            guard page["meta"]?["has_more"]?.bool == true, let next = page["meta"]?["after_cursor"]?.string else {
                return nil
            }
            path = "\(ticket)/comments?sort=-created_at&page%5Bsize%5D=100&page%5Bafter%5D=\(Encodings.percent(next))"
        }
        return nil
    }

    // An answer without its list does not say that nothing is there: creating after it could make a second one.
    private func list(_ name: String, at path: String) async throws(Setback) -> (items: [JSONValue], page: JSONObject) {
        let page = try await get(path)
        guard let items = page[name]?.array else {
            throw Setback(
                .transient(
                    .init("unreadable_answer", "Zendesk answered without the \(name) that were asked for"),
                    mayHaveHappened: false))
        }
        return (items, page)
    }

    private func made(_ response: InboundResponse) throws(Setback) -> Report {
        guard response.isSuccess else { throw Setback(answer(response).report) }
        guard let id = response.json?["ticket"]?["id"]?.text else { throw unreadable(response) }
        return Report(.succeeded(record(id)), status: response.status, limit: answer(response).limit)
    }

    private func record(_ id: String) -> ExternalRecord {
        ExternalRecord(kind: Self.ticketKind, id: id, url: "\(visit.courier.base.revealed)/agent/tickets/\(id)")
    }

    private func answer(_ response: InboundResponse) -> ZendeskAnswer {
        ZendeskAnswer(response: response, visit: visit)
    }

    private func errorName(of response: InboundResponse) -> String? { answer(response).name }

    private func unreadable(_ response: InboundResponse) -> Setback {
        Setback(
            .transient(
                .init("unreadable_answer", "Zendesk answered \(response.status) without the ticket that was asked for"),
                mayHaveHappened: true),
            status: response.status)
    }
}
