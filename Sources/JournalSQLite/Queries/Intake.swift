internal import GRDB
package import Journal
internal import Model

extension SQLiteJournal {
    package func append(_ batch: [Arrival]) async throws -> [Appended] {
        guard !batch.isEmpty else { return [] }
        // Worked out here, beside the writer: it is the one thread that all commits share.
        let rows = batch.map(IntakeRow.init)
        return try await writer.append(rows)
    }
}

/// An arrival with all that can be worked out before the transaction.
struct IntakeRow: Sendable {
    let arrival: Arrival
    /// An event's data as it is written; empty for other arrivals.
    let data: SQLText
    /// An event's payload as it is written; empty for other arrivals.
    let body: [UInt8]

    init(_ arrival: Arrival) {
        self.arrival = arrival
        guard case .event(let event, let payload, _) = arrival else {
            (data, body) = (SQLText(utf8: []), [])
            return
        }
        (data, body) = (SQLText(utf8: event.data.encoded), PackedBody.pack(payload))
    }
}

extension JournalWriter {
    /// The whole batch in one transaction; where one row of it is wrong, each arrival in its own.
    func append(_ batch: [IntakeRow]) throws -> [Appended] {
        try write { db in
            do {
                return try Self.commit(db) { db in try batch.map { try Intake.append($0, db) } }
            } catch let error where SQLiteTrouble.isGeneral(error) {
                throw error
            } catch {
                return try batch.map { row in try Self.appendAlone(row, db) }
            }
        }
    }

    private static func appendAlone(_ row: IntakeRow, _ db: Database) throws -> Appended {
        do {
            return try commit(db) { db in try Intake.append(row, db) }
        } catch let error where SQLiteTrouble.isGeneral(error) {
            throw error
        } catch {
            let code = (error as? DatabaseError)?.extendedResultCode.rawValue ?? 0
            return .refused(reason: "the journal cannot hold it (SQLite result \(code))")
        }
    }
}

/// Commit 1, a row at a time.
enum Intake {
    static func append(_ row: IntakeRow, _ db: Database) throws -> Appended {
        switch row.arrival {
        case .event(let event, _, let replayed):
            let appended = try append(event, row, db)
            if let replayed {
                let id = if case .duplicate(let earlier) = appended { earlier } else { event.id }
                try db.run("UPDATE kept_deliveries SET replayed_as = ? WHERE id = ?", id, replayed)
            }
            return appended
        case .kept(let delivery): return try keep(delivery, db)
        }
    }

    private static func append(_ event: Event, _ row: IntakeRow, _ db: Database) throws -> Appended {
        let isNew =
            try db.run(
                "INSERT INTO event_keys (external_id, source, event) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                event.externalID, event.source, event.id) > 0
        guard isNew else {
            let earlier = try db.first(
                "SELECT event FROM event_keys WHERE external_id = ? AND source = ?", event.externalID, event.source
            ) { try $0.id(0, EventTag.self) }
            return .duplicate(earlier ?? event.id)
        }
        try db.run(
            """
            INSERT INTO events (id, source, external_id, external_type, type, role, occurred_at, received_at, session,
                user, data, is_recovered, trace) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, event.id, event.source, event.externalID, event.externalType, event.type.name, event.role.rawValue,
            event.occurredAt, event.receivedAt, event.session, event.user, row.data, event.isRecovered,
            event.trace)
        let seq = db.lastInsertedRowID
        try db.run("INSERT INTO payloads (seq, body) VALUES (?, ?)", seq, row.body)
        try db.run("INSERT INTO pending (seq, crashes) VALUES (?, 0)", seq)
        return .accepted(event.id)
    }

    /// Once for each (kind, source, external id): the earlier row stays.
    static func keep(_ delivery: KeptDelivery, _ db: Database) throws -> Appended {
        let isNew =
            try db.run(
                """
                INSERT INTO kept_deliveries (id, kind, source, external_id, external_type, code, reason, field,
                    received_at, replayed_as, event, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (kind, source, external_id) DO NOTHING
                """, delivery.id, delivery.kind.rawValue, delivery.source, delivery.externalID, delivery.externalType,
                delivery.code, delivery.reason, delivery.field, delivery.receivedAt, delivery.replayedAs,
                delivery.event, delivery.payload) > 0
        if isNew { return .kept(delivery.id) }
        let earlier = try db.first(
            "SELECT id FROM kept_deliveries WHERE kind = ? AND source = ? AND external_id = ?",
            delivery.kind.rawValue, delivery.source, delivery.externalID
        ) { try $0.id(0, QuarantineTag.self) }
        return .kept(earlier ?? delivery.id)
    }
}
