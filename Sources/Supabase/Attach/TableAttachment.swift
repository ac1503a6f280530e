package import Model

/// What ties a table of the product to an event type: which changes become events, and which column is which field.
package struct TableAttachment: Sendable, Hashable {
    package struct Field: Sendable, Hashable {
        package var name: String
        package var column: String

        package init(name: String, column: String) {
            self.name = name
            self.column = column
        }
    }

    package struct Fixed: Sendable, Hashable {
        package var name: String
        package var value: JSONValue

        package init(name: String, value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    package var table: TableName
    package var type: EventType
    package var changes: RowChanges
    package var fields: [Field]
    /// Fields that are the same for every row.
    package var fixed: [Fixed]
    /// The columns that tell one row from another: a primary key or a unique index.
    package var key: [String]
    /// The column that changes with every change worth telling; nil: each change is told.
    package var version: String?
    package var session: String?
    package var user: String?
    /// Where the time of what happened stands; nil: the time of the transaction.
    package var occurredAt: String?

    package init(
        table: TableName, type: EventType, changes: RowChanges = RowChanges(insert: true), fields: [Field] = [],
        fixed: [Fixed] = [], key: [String] = ["id"], version: String? = nil, session: String? = nil,
        user: String? = nil, occurredAt: String? = nil
    ) {
        self.table = table
        self.type = type
        self.changes = changes
        self.fields = fields
        self.fixed = fixed
        self.key = key
        self.version = version
        self.session = session
        self.user = user
        self.occurredAt = occurredAt
    }

    /// Columns whose text goes into the event.
    var carried: [String] { fields.map(\.column) + [session, user, occurredAt].compactMap { $0 } }

    /// Every column that is named, once.
    var columns: [String] {
        var seen: Set<String> = []
        let watched: [String] = if case .columns(let names) = changes.update { names } else { [] }
        return (key + [version].compactMap { $0 } + carried + watched).filter { seen.insert($0).inserted }
    }
}
