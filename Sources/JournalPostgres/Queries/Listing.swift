internal import Journal
internal import Model

/// Lists with filters, a page at a time, the newest first.
enum Listing {
    /// A page of events looks at so many rows at most and then gives a cursor, filled or not: however rare what is
    /// asked for, no reading stays open for long.
    private static let eventsScannedMax: Int64 = 100_000
    private static let jobsScannedMax: Int64 = 100_000
    private static let groupsMax = 100

    static func events(_ filter: EventFilter, _ page: PageRequest, _ db: Transaction) throws -> Page<EventRow> {
        var page = page
        let isAscending = filter.after != nil
        if let after = filter.after, page.cursor == nil {
            guard let seq = try db.first("SELECT seq FROM events WHERE id = $1", after, read: { $0.int(0) }) else {
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

    static func jobs(_ filter: JobFilter, _ page: PageRequest, _ db: Transaction) throws -> Page<JobRow> {
        let end = try lastLooked(filter, page, db)
        var halves: [String] = []
        var values: [(any SQLValue)?] = []
        for table in filter.tables {
            var conditions = conditions(of: filter)
            try conditions.addCursor(page)
            if let end { conditions.add("seq >= ?", end) }
            halves.append(
                "(SELECT \(JobRow.columns) FROM \(table)\(conditions.sql) ORDER BY seq DESC "
                    + "LIMIT \(page.limit + 1))")
            values = conditions.values
        }
        let rows = try db.rows(
            "SELECT * FROM (\(halves.joined(separator: " UNION ALL "))) AS found ORDER BY seq DESC "
                + "LIMIT \(page.limit + 1)", values: values
        ) { (seq: $0.int(0), item: try JobRow(row: $0)) }
        var found = Page(rows, limit: page.limit)
        if found.next == nil, let end, end > 1 { found.next = String(end) }
        return found
    }

    /// Completed jobs of one flow or destination may lie anywhere among millions: a page looks at so many at most.
    private static func lastLooked(_ filter: JobFilter, _ page: PageRequest, _ db: Transaction) throws -> Int64? {
        let isWide = filter.states.isEmpty || filter.states.contains(.completed)
        guard isWide, filter != JobFilter(states: filter.states) else { return nil }
        let newest =
            try db.first("SELECT greatest((SELECT max(seq) FROM jobs), (SELECT max(seq) FROM history), 0)") {
                $0.int(0)
            } ?? 0
        return (page.cursor.flatMap { Int64($0) } ?? newest + 1) - jobsScannedMax
    }

    static func conditions(of filter: JobFilter) -> Conditions {
        var conditions = Conditions()
        if filter.states.count == 1, let state = filter.states.first {
            // A literal, so that the index of that state alone is used.
            conditions.add("state = '\(state.rawValue)'")
        } else {
            conditions.add("state", in: filter.states.map(\.rawValue))
        }
        conditions.addEqual("destination", filter.destination)
        conditions.addEqual("flow", filter.flow)
        conditions.addEqual("error_class", filter.errorClass)
        conditions.add("created_at", since: filter.since, until: filter.until)
        return conditions
    }

    static func deadGroups(_ filter: JobFilter, _ db: Transaction) throws -> [DeadGroup] {
        var filter = filter
        filter.states = [.dead]
        let conditions = conditions(of: filter)
        return try db.rows(
            """
            SELECT destination, action || coalesce('#' || alias, ''), coalesce(error_class, ''),
                (array_agg(coalesce(error, note, '') ORDER BY ended_at DESC))[1], count(*), min(ended_at), max(ended_at)
            FROM (SELECT * FROM history\(conditions.sql) ORDER BY seq DESC LIMIT \(DeadGroup.jobsMax)) AS newest
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
    static func keptDeliveries(_ filter: KeptFilter, _ page: PageRequest, _ db: Transaction) throws -> Page<
        KeptDelivery
    > {
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
                "(SELECT \(KeptDelivery.columns) FROM kept_deliveries\(conditions.sql) ORDER BY seq DESC "
                    + "LIMIT \(page.limit + 1))")
            values = conditions.values
        }
        let rows = try db.rows(
            "SELECT * FROM (\(halves.joined(separator: " UNION ALL "))) AS found ORDER BY seq DESC "
                + "LIMIT \(page.limit + 1)", values: values
        ) { (seq: $0.int(0), item: try KeptDelivery(row: $0)) }
        return Page(rows, limit: page.limit)
    }

    private static func kept(of event: EventID, _ filter: KeptFilter, _ page: PageRequest, _ db: Transaction) throws
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

    private static func walkKept(_ filter: KeptFilter, _ page: PageRequest, _ db: Transaction) throws -> Page<
        KeptDelivery
    > {
        let newest = try db.first("SELECT max(seq) FROM kept_deliveries") { $0.int(0) } ?? 0
        let end = (try page.place ?? newest + 1) - eventsScannedMax
        var conditions = Conditions()
        try conditions.addCursor(page)
        conditions.add("seq >= ?", end)
        // Walked over in their order, with a bound on how many.
        conditions.add("kind", in: filter.kinds.map(\.rawValue))
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

    static func keptDelivery(_ id: QuarantineID, _ db: Transaction) throws -> KeptDelivery? {
        try db.first(
            "SELECT \(KeptDelivery.columns) FROM kept_deliveries WHERE id = $1", id, read: { try KeptDelivery(row: $0) }
        )
    }
}
