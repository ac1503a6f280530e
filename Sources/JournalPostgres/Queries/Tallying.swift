package import Journal
package import Model

/// Work that was done, by day.
enum Tallying {
    private static let mark = "work_tallied"

    /// Counts the next piece of time before `end`; false where all is counted.
    ///
    /// Whoever holds the mark counts; another node finds it moved on. Times in which nothing ended are passed over.
    static func tally(until end: Instant, _ db: Transaction) throws -> Bool {
        try db.run("INSERT INTO marks (name, at) VALUES ($1, 0) ON CONFLICT (name) DO NOTHING", mark)
        let counted = try db.first("SELECT at FROM marks WHERE name = $1 FOR UPDATE", mark) { $0.instantOrNil(0) }
        let first = try db.first(
            "SELECT min(ended_at) FROM history WHERE state = 'completed' AND ended_at >= $1",
            (counted ?? nil) ?? Instant(milliseconds: 0)
        ) { $0.instantOrNil(0) }
        guard let start = first ?? nil, let span = TallySpan.next(from: start, until: end) else { return false }
        try db.run(
            """
            INSERT INTO work_days (day, destination, action, completed)
            SELECT $1, destination, action, count(*) FROM history
            WHERE state = 'completed' AND ended_at >= $2 AND ended_at < $3 AND note IS NULL
            GROUP BY destination, action
            ON CONFLICT (day, destination, action) DO UPDATE SET completed = work_days.completed + excluded.completed
            """, WorkDay(span.lowerBound).number, span.lowerBound, span.upperBound)
        try db.run("UPDATE marks SET at = $1 WHERE name = $2", span.upperBound, mark)
        return true
    }

    static func done(since day: WorkDay, _ db: Transaction) throws -> [WorkTally] {
        try db.rows(
            """
            SELECT day, destination, action, completed FROM work_days WHERE day >= $1
            ORDER BY day, destination, action
            """, day.number
        ) {
            WorkTally(
                day: WorkDay(number: $0.int(0)), destination: $0.text(1), action: $0.text(2),
                completed: Int($0.int(3)))
        }
    }
}

extension PostgresJournal {
    package func pulse(until end: Instant, span: Duration, count: Int) async throws -> Pulse {
        try await reading { try Surveying.pulse(until: end, span: span, count: count, $0) }
    }

    package func decisions(_ filter: DecisionFilter, page: PageRequest) async throws -> Page<Decision> {
        try await reading { try Surveying.decisions(filter, page, $0) }
    }

    package func flowFigures() async throws -> FlowFigures {
        try await reading { try Surveying.flowFigures($0) }
    }

    package func keptGroups(_ filter: KeptFilter) async throws -> [KeptGroup] {
        try await reading { try Surveying.keptGroups(filter, $0) }
    }

    package func workDone(since day: WorkDay) async throws -> [WorkTally] {
        try await reading { try Tallying.done(since: day, $0) }
    }

    /// Without the locks of a plan: it would stand in the way of planners, and writes nothing that they could miss.
    package func rehearse<Value: Sendable>(_ body: @escaping @Sendable (any PlanTransaction) throws -> Value)
        async throws -> Value
    {
        try await reading { db in
            let plan = Plan(db: db, isRehearsing: true)
            let value = try body(plan)
            // What a plan leaves for its end is refused as any write is.
            try plan.writeRest()
            return value
        }
    }

    package func tallyWork(until end: Instant) async throws -> Bool {
        try await writing { try Tallying.tally(until: end, $0) }
    }
}
