internal import Journal
internal import Model
internal import Seams
internal import Watch

extension Routes {
    static func health(_ dependencies: Dependencies) -> [Route] {
        [
            Route("GET", "/healthz", .open) { _ in .json(["status": "ok"]) },
            Route("GET", "/readyz", .open) { _ in await readiness(dependencies) },
            Route("GET", "/openapi.json", .open) { _ in
                Answer(
                    status: 200, headers: [("content-type", "application/json")], body: PackageResources.openapi_json)
            },
            Route("GET", "/v1/status", .scope(.read)) { call in
                _ = try Inputs(call.query, known: [], now: dependencies.time.now)
                return .json(try await dependencies.reading.figures(now: dependencies.time.now).json)
            },
            metrics(dependencies, access: .scope(.read)),
        ]
    }

    /// Never about destinations: a slow CRM is no reason to take a server out of service.
    private static func readiness(_ dependencies: Dependencies) async -> Answer {
        if let reason = dependencies.readiness.refusal {
            return .json(["status": "not_ready", "reason": .string(reason)], status: 503)
        }
        if let reason = await dependencies.writable.refusal() {
            return .json(["status": "not_ready", "reason": .string(reason)], status: 503)
        }
        return .json(["status": "ready"])
    }

    static func metrics(_ dependencies: Dependencies, access: Route.Access) -> Route {
        Route("GET", "/metrics", access) { _ in
            // A scrape while the journal is away still tells the rest; `throughline_journal_readable` says so.
            let figures = try? await dependencies.reading.figures(now: dependencies.time.now)
            let destinations = await dependencies.destinations.health().map {
                DestinationMeter(
                    name: $0.name, isPaused: $0.pause != nil, isBreakerOpen: $0.breaker != "closed", running: $0.running
                )
            }
            let text = MetricsText.render(
                dependencies.meters.snapshot, figures: figures, destinations: destinations,
                residentBytes: ProcessMemory.residentBytes(), now: dependencies.time.now,
                isJournalReadable: figures != nil)
            return Answer(
                status: 200, headers: [("content-type", MetricsText.contentType)], body: Array(text.utf8))
        }
    }
}
