internal import GRDB
package import Journal
package import Model
internal import Settings

extension SQLiteJournal {
    package func work(in window: WorkWindow, before: Int64?, limit: Int) async throws -> WorkPage {
        try await reader.read { try Comparing.work(in: window, before: before, limit: limit, $0) }
    }

    package func arrivals(at source: String, externalIDs: [String]) async throws -> [String: ArrivalStanding] {
        try await reader.read { try Comparing.arrivals(at: source, externalIDs, $0) }
    }

    package func factEvents(_ keys: [String]) async throws -> [String: EventID] {
        try await reader.read { db in
            var found: [String: EventID] = [:]
            for key in keys {
                found[key] = try db.first("SELECT event FROM facts WHERE key = ?", key) { try $0.id(0) }
            }
            return found
        }
    }

    package func statuses(ofObjects objects: [String]) async throws -> [String: String] {
        try await reader.read { try Comparing.statuses(ofObjects: objects, $0) }
    }

    package func beginReconciliation(_ run: Reconciliation) async throws {
        try await writer.transaction { try Reconciling.begin(run, $0) }
    }

    package func keepDifferences(_ differences: [Difference], of run: ReconciliationID) async throws {
        try await writer.transaction { try Reconciling.keep(differences, of: run, $0) }
    }

    package func endReconciliation(_ run: Reconciliation) async throws {
        try await writer.transaction { try Reconciling.end(run, $0) }
    }

    package func reconciliations(page: PageRequest) async throws -> Page<Reconciliation> {
        try await reader.read { try Reconciling.list(page, $0) }
    }

    package func reconciliation(_ id: ReconciliationID) async throws -> Reconciliation? {
        try await reader.read { try Reconciling.run(id, $0) }
    }

    package func differences(of run: ReconciliationID, _ filter: DifferenceFilter, page: PageRequest) async throws
        -> Page<Difference>
    {
        try await reader.read { try Reconciling.differences(of: run, filter, page, $0) }
    }

    package func differenceCounts(of run: ReconciliationID) async throws -> [Difference.Cause: (all: Int, open: Int)] {
        try await reader.read { try Reconciling.counts(of: run, $0) }
    }

    package func noteRepair(_ repair: Difference.Repair, of number: Int, in run: ReconciliationID) async throws {
        try await writer.transaction { try Reconciling.note(repair, of: number, in: run, $0) }
    }

    package func repeatEffect(of job: JobID, mint: @escaping @Sendable () -> JobID, by actor: String, now: Instant)
        async throws -> JobID
    {
        try await writer.transaction { db in
            let next = try Replaying.repeatEffect(of: job, mint: mint, at: now, db)
            try Auditing.note(
                AuditRow(
                    at: now, actor: actor, action: "jobs.repeat", target: job.description, detail: "as \(next)"), db)
            return next
        }
    }

    package func takeReconciliation(every interval: Duration, now: Instant) async throws -> Bool {
        try await writer.transaction { db in
            let last = try db.first("SELECT at FROM marks WHERE name = 'reconciled'") { $0.instant(0) }
            // A clock that was set back must not put it off for good.
            if let last, last <= now, now - last < interval { return false }
            try db.run(
                "INSERT INTO marks (name, at) VALUES ('reconciled', ?) ON CONFLICT (name) DO UPDATE SET at = excluded.at",
                now)
            try Reconciling.endAbandoned(at: now, db)
            return true
        }
    }
}

/// Reads what is compared.
enum Comparing {
    static func work(in window: WorkWindow, before: Int64?, limit: Int, _ db: Database) throws -> WorkPage {
        let newest = try db.first("SELECT max(seq) FROM events") { $0.intOrNil(0) } ?? nil
        guard let newest else { return WorkPage(items: [], next: nil) }
        let end = before ?? newest + 1
        let start = max(0, end - Int64(limit))
        var conditions = Conditions()
        conditions.add("events.seq < ? AND events.seq >= ?", end, start)
        conditions.add("events.type", in: window.types.map(\.name))
        conditions.add("events.received_at", since: window.since, until: window.until)
        let rows = try db.rows(
            """
            SELECT \(Events.columns), pending.seq FROM events LEFT JOIN pending ON pending.seq = events.seq
            \(conditions.sql) ORDER BY events.seq DESC
            """, values: conditions.values, read: Events.row)
        let items = window.types.isEmpty ? [] : try rows.map { try work(of: $0, at: window.destination, db) }
        // Events come in nearly in the order of their times: a stretch in which all are too old ends the walk.
        let latest =
            try db.first("SELECT max(received_at) FROM events WHERE seq < ? AND seq >= ?", end, start) {
                $0.instantOrNil(0)
            } ?? nil
        if let latest, latest < window.since { return WorkPage(items: items, next: nil) }
        let further = try db.first("SELECT max(seq) FROM events WHERE seq < ?", start) { $0.intOrNil(0) } ?? nil
        return WorkPage(items: items, next: further.map { $0 + 1 })
    }

    private static func work(of row: EventRow, at destination: String, _ db: Database) throws -> PlannedWork {
        let id = row.event.id
        var work = PlannedWork(
            event: row.event, isPending: row.isPending, isUnplannable: try isUnplannable(id, db),
            decisions: try db.rows(
                "SELECT \(Decision.columns) FROM decisions WHERE event = ? ORDER BY seq LIMIT ?", id,
                Limits.trailItemsMax, read: { try Decision(row: $0) }),
            jobs: try Stories.jobs(ofEvent: id, db))
        guard let subject = row.subject else { return work }
        let root = try Subjects.root(of: subject, db)
        work.identifiers = try Subjects.identifiers(of: root, db)
        work.records = try Looking.records(of: root, at: destination, db)
        work.state = try States.state(of: root, db)
        return work
    }

    static func isUnplannable(_ event: EventID, _ db: Database) throws -> Bool {
        try db.exists(
            "SELECT 1 FROM kept_deliveries WHERE event = ? AND kind = 'unplannable' AND replayed_as IS NULL", event)
    }

    static func arrivals(at source: String, _ ids: [String], _ db: Database) throws -> [String: ArrivalStanding] {
        var found: [String: ArrivalStanding] = [:]
        for id in ids { found[id] = try arrival(at: source, id, db) }
        return found
    }

    private static func arrival(at source: String, _ id: String, _ db: Database) throws -> ArrivalStanding? {
        let event = try db.first(
            "SELECT event FROM event_keys WHERE external_id = ? AND source = ?", id, source
        ) { try $0.id(0, EventTag.self) }
        if let event {
            let isPending = try db.exists(
                "SELECT 1 FROM pending WHERE seq = (SELECT seq FROM events WHERE id = ?)", event)
            return .event(
                event, isPending: isPending, isUnplannable: try isUnplannable(event, db),
                dead: try db.rows(
                    "SELECT id, destination FROM history WHERE event = ? AND state = 'dead' AND is_erased = 0 ORDER BY seq LIMIT ?",
                    event, Limits.effectsPerEventMax
                ) { DeadWork(job: try $0.id(0), destination: $0.text(1)) })
        }
        let kept = try db.rows(
            """
            SELECT id, kind, code FROM kept_deliveries
            WHERE kind IN ('quarantined', 'ignored') AND source = ? AND external_id = ?
            """, source, id
        ) { (id: try $0.id(0, QuarantineTag.self), kind: $0.text(1), code: $0.text(2)) }
        if let quarantined = kept.first(where: { $0.kind == "quarantined" }) {
            return .quarantined(quarantined.id, code: quarantined.code)
        }
        return kept.isEmpty ? nil : .ignored
    }

    static func statuses(ofObjects objects: [String], _ db: Database) throws -> [String: String] {
        var found: [String: String] = [:]
        for object in objects {
            let facts = try db.rows(
                "SELECT \(Facts.columns) FROM facts WHERE object = ? AND type IS NOT NULL ORDER BY seq LIMIT ?",
                object, Limits.trailItemsMax, read: Facts.fact)
            found[object] = facts.newestStatus
        }
        return found
    }
}
