internal import Journal
internal import Model
internal import Seams
internal import Trail

extension Routes {
    static func trail(_ dependencies: Dependencies) -> [Route] {
        [
            Route("POST", "/v1/trace", .scope(.read), media: .json) { call in
                let inputs = try Inputs(body: call.body, known: ["id"], now: dependencies.time.now)
                return try await trail(of: try inputs.required("id"), dependencies)
            },
            Route("GET", "/v1/trace/{id}", .scope(.read)) { call in
                try await trail(of: call.parameter("id"), dependencies)
            },
        ]
    }

    private static func trail(of id: String, _ dependencies: Dependencies) async throws -> Answer {
        guard let document = try await dependencies.trail.trail(of: id) else {
            throw Failure(.notFound, "Nothing answers to this id: no identifier, record, event, job or subject has it.")
        }
        return .json(document.json)
    }

    static func subjects(_ dependencies: Dependencies) -> [Route] {
        [
            Route("DELETE", "/v1/subjects", .scope(.admin), media: .json) { call in
                let inputs = try Inputs(body: call.body, known: ["id", "dry_run"], now: dependencies.time.now)
                let id = try inputs.required("id")
                let subject = try await subject(id, dependencies)
                let isDryRun = try inputs.flag("dry_run") ?? false
                let erasure =
                    isDryRun
                    ? try await dependencies.operating.forgetPlan(subject.root)
                    : try await dependencies.operating.forget(
                        subject.root, by: call.actor, now: dependencies.time.now)
                var body = erasure.json
                body["dry_run"] = .bool(isDryRun)
                return .json(body)
            }
        ]
    }
}
