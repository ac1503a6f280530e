internal import GRDB
package import Journal
package import Model

extension SQLiteJournal {
    package func exchange(_ settlements: [Settlement], claims: [ClaimRequest], node: String, now: Instant) async throws
        -> Exchange
    {
        try await writer.transaction { db in
            let refused = try settlements.filter { try !Settling.settle($0, at: now, db) }.map(\.job)
            try Claiming.promoteDue(at: now, db)
            let claimed = try Claiming.claim(claims, node: node, at: now, db)
            return Exchange(claimed: claimed, refused: refused, nextDue: try Claiming.nextDue(db))
        }
    }

    package func keepRequest(_ request: StoredRequest, of job: JobID, token: Int64) async throws -> Bool {
        let entry = RequestQueue.Entry(request: request, job: job, token: token)
        requests.add(entry)
        return try await writer.keep(entry, among: requests)
    }

    package func surroundings(of job: JobID) async throws -> Surroundings? {
        let entry = LookQueue.Entry(job)
        looks.add(entry)
        return try await reader.look(entry, among: looks)
    }

    package func rescueRunning(now: Instant) async throws -> Int {
        try await writer.transaction { db in
            let lost = try JobTable.destinations(db).flatMap { destination in
                try db.rows("SELECT seq, claims FROM jobs WHERE destination = ? AND state = 'running'", destination) {
                    ($0.int(0), $0.int(1))
                }
            }
            for (seq, token) in lost { try Settling.rescue(seq, token: token, at: now, db) }
            return lost.count
        }
    }

    package func expireWaits(now: Instant) async throws -> Int {
        try await writer.transaction { db in
            let expired = try db.rows(
                """
                SELECT seq, wait_kind, wait_value, destination, id FROM jobs
                WHERE state = 'waiting' AND waits_until IS NOT NULL AND waits_until <= ? ORDER BY waits_until LIMIT ?
                """, now, Limits.pageMax
            ) { ($0.int(0), $0.text(1), $0.text(2), $0.text(3), try $0.id(4, JobTag.self)) }
            for (seq, kind, name, destination, job) in expired {
                let cause = IssueCause(destination: destination, errorClass: "missing_\(kind)", field: name)
                try JobTable.end(
                    seq, as: .dead, note: "the \(kind) `\(name)` did not come in time", cause: cause, at: now, db)
                try Issues.note(cause, by: job, at: now, db)
            }
            return expired.count
        }
    }

    package func setPause(_ pause: Pause?, of destination: String, now: Instant) async throws {
        try await writer.transaction { db in
            guard let pause else {
                try db.run("DELETE FROM destinations WHERE name = ?", destination)
                return
            }
            // Where a person has paused it, only a person's word replaces that.
            try db.run(
                """
                INSERT INTO destinations (name, cause, reason, since) VALUES (?, ?, ?, ?)
                ON CONFLICT (name) DO UPDATE SET cause = excluded.cause, reason = excluded.reason,
                    since = excluded.since
                WHERE cause <> 'person' OR excluded.cause = 'person'
                """, destination, pause.cause.rawValue, pause.reason, pause.since)
        }
    }

    package func pauses() async throws -> [String: Pause] {
        try await reader.read { db in
            let rows = try db.rows("SELECT name, cause, reason, since FROM destinations") {
                ($0.text(0), Pause(cause: try $0.word(1), reason: $0.text(2), since: $0.instant(3)))
            }
            return Dictionary(uniqueKeysWithValues: rows)
        }
    }

    package func openAlert(_ alert: NewAlert) async throws {
        try await writer.transaction { try Alerts.open(alert, $0) }
    }

    package func endAlert(key: String, at now: Instant) async throws {
        try await writer.transaction { try Alerts.end(key: key, at: now, $0) }
    }

    /// Lets every lane go on in which somebody waits and nobody is on its way: for maintenance, since none should be
    /// found.
    ///
    /// Returns how many were.
    package func wakeHeadlessLanes() async throws -> Int {
        try await writer.transaction { try Lanes.wakeHeadless($0) }
    }
}
