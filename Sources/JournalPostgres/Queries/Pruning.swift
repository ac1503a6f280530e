package import Journal
package import Model

extension PostgresJournal {
    package func prunePayloads(before time: Instant, limit: Int) async throws -> Int {
        let node = node
        return try await writing { db in
            guard try Nodes.leads(node, in: "pruning", db) else { return 0 }
            let bodies = try Pruning.payloads(before: time, limit: limit, db)
            return max(bodies, try Pruning.keptDeliveries(before: time, limit: limit, db))
        }
    }

    package func pruneEvents(before time: Instant, after: Int64, limit: Int) async throws -> PrunedSlice {
        let node = node
        return try await writing { db in
            guard try Nodes.leads(node, in: "pruning", db) else { return PrunedSlice(erased: 0, next: nil) }
            return try Pruning.events(before: time, after: after, limit: limit, db)
        }
    }

    package func believedTime() async throws -> Instant? {
        try await reading { db in try db.first("SELECT at FROM marks WHERE name = 'believed'") { $0.instant(0) } }
    }

    package func noteBelievedTime(_ time: Instant) async throws {
        try await writing { db in
            _ = try db.run(
                "INSERT INTO marks (name, at) VALUES ('believed', $1) ON CONFLICT (name) DO UPDATE SET at = excluded.at",
                time)
        }
    }
}

/// Lets go of what is old.
///
/// Rows stand in the order in which they came, so that the first that is not old ends the search.
enum Pruning {
    private struct Old {
        var seq: Int64
        var id: EventID
        var subject: SubjectID?
        var receivedAt: Instant
    }

    static func payloads(before time: Instant, limit: Int, _ db: Transaction) throws -> Int {
        let oldest = try db.rows(
            """
            SELECT payloads.seq, received_at FROM payloads JOIN events ON events.seq = payloads.seq
            ORDER BY payloads.seq LIMIT $1
            """, limit
        ) { (seq: $0.int(0), receivedAt: $0.instant(1)) }.prefix { $0.receivedAt < time }
        for payload in oldest { try db.run("DELETE FROM payloads WHERE seq = $1", payload.seq) }
        return oldest.count
    }

    static func keptDeliveries(before time: Instant, limit: Int, _ db: Transaction) throws -> Int {
        let oldest = try db.rows("SELECT seq, received_at FROM kept_deliveries ORDER BY seq LIMIT $1", limit) {
            (seq: $0.int(0), receivedAt: $0.instant(1))
        }.prefix { $0.receivedAt < time }
        for delivery in oldest { try db.run("DELETE FROM kept_deliveries WHERE seq = $1", delivery.seq) }
        return oldest.count
    }

    static func events(before time: Instant, after: Int64, limit: Int, _ db: Transaction) throws -> PrunedSlice {
        let old = try db.rows(
            "SELECT seq, id, subject, received_at FROM events WHERE seq > $1 ORDER BY seq LIMIT $2", after, limit
        ) { Old(seq: $0.int(0), id: try $0.id(1), subject: try $0.idOrNil(2), receivedAt: $0.instant(3)) }
        .prefix { $0.receivedAt < time }
        if after == 0 { try Reconciling.prune(before: time, limit: limit, db) }
        var erased = 0
        for event in old where try !isNeeded(event, db) {
            try erase(event, db)
            erased += 1
        }
        var seen: Set<SubjectID> = []
        for subject in old.compactMap(\.subject) where seen.insert(subject).inserted { try eraseForgotten(subject, db) }
        return PrunedSlice(erased: erased, next: old.count == limit ? old.last?.seq : nil)
    }

    private static func isNeeded(_ event: Old, _ db: Transaction) throws -> Bool {
        try db.exists(
            "SELECT 1 FROM pending WHERE seq = $1 UNION ALL SELECT 1 FROM jobs WHERE event = $2 LIMIT 1", event.seq,
            event.id)
    }

    private static func erase(_ event: Old, _ db: Transaction) throws {
        for job in try db.rows(
            "SELECT seq, effect FROM history WHERE event = $1", event.id, read: { ($0.int(0), $0.text(1)) })
        {
            try db.run("DELETE FROM effects WHERE key = $1", job.1)
            try db.run("DELETE FROM attempts WHERE job = $1", job.0)
            try db.run("DELETE FROM requests WHERE job = $1", job.0)
            try db.run("DELETE FROM history WHERE seq = $1", job.0)
        }
        try db.run(
            "DELETE FROM facts WHERE event = $1 AND key IN (SELECT fact FROM fact_events WHERE event = $1)", event.id)
        try db.run("DELETE FROM fact_events WHERE event = $1", event.id)
        try db.run("DELETE FROM decisions WHERE event = $1", event.id)
        try db.run("DELETE FROM differences WHERE event = $1", event.id)
        try db.run("DELETE FROM kept_deliveries WHERE event = $1 OR replayed_as = $1", event.id)
        try db.run("DELETE FROM payloads WHERE seq = $1", event.seq)
        try db.run(
            """
            DELETE FROM event_keys WHERE (external_id, source) = (SELECT external_id, source FROM events WHERE seq = $1)
            """, event.seq)
        try db.run("DELETE FROM events WHERE seq = $1", event.seq)
    }

    /// Erases a whole subject to which no event and no open job belongs any more.
    private static func eraseForgotten(_ subject: SubjectID, _ db: Transaction) throws {
        let root = try Subjects.hold(subject, db)
        let tree = "(SELECT id FROM subjects WHERE root = $1)"
        let isAlive = try db.exists(
            """
            SELECT 1 FROM events WHERE subject IN \(tree)
            UNION ALL SELECT 1 FROM jobs WHERE subject IN \(tree) LIMIT 1
            """, root)
        if isAlive { return }
        for place in [
            "identifiers WHERE subject", "joins WHERE child", "joins WHERE root", "states WHERE subject",
            "records WHERE subject", "facts WHERE subject", "decisions WHERE subject",
        ] {
            try db.run("DELETE FROM \(place) IN \(tree)", root)
        }
        try db.run("DELETE FROM subjects WHERE root = $1", root)
    }
}
