internal import GRDB
package import Journal
package import Model

extension SQLiteJournal {
    package func bulkPlan(_ action: BulkAction, _ filter: JobFilter) async throws -> BulkPlan {
        try await reader.read { try Changing.plan(action, filter, $0) }
    }

    package func bulk(_ action: BulkAction, _ filter: JobFilter, limit: Int, by actor: String, now: Instant)
        async throws
        -> Int
    {
        try await writer.transaction { db in
            let jobs = try Changing.chosen(action, filter, limit: limit, db)
            for job in jobs { try Changing.change(job, action, by: actor, at: now, db) }
            guard !jobs.isEmpty else { return 0 }
            try Auditing.note(
                AuditRow(
                    at: now, actor: actor, action: "jobs.\(action.rawValue)", target: filter.text,
                    detail: "\(jobs.count) jobs"), db)
            return jobs.count
        }
    }

    package func change(_ job: JobID, _ action: BulkAction, by actor: String, now: Instant) async throws {
        try await writer.transaction { db in
            try Changing.change(Changing.changeable(job, action, db), action, by: actor, at: now, db)
            try Auditing.note(
                AuditRow(at: now, actor: actor, action: "jobs.\(action.rawValue)", target: job.description), db)
        }
    }

    package func setAside(_ deliveries: [QuarantineID], by actor: String, now: Instant) async throws -> Int {
        try await writer.transaction { db in
            let count = try deliveries.reduce(0) { count, id in
                try count
                    + db.run(
                        """
                        UPDATE kept_deliveries SET kind = 'ignored' WHERE id = ? AND \(KeptDelivery.canBeSetAside)
                        """, id)
            }
            if count > 0 {
                try Auditing.note(
                    AuditRow(
                        at: now, actor: actor, action: "quarantine.set_aside",
                        target: "\(count) \(count == 1 ? "delivery" : "deliveries")"), db)
            }
            return count
        }
    }

    package func replayPlan(_ event: EventID) async throws -> ReplayPlan {
        try await reader.read { try Replaying.plan(event, $0) }
    }

    package func replay(
        _ event: EventID, repeating: Bool, mint: @escaping @Sendable () -> JobID, by actor: String, now: Instant
    ) async throws -> ReplayPlan {
        try await writer.transaction { db in
            let plan = try Replaying.plan(event, db)
            try Replaying.replay(event, repeating: repeating ? plan : nil, mint: mint, at: now, db)
            try Auditing.note(
                AuditRow(
                    at: now, actor: actor, action: "events.replay", target: event.description,
                    detail: repeating ? "repeating \(plan.completed.count + plan.dead.count) jobs" : nil), db)
            return plan
        }
    }

    package func forget(_ root: SubjectID, by actor: String, now: Instant) async throws -> Erasure {
        // Looked for beside the writer: it may take long where much is in quarantine.
        let mentions = try await reader.read { try Mentions(of: Subjects.root(of: root, $0), $0) }
        guard mentions.waiting == 0 else { throw Naming.waiting(mentions.waiting) }
        let erasure = try await writer.transaction { db in
            let erasure = try Forgetting.forget(root, besides: mentions, at: now, db)
            try Auditing.note(
                AuditRow(at: now, actor: actor, action: "subjects.forget", target: erasure.subject.description), db)
            return erasure
        }
        // The log still holds what was overwritten: it goes to the file and is emptied. A reader of this moment can
        // put that off until the next checkpoint, which is no error.
        try await writer.emptyLog()
        return erasure
    }

    package func checkWritable() async throws {
        // A change that changes nothing still takes the file's lock and writes a commit.
        try await writer.transaction { db in
            _ = try db.run("INSERT INTO marks (name) VALUES ('writable') ON CONFLICT (name) DO NOTHING")
            _ = try db.run("DELETE FROM marks WHERE name = 'writable'")
        }
    }

    package func backup(to path: String) async throws {
        let source = self.path
        try await copier.guarded { try Backing.copy(source, to: path) }
    }
}
