package import Model
internal import Seams

extension ZendeskStandIn {
    private static let exportPage = 1000

    /// Tickets that changed since a moment, in the order in which they changed last.
    ///
    /// The cursor is the place that was reached; a ticket that changes afterwards comes again.
    mutating func exportTickets(_ call: Call, at now: Instant) throws(ZendeskError) -> InboundResponse {
        guard exports.take(at: now) else { throw .tooMany(exports.resetsAfter(now)) }
        let start: (seconds: Int64, id: Int)
        if let cursor = call.parameter("cursor") {
            let parts = cursor.split(separator: "-").compactMap { Int64($0) }
            guard parts.count == 2 else { throw ZendeskError(400, "InvalidValue", "Invalid cursor") }
            start = (parts[0], Int(parts[1]))
        } else {
            guard let text = call.parameter("start_time"), let seconds = Int64(text) else {
                throw ZendeskError(400, "StartTimeMissing", "Missing start_time")
            }
            guard seconds <= now.seconds - 60 else {
                throw ZendeskError(422, "InvalidValue", "Too recent start_time. Use a start_time older than 60 seconds")
            }
            start = (seconds, 0)
        }
        let changed = tickets.values.filter { ($0.updatedAt.seconds, $0.id) >= start }
            .sorted { ($0.updatedAt.seconds, $0.id) < ($1.updatedAt.seconds, $1.id) }
        let page = changed.prefix(Self.exportPage)
        let next = page.last.map { "\($0.updatedAt.seconds)-\($0.id + 1)" } ?? "\(start.seconds)-\(start.id)"
        return .json(
            200,
            [
                "tickets": .array(page.map { .object($0.json(base: base)) }), "after_cursor": .string(next),
                "after_url": .string("\(base)/api/v2/incremental/tickets/cursor.json?cursor=\(next)"),
                "before_cursor": nil, "before_url": nil, "end_of_stream": .bool(changed.count <= Self.exportPage),
            ])
    }

    /// Closes tickets in favour of another one.
    mutating func mergeTickets(_ id: String, _ call: Call, at now: Instant) throws(ZendeskError) -> InboundResponse {
        let target = try ticket(id)
        guard let ids = call.json?["ids"]?.array?.compactMap({ $0.int.map { Int($0) } }), !ids.isEmpty else {
            throw ZendeskError(400, "InvalidValue", "ids is required")
        }
        guard target.status != "closed", !ids.contains(target.id) else {
            throw ZendeskError(422, "RecordInvalid", "Ticket \(target.id) cannot be merged into")
        }
        for other in ids {
            guard let source = tickets[other], source.status != "closed" else {
                throw ZendeskError(422, "RecordInvalid", "Ticket \(other) cannot be merged")
            }
            tickets[other]?.tags.append("closed_by_merge")
            setStatus("closed", ofTicket: source.id, at: now)
        }
        tickets[target.id]?.updatedAt = now
        return .json(
            200,
            [
                "job_status": [
                    "id": .string("job-\(target.id)"),
                    "url": .string("\(base)/api/v2/job_statuses/job-\(target.id).json"),
                    "status": "queued", "total": .int(Int64(ids.count)), "progress": nil, "message": nil,
                    "results": nil,
                ]
            ])
    }
}

extension ZendeskStandIn {
    /// Deletes a ticket, as an agent would: the export tells of it, and nothing else finds it.
    package mutating func deleteTicket(_ id: Int, at now: Instant) {
        setStatus("deleted", ofTicket: id, at: now)
        if let marker = tickets[id]?.externalID { ticketsByExternalID[marker]?.removeAll { $0 == id } }
    }

    /// Opens the same ticket once more, with the same marker.
    @discardableResult
    package mutating func copyTicket(_ id: Int, at now: Instant) -> Int? {
        guard var copy = tickets[id] else { return nil }
        lastID += 1
        copy.id = lastID
        copy.updatedAt = now
        tickets[copy.id] = copy
        if let marker = copy.externalID { ticketsByExternalID[marker, default: []].append(copy.id) }
        return copy.id
    }
}
