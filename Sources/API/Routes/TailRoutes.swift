internal import Journal
internal import Model
internal import Seams

extension Routes {
    static func tail(_ dependencies: Dependencies) -> [Route] {
        [
            Route("GET", "/v1/tail", .scope(.read)) { call in
                let inputs = try Inputs(
                    call.query, known: ["type", "source", "destination", "cursor"], now: dependencies.time.now)
                let filter = TailFilter(
                    type: try inputs.text("type"), source: try inputs.text("source"),
                    destination: try inputs.text("destination"))
                let start = try await cursor(try inputs.text("cursor") ?? call.header("last-event-id"), dependencies)
                guard let follower = dependencies.followers.enter(call.actor) else {
                    throw Failure(
                        .overloaded,
                        "\(Followers.countMax) follow already, or \(Followers.ownerMax) with this key; end one of them "
                            + "(throughline tail).")
                }
                let isSSE = call.header("accept")?.contains("text/event-stream") == true
                let tail = Tail(
                    dependencies: dependencies, follower: follower, filter: filter, start: start,
                    form: isSSE ? .serverSentEvents : .lines)
                return .stream(tail.form.contentType) { write in try await tail.run(write) }
            }
        ]
    }

    private static func cursor(_ text: String?, _ dependencies: Dependencies) async throws -> ChangeCursor {
        guard let text else { return try await dependencies.reading.newestChange(now: dependencies.time.now) }
        guard let cursor = ChangeCursor(text) else {
            throw Failure(.invalid, "The cursor is not one that this path gave. Begin without it.", field: "cursor")
        }
        return cursor
    }
}

/// What of all that happens is told; a type or a source asks for events alone, a destination for jobs alone.
struct TailFilter: Sendable, Hashable {
    var type: String?
    var source: String?
    var destination: String?

    func matches(_ event: EventRow) -> Bool {
        destination == nil && (type == nil || type == event.event.type.name)
            && (source == nil || source == event.event.source)
    }

    func matches(_ job: JobRow) -> Bool {
        type == nil && source == nil && (destination == nil || destination == job.destination)
    }
}

/// Tells one follower what happens, until it leaves or the server stops.
struct Tail: Sendable {
    /// How what happens is written.
    enum Form: Sendable, Hashable {
        /// One JSON object a line.
        case lines
        case serverSentEvents

        var contentType: String { self == .lines ? "application/x-ndjson" : "text/event-stream" }

        func text(_ kind: String, cursor: ChangeCursor, _ members: JSONObject = [:]) -> String {
            var object: JSONObject = ["kind": .string(kind), "cursor": .string(cursor.description)]
            for member in members.members { object[member.key] = member.value }
            switch self {
            case .lines: return object.encodedText + "\n"
            case .serverSentEvents: return "id: \(cursor)\nevent: \(kind)\ndata: \(object.encodedText)\n\n"
            }
        }
    }

    static let interval: Duration = .milliseconds(500)
    /// How far behind the clock ends are read, so that one written a moment late is not missed.
    static let lag: Duration = .milliseconds(300)
    /// How often a follower hears that nothing happened; it is also how soon its leaving is noticed.
    static let idleInterval: Duration = .seconds(5)
    static let readMax = 50

    let dependencies: Dependencies
    let follower: Follower
    let filter: TailFilter
    let start: ChangeCursor
    let form: Form

    func run(_ write: Answer.Write) async throws {
        let time = dependencies.time
        var cursor = start
        try await write(Array(form.text("idle", cursor: cursor).utf8))
        var wroteAt = time.uptime
        while dependencies.readiness.refusal == nil {
            let changes = try await dependencies.reading.changes(
                after: cursor, until: time.now - Self.lag, limit: Self.readMax)
            var text = changes.compactMap(text(of:)).joined()
            cursor = changes.last?.cursor ?? cursor
            for job in follower.takeAttempted() { text += try await self.text(ofAttempted: job, cursor) ?? "" }
            if text.isEmpty, time.uptime - wroteAt >= Self.idleInterval { text = form.text("idle", cursor: cursor) }
            if !text.isEmpty {
                try await write(Array(text.utf8))
                wroteAt = time.uptime
            }
            if changes.count < Self.readMax { try await time.sleep(for: Self.interval) }
        }
        let reason: JSONObject = ["reason": .string(dependencies.readiness.refusal ?? "")]
        try await write(Array(form.text("end", cursor: cursor, reason).utf8))
    }

    private func text(of change: Change) -> String? {
        switch change.what {
        case .event(let row):
            guard filter.matches(row) else { return nil }
            return form.text(
                "event", cursor: change.cursor, ["at": .string(change.at.description), "event": .object(row.json)])
        case .job(let row):
            guard filter.matches(row) else { return nil }
            return text(of: row, at: change.at, change.cursor)
        }
    }

    private func text(of job: JobRow, at: Instant, _ cursor: ChangeCursor) -> String {
        form.text("job", cursor: cursor, ["at": .string(at.description), "job": .object(job.json)])
    }

    /// Nil where it has ended since: that is told by its end.
    private func text(ofAttempted id: JobID, _ cursor: ChangeCursor) async throws -> String? {
        guard let job = try await dependencies.reading.job(id), !job.row.state.isEnded, filter.matches(job.row) else {
            return nil
        }
        let at = job.attempts.last.map { $0.end?.endedAt ?? $0.startedAt } ?? job.row.createdAt
        return text(of: job.row, at: at, cursor)
    }
}
