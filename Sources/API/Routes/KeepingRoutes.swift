internal import Journal
internal import Model
internal import Seams
internal import Settings
internal import Watch

extension Routes {
    /// Retention and export.
    static func keeping(_ dependencies: Dependencies, _ aftercare: Aftercare) -> [Route] {
        [
            Route("GET", "/v1/retention", .scope(.read)) { call in
                _ = try Inputs(call.query, known: [], now: dependencies.time.now)
                return .json(try await RetentionPlan.read(dependencies, aftercare))
            },
            Route("POST", "/v1/retention", .scope(.admin), media: .json) { call in
                let inputs = try Inputs(body: call.body, known: ["cursor"], now: dependencies.time.now)
                let after = try inputs.text("cursor").flatMap { Int64($0) } ?? 0
                let slice = try await RetentionSlices(dependencies: dependencies, aftercare: aftercare).run(
                    after: after)
                if slice.next == nil { try await note(call, "journal.prune", "what is too old", dependencies) }
                return .json([
                    "payloads": json(slice.payloads), "events": json(slice.events),
                    "next": slice.next.map { .string(String($0)) } ?? .null,
                ])
            },
            Route("POST", "/v1/export", .scope(.admin), media: .json) { call in
                let inputs = try Inputs(
                    body: call.body, known: ["id", "since", "until"], now: dependencies.time.now)
                let (since, until) = (try inputs.time("since"), try inputs.time("until"))
                var subject: SubjectID?
                if let id = try inputs.text("id") {
                    guard since == nil, until == nil else {
                        throw Failure(.invalid, "Name a person by id, or a stretch of time, not both.", field: "id")
                    }
                    subject = try await self.subject(id, dependencies).root
                } else if since == nil {
                    throw Failure(.invalid, "Name a person by id, or a stretch of time by since.", field: "since")
                }
                try await note(
                    call, "journal.export", subject?.description ?? "since \(since?.description ?? "")", dependencies)
                let export = Export(
                    dependencies: dependencies, aftercare: aftercare, subject: subject, since: since, until: until)
                return .stream("application/x-ndjson") { write in try await export.run(write) }
            },
        ]
    }

    /// The one subject that answers to an id.
    static func subject(_ id: String, _ dependencies: Dependencies) async throws -> SubjectStory {
        let found = try await dependencies.reading.subjects(matching: id)
        guard let subject = found.first else { throw Failure(.notFound, "No subject answers to this id.") }
        guard found.count == 1 else {
            throw Failure(
                .ambiguous,
                "\(found.count) subjects answer to this id; name one by its tsb_ id (POST /v1/trace lists them).")
        }
        return subject
    }
}

/// What retention would let go of, now and soon.
enum RetentionPlan {
    /// So many of each are counted; more are told as at least that.
    static let countMax = 1_000_000
    private static let horizons: [(name: String, days: Int64)] = [("now", 0), ("in_7_days", 7), ("in_30_days", 30)]

    static func read(_ dependencies: Dependencies, _ aftercare: Aftercare) async throws -> JSONObject {
        let retention = dependencies.settings.current.retention
        let now = try await RetentionSlices(dependencies: dependencies, aftercare: aftercare).present()
        var body: JSONObject = [
            "raw_days": .int(retention.raw.components.seconds / 86_400),
            "events_days": .int(retention.events.components.seconds / 86_400),
        ]
        for horizon in horizons {
            let then = now + .seconds(horizon.days * 86_400)
            let raw = try await aftercare.subjects.aged(before: then - retention.raw, countingTo: countMax)
            let events = try await aftercare.subjects.aged(before: then - retention.events, countingTo: countMax)
            body[horizon.name] = [
                "payloads": json(raw.payloads), "kept_deliveries": json(raw.kept), "events": json(events.events),
            ]
            body["oldest_event_at"] = json(events.oldest)
        }
        return body
    }
}

/// Lets go of what is too old, a bounded stretch in each call.
struct RetentionSlices {
    static let slice = 100
    static let slicesMax = 20
    static let pause: Duration = .milliseconds(10)

    let dependencies: Dependencies
    let aftercare: Aftercare

    /// What retention takes for the present: a wall clock that has leapt ahead is not followed here either.
    func present() async throws -> Instant {
        let time = dependencies.time
        return Maintenance.present(
            believed: try await aftercare.pruning.believedTime(), wall: time.now, uptime: time.uptime)
    }

    /// Bodies first; `after` is the place among the events at which the walk goes on.
    func run(after: Int64) async throws -> (payloads: Int, events: Int, next: Int64?) {
        let retention = dependencies.settings.current.retention
        let now = try await present()
        var (payloads, events, place): (Int, Int, Int64?) = (0, 0, after)
        for _ in 0..<Self.slicesMax {
            let pruned = try await aftercare.pruning.prunePayloads(before: now - retention.raw, limit: Self.slice)
            payloads += pruned
            if pruned < Self.slice {
                let slice = try await aftercare.pruning.pruneEvents(
                    before: now - retention.events, after: place ?? 0, limit: Self.slice)
                events += slice.erased
                place = slice.next
                if place == nil { break }
            }
            try await dependencies.time.sleep(for: Self.pause)
        }
        return (payloads, events, place)
    }
}
