/// Which changes of a table's rows become events.
package struct RowChanges: Sendable, Hashable {
    package enum Update: Sendable, Hashable {
        /// A change of any column that the event carries.
        case carried
        case columns([String])
    }

    package var insert: Bool
    package var update: Update?
    package var delete: Bool

    package init(insert: Bool = false, update: Update? = nil, delete: Bool = false) {
        self.insert = insert
        self.update = update
        self.delete = delete
    }

    /// `insert,update:status,stage,delete`: the names after `update:` are columns, up to the next kind of change.
    ///
    /// Nil where it says something else. A column that is called `insert`, `update` or `delete` can only stand first,
    /// right after the colon.
    package init?(_ text: String) {
        guard let items = NameList.read(text, separator: ",") else { return nil }
        self.init()
        var columns: [String] = []
        var isListing = false
        for item in items {
            let isChange = ["insert", "update", "delete"].contains(item) || item.hasPrefix("update:")
            if isListing, !isChange {
                columns.append(item)
                continue
            }
            isListing = item.hasPrefix("update:")
            switch item {
            case "insert": insert = true
            case "delete": delete = true
            case "update": update = update ?? .carried
            case _ where isListing && update == nil && item != "update:":
                columns = [String(item.dropFirst("update:".count))]
                update = .carried
            default: return nil
            }
        }
        if !columns.isEmpty { update = .columns(columns) }
    }
}
