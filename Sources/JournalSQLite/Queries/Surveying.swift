internal import GRDB
internal import Journal
internal import Model

/// Rows of figures and groups for the console.
enum Surveying {
    static func pulse(until end: Instant, span: Duration, count: Int, _ db: Database) throws -> Pulse {
        let starts = Pulse.starts(until: end, span: span, count: count)
        var beats: [Pulse.Beat] = []
        var low = try Figures.first(since: starts[0], db)
        for (index, start) in starts.enumerated() {
            let stop = index + 1 < starts.count ? starts[index + 1] : end
            let high = try Figures.first(since: stop, from: low, db)
            beats.append(
                Pulse.Beat(
                    start: start, events: try Figures.events(from: low, to: high, db),
                    completed: try ended(.completed, from: start, to: stop, db),
                    dead: try ended(.dead, from: start, to: stop, db)))
            low = high
        }
        return Pulse(span: span, beats: beats)
    }

    private static func ended(_ state: JobState, from start: Instant, to stop: Instant, _ db: Database) throws -> Int {
        try db.count(
            """
            SELECT count(*) FROM (
                SELECT 1 FROM history WHERE state = ? AND ended_at >= ? AND ended_at < ?
                LIMIT \(SurveyLimits.beatCountMax)) AS ended
            """, state.rawValue, start, stop)
    }

    // MARK: Decisions

    static func decisions(_ filter: DecisionFilter, _ page: PageRequest, _ db: Database) throws -> Page<Decision> {
        let newest = try db.first("SELECT max(seq) FROM decisions") { $0.int(0) } ?? 0
        let start = page.cursor.flatMap { Int64($0) } ?? newest + 1
        let end = start - SurveyLimits.decisionsScannedMax
        var conditions = Conditions()
        try conditions.addCursor(page)
        conditions.add("seq >= ?", end)
        conditions.addEqual("flow", filter.flow)
        conditions.add("outcome", in: filter.outcomes.map(\.rawValue))
        let rows = try db.rows(
            """
            SELECT \(Decision.columns), seq FROM decisions\(conditions.sql) ORDER BY seq DESC
            LIMIT \(page.limit + 1)
            """, values: conditions.values
        ) { (seq: $0.int(8), item: try Decision(row: $0)) }
        var found = Page(rows, limit: page.limit)
        if found.next == nil, end > 1 { found.next = String(end) }
        return found
    }

    static func flowFigures(_ db: Database) throws -> FlowFigures {
        let newest = """
            (SELECT flow, outcome, at FROM decisions ORDER BY seq DESC LIMIT \(SurveyLimits.decisionsMax)) AS newest
            """
        let since = try db.first("SELECT min(at) FROM \(newest)") { $0.instantOrNil(0) } ?? nil
        let figures = try db.rows(
            """
            SELECT flow, outcome, count(*), max(at) FROM \(newest) WHERE flow IS NOT NULL
            GROUP BY flow, outcome ORDER BY flow, outcome
            """
        ) {
            FlowFigures.Figure(
                flow: $0.text(0), outcome: try $0.word(1), count: Int($0.int(2)), last: $0.instant(3))
        }
        return FlowFigures(since: since, figures: figures)
    }

    // MARK: Kept deliveries

    /// With one max() of unique values, SQLite takes the other columns from the row that holds it: the newest reason.
    static func keptGroups(_ filter: KeptFilter, _ db: Database) throws -> [KeptGroup] {
        var groups: [KeptGroup] = []
        for kind in filter.kinds.isEmpty ? Set(KeptDelivery.Kind.allCases) : filter.kinds {
            var conditions = Conditions()
            conditions.add("kind = ?", kind.rawValue)
            conditions.add("replayed_as IS NULL")
            Listing.add(filter, to: &conditions)
            groups += try db.rows(
                """
                SELECT source, external_type, code, reason, count(*), min(received_at),
                    received_at, max(seq)
                FROM (
                    SELECT seq, source, external_type, code, reason, received_at FROM kept_deliveries\(conditions.sql)
                    ORDER BY seq DESC LIMIT \(SurveyLimits.keptMax)) AS newest
                GROUP BY source, external_type, code ORDER BY count(*) DESC LIMIT \(SurveyLimits.groupsMax)
                """, values: conditions.values
            ) {
                KeptGroup(
                    kind: kind, source: $0.text(0), externalType: $0.textOrNil(1), code: $0.text(2),
                    reason: $0.text(3), count: Int($0.int(4)), first: $0.instant(5), last: $0.instant(6))
            }
        }
        return groups.sorted { ($1.count, $0.source, $0.code) < ($0.count, $1.source, $1.code) }
    }
}
