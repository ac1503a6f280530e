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
/// Rows stand in the order in which they came, so that the first that is not old ends the search. A slice is deleted as a
/// whole, each table in one statement that finds its rows by their keys.
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
        try db.run("DELETE FROM payloads WHERE seq = ANY ($1)", SQLArray(oldest.map(\.seq)))
        return oldest.count
    }

    static func keptDeliveries(before time: Instant, limit: Int, _ db: Transaction) throws -> Int {
        let oldest = try db.rows("SELECT seq, received_at FROM kept_deliveries ORDER BY seq LIMIT $1", limit) {
            (seq: $0.int(0), receivedAt: $0.instant(1))
        }.prefix { $0.receivedAt < time }
        try db.run("DELETE FROM kept_deliveries WHERE seq = ANY ($1)", SQLArray(oldest.map(\.seq)))
        return oldest.count
    }

    static func events(before time: Instant, after: Int64, limit: Int, _ db: Transaction) throws -> PrunedSlice {
        let old = try db.rows(
            "SELECT seq, id, subject, received_at FROM events WHERE seq > $1 ORDER BY seq LIMIT $2", after, limit
        ) { Old(seq: $0.int(0), id: try $0.id(1), subject: try $0.idOrNil(2), receivedAt: $0.instant(3)) }
        .prefix { $0.receivedAt < time }
        if after == 0 { try Reconciling.prune(before: time, limit: limit, db) }
        let needed = try needed(among: Array(old), db)
        let erased = old.filter { !needed.contains($0.seq) }
        if !erased.isEmpty { try erase(erased, db) }
        let subjects = Set(old.compactMap(\.subject))
        if !subjects.isEmpty { try eraseForgotten(Array(subjects), db) }
        return PrunedSlice(erased: erased.count, next: old.count == limit ? old.last?.seq : nil)
    }

    /// Those that are not planned yet or have an open job.
    private static func needed(among old: [Old], _ db: Transaction) throws -> Set<Int64> {
        Set(
            try db.rows(
                """
                SELECT seq FROM unnest($1, $2) AS old (seq, id)
                WHERE EXISTS (SELECT 1 FROM pending WHERE pending.seq = old.seq OFFSET 0)
                    OR EXISTS (SELECT 1 FROM jobs WHERE event = old.id OFFSET 0)
                """, SQLArray(old.map(\.seq)), SQLArray(old.map(\.id))
            ) { $0.int(0) })
    }

    private static func erase(_ events: [Old], _ db: Transaction) throws {
        let (seqs, ids) = (SQLArray(events.map(\.seq)), SQLArray(events.map(\.id)))
        try db.post(
            """
            WITH gone AS (DELETE FROM history WHERE event = ANY ($1) RETURNING seq, effect),
            attempted AS (DELETE FROM attempts WHERE job = ANY (ARRAY(SELECT seq FROM gone))),
            sent AS (DELETE FROM requests WHERE job = ANY (ARRAY(SELECT seq FROM gone)))
            DELETE FROM effects WHERE key = ANY (ARRAY(SELECT effect FROM gone))
            """, ids)
        // What they stated is found by its key, which each of them has noted.
        try db.post(
            """
            DELETE FROM facts
            WHERE key = ANY (ARRAY(SELECT fact FROM fact_events WHERE event = ANY ($1))) AND event = ANY ($1)
            """, ids)
        for place in ["fact_events", "decisions", "differences", "kept_deliveries"] {
            try db.post("DELETE FROM \(place) WHERE event = ANY ($1)", ids)
        }
        try db.post("DELETE FROM kept_deliveries WHERE replayed_as = ANY ($1)", ids)
        try db.post("DELETE FROM payloads WHERE seq = ANY ($1)", seqs)
        try db.run(
            """
            WITH gone AS (DELETE FROM events WHERE seq = ANY ($1) RETURNING external_id, source)
            DELETE FROM event_keys USING gone
            WHERE event_keys.external_id = gone.external_id AND event_keys.source = gone.source
            """, seqs)
    }

    /// Erases whole subjects to which no event and no open job belongs any more.
    private static func eraseForgotten(_ subjects: [SubjectID], _ db: Transaction) throws {
        let roots = try db.rows(
            "SELECT DISTINCT root FROM subjects WHERE id = ANY ($1)", SQLArray(subjects)
        ) { try $0.id(0, SubjectTag.self) }
        let candidates = try forgotten(among: roots, db)
        guard !candidates.isEmpty else { return }
        try db.hold(candidates.map(Locks.subject))
        // One that was joined or spoken of before it was held stays.
        let forgotten = SQLArray(try forgotten(among: candidates, db))
        let tree = "ANY (ARRAY(SELECT id FROM subjects WHERE root = ANY ($1)))"
        for place in [
            "identifiers WHERE subject", "joins WHERE child", "joins WHERE root", "states WHERE subject",
            "records WHERE subject", "facts WHERE subject", "decisions WHERE subject",
        ] {
            try db.post("DELETE FROM \(place) = \(tree)", forgotten)
        }
        try db.run("DELETE FROM subjects WHERE root = ANY ($1)", forgotten)
    }

    private static func forgotten(among roots: [SubjectID], _ db: Transaction) throws -> [SubjectID] {
        try db.rows(
            """
            SELECT whole.root FROM unnest($1) AS whole (root)
            WHERE EXISTS (SELECT 1 FROM subjects WHERE id = whole.root AND root = whole.root)
                AND NOT EXISTS (
                    SELECT 1 FROM subjects JOIN events ON events.subject = subjects.id WHERE subjects.root = whole.root)
                AND NOT EXISTS (
                    SELECT 1 FROM subjects JOIN jobs ON jobs.subject = subjects.id WHERE subjects.root = whole.root)
            """, SQLArray(roots)
        ) { try $0.id(0) }
    }
}
