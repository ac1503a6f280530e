internal import API
internal import Journal
internal import Model
internal import Seams

extension Console {
    /// Says that something happened, not what: pages then ask for themselves again.
    var live: Route {
        page("GET", "/console/live") { visit in
            guard let follower = followers.enter(visit.sessionID) else {
                throw Failure(.overloaded, "So many pages follow already that this one does not.")
            }
            let feed = LiveFeed(console: self, visit: visit, follower: follower)
            var answer = Answer.stream("text/event-stream") { write in try await feed.run(write) }
            answer.headers += Self.headers.filter { $0.name != "cache-control" }
            return answer
        }
    }
}

/// What one open page is told.
struct LiveFeed: Sendable {
    static let interval: Duration = .milliseconds(500)
    /// Rates fall when nothing happens, and whether somebody may still look is asked anew.
    static let idleInterval: Duration = .seconds(5)
    /// Ends are read a little behind the clock, so that one written late is not missed.
    static let lag: Duration = .milliseconds(300)
    /// What one look reads at most.
    static let changesMax = 50

    let console: Console
    let visit: Visit
    let follower: Follower

    private struct Sight: Hashable {
        var pauses: [String]
        var openAlerts: Int
        var quarantined: Int
        var dead: Int
        var runs: [String]
    }

    func run(_ write: Answer.Write) async throws {
        let time = console.dependencies.time
        var cursor = try await console.dependencies.reading.newestChange(now: time.now)
        var seen = try await sight()
        try await write(Array("retry: 3000\n\nevent: hello\ndata: {}\n\n".utf8))
        var toldAt = time.uptime
        while console.dependencies.readiness.refusal == nil {
            try await time.sleep(for: Self.interval)
            let changes = try await console.dependencies.reading.changes(
                after: cursor, until: time.now - Self.lag, limit: Self.changesMax)
            if changes.count == Self.changesMax {
                // One word is enough, however much it was.
                cursor = try await console.dependencies.reading.newestChange(now: time.now)
            } else {
                cursor = changes.last?.cursor ?? cursor
            }
            let now = try await sight()
            let isIdle = time.uptime - toldAt >= Self.idleInterval
            guard !changes.isEmpty || now != seen || isIdle else { continue }
            seen = now
            toldAt = time.uptime
            guard try await console.visit(of: visit.call) != nil else {
                return try await write(Array("event: end\ndata: {}\n\n".utf8))
            }
            try await write(Array("event: change\ndata: {}\n\n".utf8))
        }
    }

    private func sight() async throws -> Sight {
        let figures = try await console.figures.figures()
        let health = await console.dependencies.destinations.health()
        return Sight(
            pauses: health.map { "\($0.name) \($0.pause?.cause.rawValue ?? "") \($0.breaker)" },
            openAlerts: figures.openAlerts, quarantined: figures.quarantined, dead: figures.dead,
            runs: console.desk.all.map { "\($0.id) \($0.done) \($0.state)" })
    }
}
