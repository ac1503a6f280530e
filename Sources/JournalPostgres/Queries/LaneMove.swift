internal import Journal
internal import Model

extension Lanes {
    private struct Head {
        var seq: Int64
        /// It runs or a person is asked: it cannot step back.
        var isFixed: Bool
    }

    /// Moves the open jobs in the child's lanes to the root's, before the child is joined to it.
    static func move(from child: SubjectID, to root: SubjectID, at now: Instant, _ db: Transaction) throws {
        let (old, new) = (child.description, root.description)
        let destinations = try db.rows(
            """
            SELECT DISTINCT destination FROM jobs WHERE subject IN (SELECT id FROM subjects WHERE root = $1)
                AND (lane = $2 OR moves_to = $2)
            """, child, old
        ) { $0.text(0) }
        try db.hold(destinations.flatMap { [Locks.lane($0, old), Locks.lane($0, new)] })
        // A dead job may be retried later, and must come back into the common lane.
        try db.run(
            """
            UPDATE history SET lane = $3 WHERE subject IN (SELECT id FROM subjects WHERE root = $1) AND lane = $2
                AND state = 'dead'
            """, child, old, new)
        for destination in destinations {
            try moveHead(in: destination, from: old, to: new, db)
            try db.run(
                "UPDATE jobs SET moves_to = $1 WHERE destination = $2 AND moves_to = $3", new, destination, old)
            try db.run(
                """
                UPDATE jobs SET lane = $3 WHERE subject IN (SELECT id FROM subjects WHERE root = $4)
                    AND destination = $1 AND lane = $2 AND state = 'waiting'
                """, destination, old, new, child)
            try release(destination, new, at: now, db)
        }
    }

    private static func moveHead(in destination: String, from old: String, to new: String, _ db: Transaction) throws {
        guard let child = try head(destination, old, db) else { return }
        guard let root = try head(destination, new, db) else {
            return try setLane(of: child, new, db)
        }
        switch (child.isFixed, root.isFixed) {
        case (true, true): try db.run("UPDATE jobs SET moves_to = $1 WHERE seq = $2", new, child.seq)
        case (false, true): try stepBack(child, into: new, db)
        case (true, false):
            try stepBack(root, into: new, db)
            try setLane(of: child, new, db)
        case (false, false) where child.seq < root.seq:
            try stepBack(root, into: new, db)
            try setLane(of: child, new, db)
        case (false, false): try stepBack(child, into: new, db)
        }
    }

    private static func head(_ destination: String, _ lane: String, _ db: Transaction) throws -> Head? {
        try db.first(
            """
            SELECT seq, state IN ('running', 'held') FROM jobs
            WHERE destination = $1 AND lane = $2 AND state IN \(headStates) FOR UPDATE
            """, destination, lane
        ) { Head(seq: $0.int(0), isFixed: $0.flag(1)) }
    }

    private static func setLane(of head: Head, _ lane: String, _ db: Transaction) throws {
        try db.run("UPDATE jobs SET lane = $1 WHERE seq = $2 AND moves_to IS NULL", lane, head.seq)
    }

    /// Its time stays, so that it does not start before it once its turn comes.
    private static func stepBack(_ head: Head, into lane: String, _ db: Transaction) throws {
        try db.run(
            "UPDATE jobs SET state = 'waiting', wait_kind = 'lane', lane = $1, moves_to = NULL WHERE seq = $2", lane,
            head.seq)
    }
}
