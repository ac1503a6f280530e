internal import GRDB
internal import Journal
internal import Model

/// Lists with filters, a page at a time, the newest first.
enum Listing {
    /// A page of events looks at so many rows at most and then gives a cursor, filled or not: however rare what is
    /// asked for, no reading stays open for long.
    private static let eventsScannedMax: Int64 = 100_000
    private static let jobsScannedMax: Int64 = 100_000
    /// So many open jobs are sorted for a page, and not more.
    private static let sortedMax = 10_000
    private static let groupsMax = 100

    static func events(_ filter: EventFilter, _ page: PageRequest, _ db: Database) throws -> Page<EventRow> {
        var page = page
        let isAscending = filter.after != nil
        if let after = filter.after, page.cursor == nil {
            guard let seq = try db.first("SELECT seq FROM events WHERE id = ?", after, read: { $0.int(0) }) else {
                throw Failure(.notFound, "There is no event \(after).")
            }
            page.cursor = String(seq)
        }
        let newest = try db.first("SELECT max(seq) FROM events") { $0.int(0) } ?? 0
        let start = page.cursor.flatMap { Int64($0) } ?? newest + 1
        let end = isAscending ? start + eventsScannedMax : start - eventsScannedMax
        var conditions = Conditions()
        try conditions.addCursor(page, "events.seq", isAscending: isAscending)
        conditions.add("events.seq \(isAscending ? "<=" : ">=") ?", end)
        conditions.addEqual("events.source", filter.source)
        conditions.addEqual("events.type", filter.type?.name)
        conditions.add("events.received_at", since: filter.since, until: filter.until)
        if let root = filter.subject {
            conditions.add("events.subject IN (SELECT id FROM subjects WHERE root = ?)", root)
        }
        let rows = try db.rows(
            """
            SELECT \(Events.columns), pending.seq FROM events LEFT JOIN pending ON pending.seq = events.seq
            \(conditions.sql) ORDER BY events.seq \(isAscending ? "ASC" : "DESC") LIMIT \(page.limit + 1)
            """, values: conditions.values
        ) { (seq: $0.int(0), item: try Events.row($0)) }
        var found = Page(rows, limit: page.limit)
        if found.next == nil, isAscending ? end < newest : end > 1 { found.next = String(end) }
        return found
    }

    /// Few jobs are found by what they are and sorted; among many the newest are looked through, which no sort of all
    /// that match may precede.
    static func jobs(_ filter: JobFilter, _ page: PageRequest, _ db: Database) throws -> Page<JobRow> {
        let end = try isOfMany(filter, db) ? lastLooked(page, db) : nil
        var halves: [String] = []
        var values: [(any SQLValue)?] = []
        for table in filter.tables {
            var conditions = conditions(of: filter, isLookedThrough: end != nil)
            try conditions.addCursor(page)
            if let end { conditions.add("seq >= ?", end) }
            halves.append(
                "SELECT * FROM (SELECT \(JobRow.columns) FROM \(table)\(conditions.sql) ORDER BY seq DESC "
                    + "LIMIT \(page.limit + 1))")
            values += conditions.values
        }
        let rows = try db.rows(
            halves.joined(separator: " UNION ALL ") + " ORDER BY seq DESC LIMIT \(page.limit + 1)", values: values
        ) { (seq: $0.int(0), item: try JobRow(row: $0)) }
        var found = Page(rows, limit: page.limit)
        if found.next == nil, let end, end > 1 { found.next = String(end) }
        return found
    }

    /// Whether what is asked for may lie anywhere among many: completed jobs of one flow or destination, or open ones
    /// where there are that many.
    private static func isOfMany(_ filter: JobFilter, _ db: Database) throws -> Bool {
        if filter.states.isEmpty || filter.states.contains(.completed) {
            return filter != JobFilter(states: filter.states)
        }
        let open = filter.states.filter { !$0.isEnded }
        guard !open.isEmpty, let destination = filter.destination else { return false }
        var conditions = Conditions()
        conditions.addEqual("destination", destination)
        conditions.add("state", in: open.map(\.rawValue))
        let count = try db.rows(
            "SELECT count(*) FROM (SELECT 1 FROM jobs\(conditions.sql) LIMIT \(sortedMax))", values: conditions.values
        ) { $0.int(0) }
        return count == [Int64(sortedMax)]
    }

    /// A page looks at so many at most.
    private static func lastLooked(_ page: PageRequest, _ db: Database) throws -> Int64 {
        let newest =
            try db.first(
                "SELECT max(coalesce((SELECT max(seq) FROM jobs), 0), coalesce((SELECT max(seq) FROM history), 0))"
            ) { $0.int(0) } ?? 0
        return (page.cursor.flatMap { Int64($0) } ?? newest + 1) - jobsScannedMax
    }

    /// `isLookedThrough`: by number, and by no index of what is asked for (`+` keeps SQLite from it).
    static func conditions(of filter: JobFilter, isLookedThrough: Bool = false) -> Conditions {
        let plus = isLookedThrough ? "+" : ""
        var conditions = Conditions()
        if filter.states.count == 1, let state = filter.states.first {
            // A literal, so that the index of that state alone is used.
            conditions.add("\(plus)state = '\(state.rawValue)'")
        } else {
            conditions.add("\(plus)state", in: filter.states.map(\.rawValue))
        }
        conditions.addEqual("\(plus)destination", filter.destination)
        conditions.addEqual("flow", filter.flow)
        conditions.addEqual("\(plus)error_class", filter.errorClass)
        conditions.add("created_at", since: filter.since, until: filter.until)
        return conditions
    }

    static func deadGroups(_ filter: JobFilter, _ db: Database) throws -> [DeadGroup] {
        var filter = filter
        filter.states = [.dead]
        let conditions = conditions(of: filter)
        // With max(), SQLite takes the other columns from the row that holds the maximum: the newest error.
        return try db.rows(
            """
            SELECT destination, action || coalesce('#' || alias, ''), coalesce(error_class, ''),
                coalesce(error, note, ''), count(*), min(ended_at), max(ended_at)
            FROM (SELECT * FROM history\(conditions.sql) ORDER BY seq DESC LIMIT \(DeadGroup.jobsMax))
            GROUP BY destination, action, alias, error_class
            ORDER BY count(*) DESC, destination, action, error_class LIMIT \(groupsMax)
            """, values: conditions.values
        ) {
            DeadGroup(
                destination: $0.text(0), action: $0.text(1), errorClass: $0.text(2), error: $0.text(3),
                count: Int($0.int(4)), first: $0.instant(5), last: $0.instant(6))
        }
    }

    // MARK: Kept deliveries

    /// What waits is found by its kind, however much of other kinds there is; of what was read again a page looks at so
    /// many at most.
    static func keptDeliveries(_ filter: KeptFilter, _ page: PageRequest, _ db: Database) throws -> Page<KeptDelivery> {
        if let event = filter.event { return try kept(of: event, filter, page, db) }
        guard filter.isReplayed == false else { return try walkKept(filter, page, db) }
        var halves: [String] = []
        var values: [(any SQLValue)?] = []
        let kinds = filter.kinds.isEmpty ? Set(KeptDelivery.Kind.allCases) : filter.kinds
        for kind in kinds {
            var conditions = Conditions()
            try conditions.addCursor(page)
            conditions.add("kind = '\(kind.rawValue)' AND replayed_as IS NULL")
            add(filter, to: &conditions)
            halves.append(
                "SELECT * FROM (SELECT \(KeptDelivery.columns) FROM kept_deliveries\(conditions.sql) ORDER BY seq DESC "
                    + "LIMIT \(page.limit + 1))")
            values += conditions.values
        }
        let rows = try db.rows(
            halves.joined(separator: " UNION ALL ") + " ORDER BY seq DESC LIMIT \(page.limit + 1)", values: values
        ) { (seq: $0.int(0), item: try KeptDelivery(row: $0)) }
        return Page(rows, limit: page.limit)
    }

    private static func kept(of event: EventID, _ filter: KeptFilter, _ page: PageRequest, _ db: Database) throws
        -> Page<KeptDelivery>
    {
        var conditions = Conditions()
        try conditions.addCursor(page)
        conditions.add("(event = ? OR replayed_as = ?)", event, event)
        conditions.add("kind", in: filter.kinds.map(\.rawValue))
        if let isReplayed = filter.isReplayed { conditions.add("(replayed_as IS NOT NULL) = ?", isReplayed) }
        add(filter, to: &conditions)
        let rows = try db.rows(
            "SELECT \(KeptDelivery.columns) FROM kept_deliveries\(conditions.sql) ORDER BY seq DESC LIMIT \(page.limit + 1)",
            values: conditions.values
        ) { (seq: $0.int(0), item: try KeptDelivery(row: $0)) }
        return Page(rows, limit: page.limit)
    }

    private static func walkKept(_ filter: KeptFilter, _ page: PageRequest, _ db: Database) throws -> Page<KeptDelivery>
    {
        let newest = try db.first("SELECT max(seq) FROM kept_deliveries") { $0.int(0) } ?? 0
        let end = (try page.place ?? newest + 1) - eventsScannedMax
        var conditions = Conditions()
        try conditions.addCursor(page)
        conditions.add("seq >= ?", end)
        // Walked over in their order: by the index of kinds all of a kind would be sorted.
        conditions.add("+kind", in: filter.kinds.map(\.rawValue))
        if filter.isReplayed == true { conditions.add("replayed_as IS NOT NULL") }
        add(filter, to: &conditions)
        let rows = try db.rows(
            "SELECT \(KeptDelivery.columns) FROM kept_deliveries\(conditions.sql) ORDER BY seq DESC LIMIT \(page.limit + 1)",
            values: conditions.values
        ) { (seq: $0.int(0), item: try KeptDelivery(row: $0)) }
        var found = Page(rows, limit: page.limit)
        if found.next == nil, end > 1 { found.next = String(end) }
        return found
    }

    static func add(_ filter: KeptFilter, to conditions: inout Conditions) {
        conditions.addEqual("source", filter.source)
        conditions.addEqual("external_type", filter.externalType)
        conditions.addEqual("code", filter.code)
        conditions.add("received_at", since: filter.since, until: filter.until)
    }

    static func keptDelivery(_ id: QuarantineID, _ db: Database) throws -> KeptDelivery? {
        try db.first(
            "SELECT \(KeptDelivery.columns) FROM kept_deliveries WHERE id = ?", id, read: { try KeptDelivery(row: $0) })
    }
}
