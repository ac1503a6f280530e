internal import Journal
internal import Model

/// Rows of `events` as values.
enum Events {
    static let columns = """
        events.seq, events.id, events.source, events.external_id, events.external_type, events.type, events.role,
        events.occurred_at, events.received_at, events.session, events.user_id, events.data, events.subject,
        events.is_recovered, events.trace
        """

    static func event(_ row: SQLRow) throws -> Event { try event(row, from: 0) }

    /// Read from that column on.
    static func event(_ row: SQLRow, from first: CInt) throws -> Event {
        Event(
            id: try row.id(first + 1), source: row.text(first + 2), externalID: row.text(first + 3),
            externalType: row.text(first + 4), type: EventType(row.text(first + 5)), role: try row.word(first + 6),
            occurredAt: row.instant(first + 7), receivedAt: row.instant(first + 8),
            session: row.textOrNil(first + 9), user: row.textOrNil(first + 10), data: try row.object(first + 11),
            isRecovered: row.flag(first + 13), trace: row.textOrNil(first + 14))
    }

    /// Needs the column `pending.seq` after `columns`.
    static func row(_ row: SQLRow) throws -> EventRow {
        EventRow(event: try event(row), subject: try row.idOrNil(12), isPending: !row.isNull(15))
    }

    static func event(_ id: EventID, _ db: Transaction) throws -> Event? {
        try db.first("SELECT \(columns) FROM events WHERE id = $1", id, read: event)
    }

    static func ask(for ids: [EventID], _ db: Transaction) throws -> Transaction.AskedForMany<Event> {
        try db.askForMany(
            "id", [SQLArray(ids)], count: ids.count, "SELECT \(columns) FROM events WHERE events.id = wanted.id"
        ) { try event($0, from: 1) }
    }

    static func payload(of id: EventID, _ db: Transaction) throws -> [UInt8]? {
        try db.first("SELECT body FROM payloads WHERE seq = (SELECT seq FROM events WHERE id = $1)", id) { $0.blob(0) }
    }
}
