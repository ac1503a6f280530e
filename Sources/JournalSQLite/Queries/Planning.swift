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
    /// One event that lies on the desk.
    private struct Pending {
        var seq: Int64
        var crashes: Int64
        var event: Event
    }

    func planPending(limit: Int, now: Instant, plan: @Sendable (Event, any PlanTransaction) throws -> Void) throws
        -> PlanSummary
    {
        try write { db in
            let batch = try Self.nextBatch(limit, db)
            guard let first = batch.first, let last = batch.last else {
                return PlanSummary(planned: 0, isMore: false, hasNewWork: false)
            }
            let tick = try Self.noteDesk(first: first.seq, last: last.seq, db)
            do {
                return try Self.commit(db) { db in
                    try Self.plan(batch, with: Plan(db: db, tick: tick), now: now, by: plan)
                }
            } catch {
                // The process lives: this was no crash. The next batch writes the desk anew in any case.
                _ = try? db.run("UPDATE desk SET first = NULL, last = NULL")
                throw error
            }
        }
    }

    /// The oldest pending events.
    ///
    /// One that was on the desk at a crash lies there alone, so that another crash tells which it was.
    private static func nextBatch(_ limit: Int, _ db: Database) throws -> [Pending] {
        let pending = try db.rows(
            """
            SELECT \(Events.columns), pending.crashes FROM pending JOIN events ON events.seq = pending.seq
            ORDER BY pending.seq LIMIT ?
            """, limit
        ) { Pending(seq: $0.int(0), crashes: $0.int(13), event: try Events.event($0)) }
        let suspects = { (one: Pending) in (1..<Int64(Limits.plansStartedMax)).contains(one.crashes) }
        guard let first = pending.first, !suspects(first) else { return Array(pending.prefix(1)) }
        return Array(pending.prefix { !suspects($0) })
    }

    /// Writes what is on the desk before the work begins, and gives this plan's tick.
    ///
    /// Committed but not synced: this must outlive a crash of the process, not of the machine, and so it costs no wait
    /// for the disk. `Recovery` reads it.
    private static func noteDesk(first: Int64, last: Int64, _ db: Database) throws -> Int64 {
        try db.execute(sql: "PRAGMA synchronous = NORMAL")
        let noted = Result {
            try db.run("UPDATE desk SET first = ?, last = ?, tick = tick + 1", first, last)
            return try db.first("SELECT tick FROM desk") { $0.int(0) } ?? 0
        }
        try JournalFile.makeDurable(db)
        return try noted.get()
    }

    private static func plan(
        _ batch: [Pending], with transaction: Plan, now: Instant,
        by plan: (Event, any PlanTransaction) throws -> Void
    ) throws -> PlanSummary {
        let db = transaction.db
        var summary = PlanSummary(planned: 0, isMore: false, hasNewWork: false)
        for pending in batch {
            var reason: (code: String, text: String)?
            if pending.crashes >= Limits.plansStartedMax {
                reason = ("crashed", "The process ended \(pending.crashes) times while this event was being planned.")
            } else {
                reason = try inSavepoint(db) { try plan(pending.event, transaction) }
            }
            if let reason {
                try setAside(pending.event, code: reason.code, reason: reason.text, now: now, transaction)
                summary.unplannable.append(pending.event.id)
            } else {
                summary.planned += 1
            }
            try db.run("DELETE FROM pending WHERE seq = ?", pending.seq)
        }
        try db.run("UPDATE desk SET first = NULL, last = NULL")
        summary.isMore = try db.exists("SELECT 1 FROM pending LIMIT 1")
        summary.hasNewWork = transaction.hasNewWork
        return summary
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

    private static func setAside(_ event: Event, code: String, reason: String, now: Instant, _ plan: Plan) throws {
        _ = try Intake.keep(
            KeptDelivery(
                id: QuarantineID(at: now, random: (event.id.high, event.id.low)), kind: .unplannable,
                source: event.source, externalID: event.externalID, externalType: event.externalType, code: code,
                reason: reason, receivedAt: event.receivedAt,
                payload: try Events.payload(of: event.id, plan.db) ?? [], event: event.id), plan.db)
        // It may lie there from an earlier time, replayed since: it waits for a person again.
        try plan.db.run(
            "UPDATE kept_deliveries SET replayed_as = NULL WHERE kind = 'unplannable' AND event = ?", event.id)
        try Alerts.open(
            NewAlert(
                key: "unplannable", title: "An event could not be planned",
                detail: "Event \(event.id) was set aside: \(reason) Replay it when the cause is gone.", at: now),
            plan.db)
    }
}
