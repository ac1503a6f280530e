package import Journal
package import Model

extension PostgresJournal {
    package func installationSecret(_ name: String, fresh: [UInt8]) async throws -> [UInt8] {
        try await writing { db in
            try db.run(
                "INSERT INTO installation (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", name, fresh)
            return try db.first("SELECT value FROM installation WHERE name = $1", name) { $0.blob(0) } ?? fresh
        }
    }

    package func standing(of event: EventID) async throws -> EventStanding? {
        try await reading { try Persons.standing(of: event, $0) }
    }

    package func told(in session: String) async throws -> [EventRow] {
        try await reading { try Persons.told(in: session, $0) }
    }

    package func holding(of root: SubjectID) async throws -> SubjectHolding {
        try await reading { try Persons.holding(of: Subjects.root(of: root, $0), $0) }
    }

    package func aged(before time: Instant, countingTo limit: Int) async throws -> AgedCounts {
        try await reading { try Persons.aged(before: time, countingTo: limit, $0) }
    }
}

/// What is here of one person.
enum Persons {
    static let toldMax = 500

    static func standing(of event: EventID, _ db: Transaction) throws -> EventStanding? {
        let row = try db.first(
            """
            SELECT \(Events.columns), pending.seq FROM events LEFT JOIN pending ON pending.seq = events.seq
            WHERE events.id = $1
            """, event, read: Events.row)
        guard let row else { return nil }
        let found = "id IN (SELECT job FROM decisions WHERE event = $1 AND job IS NOT NULL) OR event = $1"
        let jobs = try db.rows(
            """
            SELECT \(JobRow.columns) FROM jobs WHERE \(found)
            UNION ALL SELECT \(JobRow.columns) FROM history WHERE \(found) ORDER BY seq LIMIT $2
            """, event, Limits.trailItemsMax, read: { try JobRow(row: $0) })
        return EventStanding(row: row, isUnplannable: try Comparing.isUnplannable(event, db), jobs: jobs)
    }

    static func told(in session: String, _ db: Transaction) throws -> [EventRow] {
        try db.rows(
            """
            SELECT \(Events.columns), NULL FROM events WHERE subject IN (
                SELECT id FROM subjects WHERE proven_root IN (
                    SELECT proven_root FROM identifiers JOIN subjects ON subjects.id = identifiers.subject
                    WHERE value = $1 AND kind = 'session' AND basis = 'proven'))
            AND role = 'states' ORDER BY events.seq DESC LIMIT $2
            """, session, toldMax, read: Events.row)
    }

    static func holding(of root: SubjectID, _ db: Transaction) throws -> SubjectHolding {
        let tree = "(SELECT id FROM subjects WHERE root = $1)"
        let joins = try db.rows(
            "SELECT child, root, basis, kind, value FROM joins WHERE child IN \(tree) OR root IN \(tree) ORDER BY seq",
            root
        ) {
            let basis = try $0.word(2, SubjectIdentifier.Basis.self)
            return SubjectJoin(
                child: try $0.id(0), root: try $0.id(1), basis: basis,
                through: SubjectIdentifier(SubjectIdentifier.Kind($0.text(3)), $0.text(4), basis))
        }
        return SubjectHolding(
            identifiers: try Subjects.identifiers(of: root, db), joins: joins, state: try States.state(of: root, db),
            facts: try db.rows(
                "SELECT \(Facts.columns) FROM facts WHERE subject IN \(tree) ORDER BY seq", root, read: Facts.fact),
            records: try Looking.records(of: root, db))
    }

    // MARK: Age

    static func aged(before time: Instant, countingTo limit: Int, _ db: Transaction) throws -> AgedCounts {
        let events = try firstYoung(in: "events", at: "received_at", than: time, db)
        let kept = try firstYoung(in: "kept_deliveries", at: "received_at", than: time, db)
        func count(_ table: String, below seq: Int64) throws -> Int {
            try db.count("SELECT count(*) FROM (SELECT 1 FROM \(table) WHERE seq < $1 LIMIT $2) AS counted", seq, limit)
        }
        return AgedCounts(
            payloads: try count("payloads", below: events), kept: try count("kept_deliveries", below: kept),
            events: try count("events", below: events),
            oldest: try db.first("SELECT received_at FROM events ORDER BY seq LIMIT 1") { $0.instant(0) })
    }

    /// The number of the first row that is younger: found by halving, since rows stand in the order in which they came.
    private static func firstYoung(
        in table: String, at column: String, than time: Instant, _ db: Transaction
    ) throws -> Int64 {
        let bounds = try db.first("SELECT coalesce(min(seq), 0), coalesce(max(seq), -1) + 1 FROM \(table)") {
            ($0.int(0), $0.int(1))
        }
        guard var (low, high) = bounds else { return 0 }
        while low < high {
            let middle = low + (high - low) / 2
            let row = try db.first(
                "SELECT seq, \(column) FROM \(table) WHERE seq >= $1 ORDER BY seq LIMIT 1", middle
            ) { (seq: $0.int(0), at: $0.instant(1)) }
            if let row, row.at < time { low = row.seq + 1 } else { high = middle }
        }
        return low
    }
}
