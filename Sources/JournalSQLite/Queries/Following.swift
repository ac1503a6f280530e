internal import GRDB
package import Journal
package import Model

extension SQLiteJournal {
    package func newestChange(now: Instant) async throws -> ChangeCursor {
        try await reader.read { try Following.newest(now: now, $0) }
    }

    package func changes(after cursor: ChangeCursor, until: Instant, limit: Int) async throws -> [Change] {
        try await reader.read { try Following.changes(after: cursor, until: until, limit: limit, $0) }
    }
}

/// What came since a cursor: new events, new jobs, jobs that ended.
enum Following {
    static func newest(now: Instant, _ db: Database) throws -> ChangeCursor {
        ChangeCursor(
            event: try db.first("SELECT seq FROM sqlite_sequence WHERE name = 'events'") { $0.int(0) } ?? 0,
            job: try Looking.newestJob(db), endedAt: now)
    }

    /// Each kind goes on at its own place, so the oldest of all kinds together can be cut at any one.
    static func changes(after cursor: ChangeCursor, until: Instant, limit: Int, _ db: Database) throws -> [Change] {
        let found =
            try events(after: cursor.event, limit, db) + jobs(after: cursor.job, limit, db)
            + JobState.allCases.filter(\.isEnded).flatMap { try ended($0, after: cursor, until: until, limit, db) }
        return cursor.cut(found, limit: limit)
    }

    private static func events(after seq: Int64, _ limit: Int, _ db: Database) throws -> [FoundChange] {
        var latest = Instant(milliseconds: 0)
        return try db.rows(
            """
            SELECT \(Events.columns), pending.seq FROM events LEFT JOIN pending ON pending.seq = events.seq
            WHERE events.seq > ? ORDER BY events.seq LIMIT ?
            """, seq, limit
        ) { row in
            let event = try Events.row(row)
            // A clock that was set back must not bring a later event in front of an earlier one.
            latest = max(latest, event.event.receivedAt)
            return FoundChange(seq: row.int(0), at: latest, what: .event(event))
        }
    }

    /// Open ones; those that ended since are told by their end.
    private static func jobs(after seq: Int64, _ limit: Int, _ db: Database) throws -> [FoundChange] {
        var latest = Instant(milliseconds: 0)
        return try db.rows(
            "SELECT \(JobRow.columns) FROM jobs WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit
        ) { row in
            let job = try JobRow(row: row)
            latest = max(latest, job.createdAt)
            return FoundChange(seq: row.int(0), at: latest, what: .job(job))
        }
    }

    private static func ended(
        _ state: JobState, after cursor: ChangeCursor, until: Instant, _ limit: Int, _ db: Database
    ) throws -> [FoundChange] {
        try db.rows(
            """
            SELECT \(JobRow.columns) FROM history
            WHERE state = ? AND (ended_at, seq) > (?, ?) AND ended_at <= ? ORDER BY ended_at, seq LIMIT ?
            """, state.rawValue, cursor.endedAt, cursor.ended, until, limit
        ) { row in
            let job = try JobRow(row: row)
            return FoundChange(seq: row.int(0), at: job.endedAt ?? job.createdAt, what: .job(job), isEnd: true)
        }
    }
}
