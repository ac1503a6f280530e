internal import Journal
internal import Model

/// Counts for the first page and the metrics.
///
/// Each count stops at a bound, so that a large journal costs no more.
enum Figures {
    private static let openCountMax = Limits.pageMax * 20
    private static let countMax = 100_000
    private static let destinationsMax = 200

    static func figures(at now: Instant, _ db: Transaction) throws -> JournalFigures {
        let since = now - .seconds(3600)
        return JournalFigures(
            pending: try count("FROM pending", db), openJobs: try openJobs(db),
            dead: try count("FROM history WHERE state = 'dead'", db),
            quarantined: try count("FROM kept_deliveries WHERE kind = 'quarantined' AND replayed_as IS NULL", db),
            openAlerts: try count("FROM alerts WHERE ended_at IS NULL", db),
            eventsLastHour: try events(since: since, db),
            completedLastHour: try ended("completed", since: since, db),
            deadLastHour: try ended("dead", since: since, db),
            lastEventAt: try db.first("SELECT received_at FROM events ORDER BY seq DESC LIMIT 1") { $0.instant(0) },
            oldestPendingAt: try db.first(
                "SELECT received_at FROM events WHERE seq = (SELECT min(seq) FROM pending)"
            ) { $0.instant(0) })
    }

    private static func count(_ from: String, _ db: Transaction) throws -> Int {
        try db.count("SELECT count(*) FROM (SELECT 1 \(from) LIMIT \(countMax)) AS counted")
    }

    private static func ended(_ state: String, since: Instant, _ db: Transaction) throws -> Int {
        try db.count(
            "SELECT count(*) FROM (SELECT 1 FROM history WHERE state = $1 AND ended_at >= $2 LIMIT \(countMax)) AS ended",
            state,
            since)
    }

    private static func openJobs(_ db: Transaction) throws -> [String: [JobState: Int]] {
        var counts: [String: [JobState: Int]] = [:]
        for name in try JobTable.destinations(max: destinationsMax, db) {
            for state in JobState.allCases where !state.isEnded {
                let count = try db.count(
                    """
                    SELECT count(*) FROM (
                        SELECT 1 FROM jobs WHERE destination = $1 AND state = $2 LIMIT \(openCountMax)) AS open
                    """, name, state.rawValue)
                if count > 0 { counts[name, default: [:]][state] = count }
            }
        }
        return counts
    }

    private static func events(since: Instant, _ db: Transaction) throws -> Int {
        try events(from: first(since: since, db), to: .max, atMost: countMax, db)
    }

    /// What was taken back has left gaps in the numbers, so they are counted.
    static func events(
        from low: Int64, to high: Int64, atMost limit: Int = SurveyLimits.beatCountMax, _ db: Transaction
    ) throws -> Int {
        try db.count(
            "SELECT count(*) FROM (SELECT 1 FROM events WHERE seq >= $1 AND seq < $2 LIMIT \(limit)) AS recent", low,
            high)
    }

    /// Events are numbered as they are received, so the first of a time is found by halving, `start` being before it.
    static func first(since: Instant, from start: Int64 = 1, _ db: Transaction) throws -> Int64 {
        let newest = try db.first("SELECT max(seq) FROM events") { $0.int(0) } ?? 0
        var (low, high): (Int64, Int64) = (start, newest + 1)
        while low < high {
            let middle = (low + high) / 2
            let row = try db.first("SELECT received_at FROM events WHERE seq >= $1 ORDER BY seq LIMIT 1", middle) {
                $0.instant(0)
            }
            if let row, row < since { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
