package import Journal
package import Model
internal import Seams
internal import Synchronization

extension PostgresJournal {
    package func exchange(_ settlements: [Settlement], claims: [ClaimRequest], node: String, now: Instant) async throws
        -> Exchange
    {
        do {
            return try await settleAndClaim(settlements, claims: claims, node: node, now: now)
        } catch {
            // After a failover the server may have lost what this node has seen: it begins at the beginning.
            positions.withLock { $0 = ClaimPositions() }
            throw error
        }
    }

    private func settleAndClaim(
        _ settlements: [Settlement], claims: [ClaimRequest], node: String, now: Instant
    ) async throws -> Exchange {
        let uptime = time.uptime
        let requests = claims.filter { $0.limit > 0 }
        let (readings, dueFloor) = positions.withLock { positions in
            (requests.map { positions.reading(of: $0.destination, at: uptime) }, positions.dueFloor(at: uptime))
        }
        let (exchange, claimed, isAllPromoted) = try await working.transaction(.durable) { db in
            let refused = try Settling.settle(settlements, at: now, db)
            let promoted = try Claiming.promoteDue(since: dueFloor, at: now, db)
            let asked = try zip(requests, readings).map {
                try Claiming.claim($0, from: $1, node: node, at: now, db)
            }
            let nextDue = try Claiming.nextDue(since: dueFloor, db)
            let claimed = try asked.map { try $0.answer() }
            let exchange = Exchange(
                claimed: claimed.flatMap(\.jobs), refused: refused, nextDue: try nextDue.rows().first)
            return (exchange, claimed, try promoted.rows() == [true])
        }
        positions.withLock { positions in
            for claim in claimed { positions.note(claim.sights, of: claim.destination) }
            positions.notePromotion(until: isAllPromoted ? now : nil)
        }
        return exchange
    }

    package func keepRequest(_ request: StoredRequest, of job: JobID, token: Int64) async throws -> Bool {
        let entry = requests.add(Keeping.Question(request: request, job: job, token: token))
        return try await keeping.answer(entry, among: requests, .durable, Keeping.keep)
    }

    package func surroundings(of job: JobID) async throws -> Surroundings? {
        let index = Int(chance.next() % UInt64(readers.count))
        let entry = looks[index].add(job)
        return try await readers[index].answer(entry, among: looks[index], .reading, Looking.surroundings)
    }

    package func expireWaits(now: Instant) async throws -> Int {
        let node = node
        return try await writing { db in
            if try Nodes.leads(node, in: "lanes", db), try Nodes.isDue("lanes", everySeconds: 60, db) {
                try Lanes.wakeHeadless(db)
            }
            return try Waits.expire(at: now, db)
        }
    }

    package func setPause(_ pause: Pause?, of destination: String, now: Instant) async throws {
        try await writing { db in
            guard let pause else {
                try db.run("DELETE FROM destinations WHERE name = $1", destination)
                return
            }
            // Where a person has paused it, only a person's word replaces that.
            try db.run(
                """
                INSERT INTO destinations (name, cause, reason, since) VALUES ($1, $2, $3, $4)
                ON CONFLICT (name) DO UPDATE SET cause = excluded.cause, reason = excluded.reason,
                    since = excluded.since
                WHERE destinations.cause <> 'person' OR excluded.cause = 'person'
                """, destination, pause.cause.rawValue, pause.reason, pause.since)
        }
    }

    package func pauses() async throws -> [String: Pause] {
        try await reading { db in
            let rows = try db.rows("SELECT name, cause, reason, since FROM destinations") {
                ($0.text(0), Pause(cause: try $0.word(1), reason: $0.text(2), since: $0.instant(3)))
            }
            return Dictionary(uniqueKeysWithValues: rows)
        }
    }

    package func openAlert(_ alert: NewAlert) async throws {
        try await writing { try Alerts.open(alert, $0) }
    }

    package func endAlert(key: String, at now: Instant) async throws {
        try await writing { try Alerts.end(key: key, at: now, $0) }
    }
}

/// Waits for a field or a record that have lasted too long.
enum Waits {
    static func expire(at now: Instant, _ db: Transaction) throws -> Int {
        let old = try db.rows(
            """
            SELECT seq FROM jobs
            WHERE state = 'waiting' AND waits_until IS NOT NULL AND waits_until <= $1 ORDER BY waits_until LIMIT $2
            """, now, Limits.pageMax
        ) { $0.int(0) }
        try Lanes.hold(lanesOf: old, db)
        // What it waited for may have come before its lane was held.
        let expired = try db.rows(
            """
            SELECT seq, wait_kind, wait_value, destination, id FROM jobs
            WHERE seq = ANY ($1) AND state = 'waiting' AND waits_until <= $2 ORDER BY seq FOR UPDATE
            """, SQLArray(old), now
        ) { ($0.int(0), $0.text(1), $0.text(2), $0.text(3), try $0.id(4, JobTag.self)) }
        var failures: [(IssueCause, JobID)] = []
        for (seq, kind, name, destination, job) in expired {
            let cause = IssueCause(destination: destination, errorClass: "missing_\(kind)", field: name)
            try JobTable.end(
                seq, as: .dead, note: "the \(kind) `\(name)` did not come in time", cause: cause, at: now, db)
            failures.append((cause, job))
        }
        try Issues.note(failures, at: now, db)
        return expired.count
    }
}
