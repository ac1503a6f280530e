package import Journal
package import Model
internal import Seams
internal import Synchronization

extension PostgresJournal {
    /// At most so many in one transaction, however many are asked for: they hold what they touch until its end, and
    /// others wait for it.
    static let planBatchMax = 64

    package func planPending(
        limit: Int, now: Instant, plan: @escaping @Sendable (Event, any PlanTransaction) throws -> Void
    ) async throws -> PlanSummary {
        let limit = min(max(1, limit), Self.planBatchMax)
        let uptime = time.uptime
        let isSweep = sweeping.withLock { $0.isDue("planning", at: uptime) }
        let position = isSweep ? PendingPosition() : pendingPosition.withLock { $0 }
        do {
            let (summary, sight) = try await planning.planPending(
                limit: limit, node: node, from: position, now: now, plan: plan)
            if let sight { pendingPosition.withLock { $0.note(sight) } }
            return summary
        } catch {
            // As for claims: what was seen may be lost.
            pendingPosition.withLock { $0 = PendingPosition() }
            throw error
        }
    }
}

extension JournalConnection {
    /// A wave that plans one event of so many has not been worth its while.
    private static let waveShareLeast = 4

    func planPending(
        limit: Int, node: String, from position: PendingPosition, now: Instant,
        plan: @Sendable (Event, any PlanTransaction) throws -> Void
    ) throws -> (PlanSummary, PendingPosition.Sight?) {
        let (seqs, sight) = try transaction(.fleeting) { db in
            try Nodes.fillDesk(of: node, limit: limit, from: position, db)
        }
        guard !seqs.isEmpty else { return (PlanSummary(planned: 0, isMore: false, hasNewWork: false), sight) }
        var (summary, busy) = try transaction(.durable) { db in
            db.patience = .none
            return try Self.commitPlan(of: seqs, node: node, from: position, now: now, db, by: plan)
        }
        // What others had in their hands is planned alone: so little held, their end can be waited for.
        for seq in busy {
            guard let one = try planWaiting(seq, node: node, from: position, now: now, plan: plan) else {
                // What stands behind it may be the same person's: it comes with the next batch.
                summary.isMore = true
                break
            }
            summary.planned += one.planned
            summary.unplannable += one.unplannable
            summary.hasNewWork = summary.hasNewWork || one.hasNewWork
        }
        return (summary, sight)
    }

    /// Nil where it is still in other hands: it stays pending.
    private func planWaiting(
        _ seq: Int64, node: String, from position: PendingPosition, now: Instant,
        plan: (Event, any PlanTransaction) throws -> Void
    ) throws -> PlanSummary? {
        do {
            return try once(.durable) { db in
                _ = try db.count("SELECT 1 FROM set_config('lock_timeout', '200ms', true)")
                return try Self.commitPlan(of: [seq], node: node, from: position, now: now, db, by: plan).0
            }
        } catch let error where PostgresTrouble.isCollision(error) {
            return nil
        } catch let error as PostgresError {
            throw PostgresTrouble.failure(error, address.name)
        }
    }

    private static func batch(_ seqs: [Int64], _ db: Transaction) throws -> [PendingEvent] {
        try db.rows(
            """
            SELECT \(Events.columns), pending.crashes FROM pending JOIN events ON events.seq = pending.seq
            WHERE pending.seq = ANY($1) ORDER BY pending.seq FOR UPDATE OF pending SKIP LOCKED
            """, SQLArray(seqs)
        ) { PendingEvent(seq: $0.int(0), crashes: $0.int(15), event: try Events.event($0)) }
    }

    private static func commitPlan(
        of seqs: [Int64], node: String, from position: PendingPosition, now: Instant, _ db: Transaction,
        by plan: (Event, any PlanTransaction) throws -> Void
    ) throws -> (PlanSummary, busy: [Int64]) {
        let transaction = Plan(db: db)
        var summary = PlanSummary(planned: 0, isMore: false, hasNewWork: false)
        var (done, busy): ([Int64], [Int64]) = ([], [])
        var (left, odd): ([PendingEvent], Set<Int64>) = (try batch(seqs, db), [])
        // What events touch, and what those touch that wait for others: what shares that waits behind them.
        var (names, waiting): ([Int64: Set<String>], Set<String>) = ([:], [])
        var mayWave = db.patience == .none
        while let first = left.first {
            if mayWave, !odd.contains(first.seq) {
                let wave = try PlanWave(now: now, db: db).run(left, behind: &waiting, by: plan)
                summary.planned += wave.planned.count
                summary.hasNewWork = summary.hasNewWork || wave.hasNewWork
                done += wave.planned.map(\.seq)
                busy += wave.busy.map(\.seq)
                // Where all hang together, one after the other is the shorter way.
                mayWave = wave.planned.count * waveShareLeast > left.count
                (left, odd, names) = (wave.left, wave.odd, wave.names)
            } else {
                left.removeFirst()
                let touched = names[first.seq] ?? []
                do {
                    guard touched.isDisjoint(with: waiting) else { throw Transaction.Busy() }
                    try planAlone(first, transaction, now: now, &summary, by: plan)
                    done.append(first.seq)
                } catch is Transaction.Busy {
                    busy.append(first.seq)
                    waiting.formUnion(touched)
                }
            }
        }
        try transaction.writeRest()
        if !done.isEmpty { try db.post("DELETE FROM pending WHERE seq = ANY($1)", SQLArray(done)) }
        if summary.planned > 0 { try endAlert(at: now, db) }
        summary.isMore = try Nodes.isAnyPending(for: node, besides: busy, from: position, db)
        summary.hasNewWork = summary.hasNewWork || transaction.hasNewWork
        if summary.hasNewWork { try Hint.jobs.tell(from: node, db) }
        return (summary, busy.sorted())
    }

    /// Plans one event, or sets it aside.
    private static func planAlone(
        _ pending: PendingEvent, _ transaction: Plan, now: Instant, _ summary: inout PlanSummary,
        by plan: (Event, any PlanTransaction) throws -> Void
    ) throws {
        transaction.begin(pending.event.id, seq: pending.seq)
        if let reason = try reason(against: pending, transaction, plan) {
            try setAside(pending.event, code: reason.code, reason: reason.text, now: now, transaction)
            summary.unplannable.append(pending.event.id)
        } else {
            summary.planned += 1
        }
    }

    /// Plans one event; where that cannot be, says why, with nothing of it left.
    private static func reason(
        against pending: PendingEvent, _ transaction: Plan, _ plan: (Event, any PlanTransaction) throws -> Void
    ) throws -> (code: String, text: String)? {
        guard pending.crashes < Limits.plansStartedMax else {
            return ("crashed", "The process ended \(pending.crashes) times while this event was being planned.")
        }
        do {
            try transaction.db.inSavepoint {
                try plan(pending.event, transaction)
                try transaction.end()
            }
            return nil
        } catch let busy as Transaction.Busy {
            transaction.takeBack()
            throw busy
        } catch let error as PostgresError where PostgresTrouble.isGeneral(error) {
            throw error
        } catch is PostgresError where transaction.db.patience == .none {
            // Another node may have written the same just now; planned alone, it shows whether it is the event.
            transaction.takeBack()
            throw Transaction.Busy()
        } catch let failure as Failure {
            transaction.takeBack()
            return (failure.code.name, "Planning refused it: \(failure.message)")
        } catch {
            transaction.takeBack()
            return ("error", "Planning failed on it (\(type(of: error))).")
        }
    }

    /// The alert ends when what was set aside has been replayed and planned.
    private static func endAlert(at now: Instant, _ db: Transaction) throws {
        try db.post(
            """
            UPDATE alerts SET ended_at = $1 WHERE key = 'unplannable' AND ended_at IS NULL AND NOT EXISTS (
                SELECT 1 FROM kept_deliveries WHERE kind = 'unplannable' AND replayed_as IS NULL)
            """, now)
    }

    private static func setAside(_ event: Event, code: String, reason: String, now: Instant, _ plan: Plan) throws {
        let payload = try Events.payload(of: event.id, plan.db) ?? []
        _ = try Intake.keep(.unplannable(event, code: code, reason: reason, payload: payload, at: now), plan.db)
        // It may lie there from an earlier time, replayed since: it waits for a person again.
        try plan.db.run(
            "UPDATE kept_deliveries SET replayed_as = NULL WHERE kind = 'unplannable' AND event = $1", event.id)
        try Alerts.open(.unplannable(event.id, reason: reason, at: now), plan.db)
    }
}
