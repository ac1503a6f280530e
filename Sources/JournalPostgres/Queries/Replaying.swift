internal import Journal
internal import Model
internal import Settings

/// Puts an event on the desk again.
enum Replaying {
    static func plan(_ event: EventID, _ db: Transaction) throws -> ReplayPlan {
        guard try db.exists("SELECT 1 FROM events WHERE id = $1", event) else {
            throw Failure(.notFound, "There is no event \(event).")
        }
        let jobs = try Stories.jobs(ofEvent: event, db)
        return ReplayPlan(
            event: event, completed: jobs.filter { $0.state == .completed }, open: jobs.filter { !$0.state.isEnded },
            dead: jobs.filter { $0.state == .dead })
    }

    static func replay(
        _ event: EventID, repeating: ReplayPlan?, mint: () -> JobID, at now: Instant, _ db: Transaction
    ) throws {
        let erased = try db.exists(
            "SELECT 1 FROM jobs WHERE event = $1 AND is_erased "
                + "UNION ALL SELECT 1 FROM history WHERE event = $1 AND is_erased LIMIT 1", event)
        guard
            try !erased
                && db.exists(
                    "SELECT 1 FROM payloads WHERE seq = (SELECT seq FROM events WHERE id = $1)", event)
        else {
            throw Failure(.conflict, "Event \(event) cannot be replayed: what it said was erased.")
        }
        try db.run(
            """
            INSERT INTO pending (seq) SELECT seq FROM events WHERE id = $1
            ON CONFLICT (seq) DO UPDATE SET crashes = 0, is_suspect = false
            """, event)
        try Nodes.noteReplan(db)
        try db.run(
            "UPDATE kept_deliveries SET replayed_as = event WHERE kind = 'unplannable' AND event = $1", event)
        guard let repeating else { return }
        for job in repeating.completed + repeating.dead { try repeatEffect(of: job, mint: mint, at: now, db) }
    }

    /// One ended job's effect once more; says which job will do it.
    static func repeatEffect(of job: JobID, mint: () -> JobID, at now: Instant, _ db: Transaction) throws -> JobID {
        guard let row = try Stories.job(job, db)?.row else { throw Failure(.notFound, "There is no job \(job).") }
        guard row.state.isEnded, !row.effect.text.hasPrefix("erased/") else {
            throw Failure(.conflict, "Job \(job) is \(row.state.rawValue) or erased, and cannot be repeated.")
        }
        guard let next = try repeatEffect(of: row, mint: mint, at: now, db) else {
            throw Failure(.conflict, "The effect of job \(job) was repeated already.")
        }
        return next
    }

    /// The same effect as a new generation, at the end of its lane; nil where there is one already.
    @discardableResult
    private static func repeatEffect(of job: JobRow, mint: () -> JobID, at now: Instant, _ db: Transaction) throws
        -> JobID?
    {
        let old = try db.first(
            "SELECT action, alias, lane, priority, stops_lane FROM history WHERE id = $1", job.id
        ) { ($0.text(0), $0.textOrNil(1), $0.textOrNil(2), Int($0.int(3)), $0.flag(4)) }
        guard let (action, alias, lane, priority, stopsLane) = old,
            let effect = try nextGeneration(of: job.effect, db)
        else { return nil }
        let root = try Subjects.root(of: job.subject, db)
        let id = mint()
        _ = try JobTable.insert(
            NewJob(
                id: id, effect: effect, flow: job.flow,
                call: Flow.Call(destination: job.destination, action: action, alias: alias), event: job.event,
                fact: job.fact, subject: root,
                // The lane of a subject is its root's by now.
                lane: lane.map { SubjectID($0) == nil ? $0 : root.description }, priority: priority, startsAt: now,
                stopsLaneWhenDead: stopsLane), at: now, db)
        return id
    }

    /// Nil where a later generation was ordered already: that one is repeated, not this one.
    private static func nextGeneration(of effect: EffectKey, _ db: Transaction) throws -> EffectKey? {
        guard let slash = effect.text.lastIndex(of: "/"),
            let generation = Int(effect.text[effect.text.index(after: slash)...])
        else { return nil }
        let next = EffectKey(text: "\(effect.text[..<slash])/\(generation + 1)")
        return try db.exists("SELECT 1 FROM effects WHERE key = $1", next.text) ? nil : next
    }
}
