internal import Journal
internal import Model
internal import Seams
internal import Settings

extension Routes {
    static func destinations(_ dependencies: Dependencies) -> [Route] {
        [
            Route("GET", "/v1/destinations", .scope(.read)) { call in
                _ = try Inputs(call.query, known: [], now: dependencies.time.now)
                let open = try await dependencies.reading.figures(now: dependencies.time.now).openJobs
                let health = await dependencies.destinations.health()
                return .list(health.map { $0.json(open: open[$0.name] ?? [:]) })
            },
            Route("POST", "/v1/destinations/{name}/pause", .scope(.operate), media: .json) { call in
                let inputs = try Inputs(body: call.body, known: ["reason"], now: dependencies.time.now)
                let name = try destination(call, dependencies)
                let reason = try inputs.text("reason") ?? "paused by \(call.actor)"
                try await dependencies.destinations.pause(name, reason: reason)
                try await note(call, "destination.pause", name, detail: reason, dependencies)
                return .json(["name": .string(name), "state": "paused", "reason": .string(reason)])
            },
            Route("POST", "/v1/destinations/{name}/resume", .scope(.operate), media: .json) { call in
                let inputs = try Inputs(body: call.body, known: ["force"], now: dependencies.time.now)
                let name = try destination(call, dependencies)
                let isForced = try inputs.flag("force") ?? false
                switch try await dependencies.destinations.resume(name, isForced: isForced) {
                case .resumed:
                    try await note(
                        call, "destination.resume", name, detail: isForced ? "forced" : nil, dependencies)
                    return .json(["name": .string(name), "state": "active"])
                case .stillFailing(let words):
                    throw Failure(
                        .conflict,
                        "\(name) is not back, its probe fails: \(words) (force goes on all the same)")
                }
            },
        ]
    }

    private static func destination(_ call: Call, _ dependencies: Dependencies) throws(Failure) -> String {
        let name = call.parameter("name")
        guard dependencies.settings.current.destination(name) != nil else {
            throw Failure(.notFound, "There is no destination of this name in throughline.yaml.")
        }
        return name
    }
}
