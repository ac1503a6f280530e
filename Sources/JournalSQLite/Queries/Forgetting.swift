internal import GRDB
internal import Journal
internal import Model

/// Erases a person.
///
/// What stays says that something happened, not about whom.
///
/// Sender's event ids stay, because they keep a late repeat of an event from counting as new. Keys of facts and
/// effects hold addresses and payment ids: they get names that say nothing.
enum Forgetting {
    private static let tree = "(SELECT id FROM subjects WHERE root = ?1)"
    private static let events = "(SELECT id FROM events WHERE subject IN (SELECT id FROM subjects WHERE root = ?1))"
    private static let seqs = "(SELECT seq FROM events WHERE subject IN (SELECT id FROM subjects WHERE root = ?1))"

    static func forget(
        _ subject: SubjectID, besides mentions: Mentions, at now: Instant, _ db: Database
    ) throws -> Erasure {
        guard try db.exists("SELECT 1 FROM subjects WHERE id = ?", subject) else {
            throw Failure(.notFound, "There is no subject \(subject).")
        }
        let root = try Subjects.root(of: subject, db)
        try forgetDifferences(of: root, db)
        let jobs = try forgetJobs(of: root, at: now, db)
        let facts = try forgetFacts(of: root, db)
        let kept = try forgetKept(mentions, db)
        let events = try forgetEvents(of: root, db)
        let identifiers = try db.run("DELETE FROM identifiers WHERE subject IN \(tree)", root)
        for table in ["joins WHERE child", "joins WHERE root", "states WHERE subject", "records WHERE subject"] {
            try db.run("DELETE FROM \(table) IN \(tree)", root)
        }
        try db.run("UPDATE decisions SET detail = NULL WHERE subject IN \(tree)", root)
        return Erasure(subject: root, events: events, facts: facts, jobs: jobs, identifiers: identifiers, kept: kept)
    }

    private static func forgetEvents(of root: SubjectID, _ db: Database) throws -> Int {
        try db.run("DELETE FROM payloads WHERE seq IN \(seqs)", root)
        try db.run("DELETE FROM pending WHERE seq IN \(seqs)", root)
        return try db.run(
            "UPDATE events SET data = '{}', session = NULL, user = NULL WHERE subject IN \(tree)", root)
    }

    /// What reconciliations found amiss names events and records.
    private static func forgetDifferences(of root: SubjectID, _ db: Database) throws {
        try db.run("DELETE FROM differences WHERE event IN \(events)", root)
    }

    private static func forgetKept(_ mentions: Mentions, _ db: Database) throws -> Int {
        for kept in mentions.kept {
            try db.run("UPDATE kept_deliveries SET payload = x'' WHERE seq = ?", kept.seq)
            guard let event = kept.event else { continue }
            // One that was never planned belongs to nobody yet.
            let changed = try db.run(
                "UPDATE events SET data = '{}', session = NULL, user = NULL WHERE id = ? AND subject IS NULL", event)
            if changed > 0 {
                try db.run("DELETE FROM payloads WHERE seq = (SELECT seq FROM events WHERE id = ?)", event)
            }
        }
        return mentions.kept.count
    }

    private static func forgetFacts(of root: SubjectID, _ db: Database) throws -> Int {
        try db.run("DELETE FROM fact_events WHERE event IN \(events)", root)
        return try db.run(
            """
            UPDATE facts SET key = 'erased:' || seq, object = NULL, data = '{}', origins = '{}'
            WHERE subject IN \(tree)
            """, root)
    }

    /// Open jobs are cancelled; one that runs ends, but leaves nothing behind when it does.
    private static func forgetJobs(of root: SubjectID, at now: Instant, _ db: Database) throws -> Int {
        let open = try db.rows("SELECT seq FROM jobs WHERE subject IN \(tree) AND state <> 'running'", root) {
            $0.int(0)
        }
        for seq in open { try JobTable.end(seq, as: .cancelled, note: Erasure.note, at: now, db) }
        var count = 0
        for table in ["jobs", "history"] {
            let mine = "(SELECT seq FROM \(table) WHERE subject IN \(tree))"
            try db.run("DELETE FROM requests WHERE job IN \(mine)", root)
            try db.run("UPDATE attempts SET error = NULL WHERE job IN \(mine)", root)
            try db.run("DELETE FROM effects WHERE key IN (SELECT effect FROM \(table) WHERE subject IN \(tree))", root)
            count += try db.run(
                """
                UPDATE \(table) SET is_erased = 1, effect = 'erased/' || seq, fact = NULL, error = NULL,
                    record_id = NULL, record_url = NULL WHERE subject IN \(tree)
                """, root)
        }
        // A lane may bear the name of an object; what has ended needs none.
        try db.run("UPDATE history SET lane = NULL, moves_to = NULL WHERE subject IN \(tree)", root)
        return count
    }
}
