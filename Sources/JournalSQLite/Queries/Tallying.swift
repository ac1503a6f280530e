internal import GRDB
package import Journal
package import Model

/// Work that was done, by day.
enum Tallying {
    private static let mark = "work_tallied"

    struct Counted: Sendable {
        var span: Range<Instant>
        var tallies: [WorkTally]
    }

    /// What is to be counted next, and how much it is; nil where all before `end` is counted.
    ///
    /// Times in which nothing ended are passed over.
    static func next(until end: Instant, _ db: Database) throws -> Counted? {
        let counted = try db.first("SELECT at FROM marks WHERE name = ?", mark) { $0.instantOrNil(0) } ?? nil
        let first = try db.first(
            "SELECT min(ended_at) FROM history WHERE state = 'completed' AND ended_at >= ?",
            counted ?? Instant(milliseconds: 0)
        ) { $0.instantOrNil(0) }
        guard let start = first ?? nil, let span = TallySpan.next(from: start, until: end) else { return nil }
        let tallies = try db.rows(
            """
            SELECT destination, action, count(*) FROM history
            WHERE state = 'completed' AND ended_at >= ? AND ended_at < ? AND note IS NULL
            GROUP BY destination, action
            """, span.lowerBound, span.upperBound
        ) {
            WorkTally(
                day: WorkDay(span.lowerBound), destination: $0.text(0), action: $0.text(1), completed: Int($0.int(2)))
        }
        return Counted(span: span, tallies: tallies)
    }

    static func write(_ counted: Counted, _ db: Database) throws {
        for tally in counted.tallies {
            try db.run(
                """
                INSERT INTO work_days (day, destination, action, completed) VALUES (?, ?, ?, ?)
                ON CONFLICT (day, destination, action) DO UPDATE SET completed = completed + excluded.completed
                """, tally.day.number, tally.destination, tally.action, tally.completed)
        }
        try db.run(
            "INSERT INTO marks (name, at) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET at = excluded.at", mark,
            counted.span.upperBound)
    }

    static func done(since day: WorkDay, _ db: Database) throws -> [WorkTally] {
        try db.rows(
            "SELECT day, destination, action, completed FROM work_days WHERE day >= ? ORDER BY day, destination, action",
            day.number
        ) {
            WorkTally(
                day: WorkDay(number: $0.int(0)), destination: $0.text(1), action: $0.text(2),
                completed: Int($0.int(3)))
        }
    }
}

extension SQLiteJournal {
    package func pulse(until end: Instant, span: Duration, count: Int) async throws -> Pulse {
        try await reader.read { try Surveying.pulse(until: end, span: span, count: count, $0) }
    }

    package func decisions(_ filter: DecisionFilter, page: PageRequest) async throws -> Page<Decision> {
        try await reader.read { try Surveying.decisions(filter, page, $0) }
    }

    package func flowFigures() async throws -> FlowFigures {
        try await reader.read { try Surveying.flowFigures($0) }
    }

    package func keptGroups(_ filter: KeptFilter) async throws -> [KeptGroup] {
        try await reader.read { try Surveying.keptGroups(filter, $0) }
    }

    package func workDone(since day: WorkDay) async throws -> [WorkTally] {
        try await reader.read { try Tallying.done(since: day, $0) }
    }

    package func rehearse<Value: Sendable>(_ body: @escaping @Sendable (any PlanTransaction) throws -> Value)
        async throws -> Value
    {
        try await reader.read { try body(Plan(db: $0, tick: 0)) }
    }

    /// Counts beside the writer: what ended in a time that is over does not change any more.
    package func tallyWork(until end: Instant) async throws -> Bool {
        guard let counted = try await reader.read({ try Tallying.next(until: end, $0) }) else { return false }
        try await writer.transaction { try Tallying.write(counted, $0) }
        return true
    }
}
