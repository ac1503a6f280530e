internal import Journal
internal import Model

/// A `WHERE` that grows by what a filter names; values are always bound.
struct Conditions {
    private(set) var sql = ""
    private(set) var values: [(any SQLValue)?] = []

    mutating func add(_ condition: String, _ values: (any SQLValue)?...) {
        sql += (sql.isEmpty ? " WHERE " : " AND ") + condition
        self.values += values
    }

    mutating func add(_ column: String, in words: [String]) {
        guard !words.isEmpty else { return }
        sql += (sql.isEmpty ? " WHERE " : " AND ") + "\(column) IN (\(words.map { _ in "?" }.joined(separator: ", ")))"
        values += words.sorted()
    }

    mutating func addEqual(_ column: String, _ value: (any SQLValue)?) {
        if let value { add("\(column) = ?", value) }
    }

    mutating func add(_ column: String, since: Instant?, until: Instant?) {
        if let since { add("\(column) >= ?", since) }
        if let until { add("\(column) < ?", until) }
    }

    /// Goes on below the row at which the page before ended; a cursor that none of our pages gave is refused.
    mutating func addCursor(_ page: PageRequest, _ column: String = "seq", isAscending: Bool = false) throws {
        guard let seq = try page.place else { return }
        add("\(column) \(isAscending ? ">" : "<") ?", seq)
    }
}
