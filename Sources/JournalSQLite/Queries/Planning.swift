internal import GRDB
package import Journal
package import Model

extension SQLiteJournal {
    package func planPending(
        limit: Int, now: Instant, plan: @escaping @Sendable (Event, any PlanTransaction) throws -> Void
    ) async throws -> PlanSummary {
        try await writer.planPending(limit: max(1, limit), now: now, plan: plan)
    }
}

extension JournalWriter {
    private struct Pending {
        var seq: Int64
        var crashes: Int64
        var event: Event
    }

    /// An event of a batch without savepoints could not be planned.
    private struct NeedsSavepoints: Error {}

    func planPending(limit: Int, now: Instant, plan: @Sendable (Event, any PlanTransaction) throws -> Void) throws
        -> PlanSummary
    {
        let file = file
        return try write { db in
            let batch = try Self.nextBatch(limit, db)
            guard !batch.isEmpty else { return PlanSummary(planned: 0, isMore: false, hasNewWork: false) }
            // A savepoint for each event costs more than planning it, so they are made only where one throws.
            do {
                return try Self.commitPlan(of: batch, isGuarded: false, file, now: now, db, by: plan)
            } catch is NeedsSavepoints {
                return try Self.commitPlan(of: batch, isGuarded: true, file, now: now, db, by: plan)
            }
        }
    }

    private static func nextBatch(_ limit: Int, _ db: Database) throws -> [Pending] {
        try db.rows(
            """
            SELECT \(Events.columns), pending.crashes FROM pending JOIN events ON events.seq = pending.seq
            ORDER BY pending.seq LIMIT ?
            """, limit
        ) { Pending(seq: $0.int(0), crashes: $0.int(15), event: try Events.event($0)) }
    }

    private static func commitPlan(
        of batch: [Pending], isGuarded: Bool, _ file: JournalFile, now: Instant, _ db: Database,
        by plan: (Event, any PlanTransaction) throws -> Void
    ) throws -> PlanSummary {
        try commit(db) { db in
            try db.run("UPDATE clock SET tick = tick + 1")
            let transaction = Plan(db: db, tick: try db.first("SELECT tick FROM clock") { $0.int(0) } ?? 0)
            var summary = PlanSummary(planned: 0, isMore: false, hasNewWork: false)
            // The process lives where this is left by an error: that was no crash.
            defer { file.note(onDesk: nil) }
            for pending in batch {
                file.note(onDesk: pending.seq)
                transaction.current = (pending.event.id, pending.seq)
                if let reason = try reason(against: pending, isGuarded: isGuarded, transaction, plan) {
                    try setAside(pending.event, code: reason.code, reason: reason.text, now: now, transaction)
                    summary.unplannable.append(pending.event.id)
                } else {
                    summary.planned += 1
                }
                try db.run("DELETE FROM pending WHERE seq = ?", pending.seq)
            }
            if summary.planned > 0 { try endAlert(at: now, db) }
            summary.isMore = try db.exists("SELECT 1 FROM pending LIMIT 1")
            summary.hasNewWork = transaction.hasNewWork
            return summary
        }
    }

    /// Plans one event; where that cannot be, says why.
    private static func reason(
        against pending: Pending, isGuarded: Bool, _ transaction: Plan,
        _ plan: (Event, any PlanTransaction) throws -> Void
    ) throws -> (code: String, text: String)? {
        guard pending.crashes < Limits.plansStartedMax else {
            return ("crashed", "The process ended \(pending.crashes) times while this event was being planned.")
        }
        if isGuarded { return try inSavepoint(transaction.db) { try plan(pending.event, transaction) } }
        do {
            try plan(pending.event, transaction)
            return nil
        } catch let error as DatabaseError where SQLiteTrouble.isGeneral(error) {
            throw error
        } catch {
            throw NeedsSavepoints()
        }
    }

    /// Nil where `body` went through; what it wrote is taken back where it threw.
    ///
    /// An error of the disk ends the batch.
    private static func inSavepoint(_ db: Database, _ body: () throws -> Void) throws -> (code: String, text: String)? {
        do {
            try db.inSavepoint {
                try body()
                return .commit
            }
            return nil
        } catch let error as DatabaseError where SQLiteTrouble.isGeneral(error) {
            throw error
        } catch let failure as Failure {
            return (failure.code.name, "Planning refused it: \(failure.message)")
        } catch {
            return ("error", "Planning failed on it (\(type(of: error))).")
        }
    }

    /// The alert ends when what was set aside has been replayed and planned.
    private static func endAlert(at now: Instant, _ db: Database) throws {
        let isOver = try db.exists(
            """
            SELECT 1 FROM alerts WHERE key = 'unplannable' AND ended_at IS NULL AND NOT EXISTS (
                SELECT 1 FROM kept_deliveries WHERE kind = 'unplannable' AND replayed_as IS NULL)
            """)
        if isOver { try Alerts.end(key: "unplannable", at: now, db) }
    }

    private static func setAside(_ event: Event, code: String, reason: String, now: Instant, _ plan: Plan) throws {
        let payload = try Events.payload(of: event.id, plan.db) ?? []
        _ = try Intake.keep(.unplannable(event, code: code, reason: reason, payload: payload, at: now), plan.db)
        // It may lie there from an earlier time, replayed since: it waits for a person again.
        try plan.db.run(
            "UPDATE kept_deliveries SET replayed_as = NULL WHERE kind = 'unplannable' AND event = ?", event.id)
        try Alerts.open(.unplannable(event.id, reason: reason, at: now), plan.db)
    }
}
