package import Journal
package import Model

extension PostgresJournal {
    package func addTallies(_ tallies: [Tally]) async throws {
        guard !tallies.isEmpty else { return }
        // In one order, so that two nodes never wait for each other.
        let sorted = tallies.sorted { ($0.kind.rawValue, $0.at, $0.name) < ($1.kind.rawValue, $1.at, $1.name) }
        try await writing { db in for tally in sorted { try Tallies.add(tally, db) } }
    }

    package func noteSecrets(_ secrets: [SecretMark], now: Instant) async throws {
        try await writing { db in
            for secret in secrets.sorted(by: { $0.name < $1.name }) {
                try db.run(
                    """
                    INSERT INTO secrets (name, mark, since) VALUES ($1, $2, $3)
                    ON CONFLICT (name) DO UPDATE SET mark = excluded.mark, since = excluded.since
                    WHERE secrets.mark <> excluded.mark
                    """, secret.name, secret.mark, now)
            }
            for name in try db.rows("SELECT name FROM secrets", read: { $0.text(0) })
            where !secrets.contains(where: { $0.name == name }) {
                try db.run("DELETE FROM secrets WHERE name = $1", name)
            }
        }
    }

    package func secretAges() async throws -> [SecretAge] { try await reading { try Tallies.secrets($0) } }

    package func leadsWatch() async throws -> Bool {
        let node = node
        return try await writing { db in try Nodes.leads(node, in: "watch", db) }
    }

    package func watchFigures(_ windows: WatchWindows, now: Instant) async throws -> WatchFigures {
        try await reading { db in
            WatchFigures(
                sums: try Tallies.sums(windows, at: now, db), arrivals: try Tallies.arrivals(at: now, db),
                stubborn: try Tallies.stubborn(beyond: windows.attempts, at: now, db), dead: try Tallies.dead(db),
                alerts: try Alerts.current(db), issues: try Issues.stale(db),
                silences: try Silences.inForce(at: now, db), secrets: try Tallies.secrets(db),
                destinations: try JobTable.destinations(max: Tallies.destinationsMax, db),
                recoveries: try Alerts.recoveries(since: now - WatchFigures.recoveriesKept, db))
        }
    }

    package func cost(of scope: CostScope) async throws -> Cost {
        try await reading { try Issues.cost(of: scope, $0) }
    }

    package func write(_ changes: [WatchChange], now: Instant) async throws -> Bool {
        guard !changes.isEmpty else { return true }
        let node = node
        return try await writing { db in
            guard try Nodes.leads(node, in: "watch", db) else { return false }
            for change in changes { try Tallies.apply(change, at: now, db) }
            return true
        }
    }

    package func acknowledge(_ alert: AlertID, by actor: String, now: Instant) async throws {
        try await writing { db in
            try Alerts.acknowledge(alert, by: actor, at: now, db)
            try Auditing.note(
                AuditRow(at: now, actor: actor, action: "alerts.acknowledge", target: alert.description), db)
        }
    }

    package func acknowledge(_ issue: IssueID, by actor: String, now: Instant) async throws {
        try await writing { db in
            try Issues.acknowledge(issue, by: actor, at: now, db)
            try Auditing.note(
                AuditRow(at: now, actor: actor, action: "issues.acknowledge", target: issue.description), db)
        }
    }

    package func silence(_ silence: Silence) async throws {
        try await writing { db in
            try Silences.tidy(at: silence.at, db)
            try Silences.put(silence, db)
            try Auditing.note(
                AuditRow(
                    at: silence.at, actor: silence.by, action: "alerts.silence", target: silence.pattern,
                    detail: "until \(silence.until): \(silence.reason)"), db)
        }
    }

    package func endSilence(of pattern: String, by actor: String, now: Instant) async throws -> Bool {
        try await writing { db in
            guard try Silences.remove(pattern, db) else { return false }
            try Auditing.note(AuditRow(at: now, actor: actor, action: "alerts.unsilence", target: pattern), db)
            return true
        }
    }
}

/// Counts by the minute, and what is read of the rest for watching.
enum Tallies {
    static func apply(_ change: WatchChange, at now: Instant, _ db: Transaction) throws {
        switch change {
        case .open(let alert): try Alerts.open(alert, db)
        case .end(let key): try Alerts.end(key: key, at: now, db)
        case .price(let id, let cost): try Alerts.price(id, cost, db)
        case .tell(let notice): try Alerts.tell(notice, at: now, db)
        case .cost(let id, let cost): try Issues.keep(cost, of: id, at: now, db)
        case .endIssue(let id, let lastAt): try Issues.end(id, lastAt: lastAt, at: now, db)
        case .tidy:
            for kind in Tally.Kind.allCases {
                try db.run("DELETE FROM tallies WHERE kind = $1 AND at < $2", kind.rawValue, now - kind.kept)
            }
            try Silences.tidy(at: now, db)
        }
    }

    static func add(_ tally: Tally, _ db: Transaction) throws {
        try db.run(
            """
            INSERT INTO tallies (kind, at, name, total, failed) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (kind, at, name) DO UPDATE SET total = tallies.total + excluded.total,
                failed = tallies.failed + excluded.failed
            """, tally.kind.rawValue, tally.at, tally.name, tally.total, tally.failed)
    }

    static func sums(_ windows: WatchWindows, at now: Instant, _ db: Transaction) throws -> [TallySum] {
        try windows.byKind.sorted { $0.key.rawValue < $1.key.rawValue }.flatMap { kind, window in
            try db.rows(
                """
                SELECT name, sum(total)::bigint, sum(failed)::bigint, sum(CASE WHEN at >= $3 THEN total ELSE 0 END)::bigint,
                    sum(CASE WHEN at >= $3 THEN failed ELSE 0 END)::bigint
                FROM tallies WHERE kind = $1 AND at >= $2 AND at <= $4 GROUP BY name ORDER BY name
                """, kind.rawValue, now - window.whole, now - window.recent, now
            ) {
                TallySum(
                    kind: kind, name: $0.text(0), total: Int($0.int(1)), failed: Int($0.int(2)),
                    recentTotal: Int($0.int(3)), recentFailed: Int($0.int(4)))
            }
        }
    }

    static func arrivals(at now: Instant, _ db: Transaction) throws -> [String: [Instant: Int]] {
        let kind = Tally.Kind.arrival
        var hours: [String: [Instant: Int]] = [:]
        let rows = try db.rows(
            "SELECT name, at, total FROM tallies WHERE kind = $1 AND at >= $2", kind.rawValue, now - kind.kept
        ) { ($0.text(0), $0.instant(1), Int($0.int(2))) }
        for (name, hour, total) in rows { hours[name, default: [:]][hour] = total }
        return hours
    }

    static func stubborn(beyond attempts: Int, at now: Instant, _ db: Transaction) throws -> [String: Int] {
        // The literal lets the index of them be used.
        let rows = try db.rows(
            """
            SELECT destination, count(*) FROM (
                SELECT destination FROM jobs
                WHERE attempts > \(WatchWindows.attemptsLeast) AND attempts > $1 AND first_attempt_at <= $2
                LIMIT \(Cost.jobsMax)) AS stubborn
            GROUP BY destination
            """, attempts, now - WatchWindows.stubbornLeast
        ) { ($0.text(0), Int($0.int(1))) }
        return Dictionary(uniqueKeysWithValues: rows)
    }

    /// From one destination to the next by the index, so that the rows between are not walked over.
    static func dead(_ db: Transaction) throws -> [String: Int] {
        var counts: [String: Int] = [:]
        var next = try db.first("SELECT min(destination) FROM history WHERE state = 'dead'") { $0.textOrNil(0) } ?? nil
        while let name = next, counts.count < destinationsMax {
            counts[name] = try db.count(
                """
                SELECT count(*) FROM (
                    SELECT 1 FROM history WHERE state = 'dead' AND destination = $1 LIMIT \(Cost.jobsMax)) AS dead
                """, name)
            next =
                try db.first("SELECT min(destination) FROM history WHERE state = 'dead' AND destination > $1", name) {
                    $0.textOrNil(0)
                } ?? nil
        }
        return counts
    }

    static let destinationsMax = 200

    static func secrets(_ db: Transaction) throws -> [SecretAge] {
        try db.rows("SELECT name, since FROM secrets ORDER BY name") {
            SecretAge(name: $0.text(0), since: $0.instant(1))
        }
    }
}
