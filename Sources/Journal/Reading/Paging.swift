internal import Model

extension PageRequest {
    /// The number of the row at which the page before ended; a cursor that none of our pages gave is refused.
    package var place: Int64? {
        get throws {
            guard let cursor else { return nil }
            guard let place = Int64(cursor) else {
                throw Failure(.invalid, "The cursor is not one that a page gave. Begin without it.", field: "cursor")
            }
            return place
        }
    }
}

extension Page {
    /// Out of up to `limit + 1` rows with their numbers.
    package init(_ rows: [(seq: Int64, item: Item)], limit: Int) {
        let shown = rows.prefix(limit)
        self.init(items: shown.map(\.item), next: rows.count > limit ? shown.last.map { String($0.seq) } : nil)
    }
}
