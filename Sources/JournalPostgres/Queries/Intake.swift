package import Journal
internal import Model

extension PostgresJournal {
    package func append(_ batch: [Arrival]) async throws -> [Appended] {
        guard !batch.isEmpty else { return [] }
        return try await acknowledging.append(batch, node: node)
    }
}

extension JournalConnection {
    /// The whole batch in one transaction; where one row of it is wrong, each arrival in its own.
    func append(_ batch: [Arrival], node: String) throws -> [Appended] {
        do {
            return try transaction(.durable) { db in
                do {
                    let appended = try Intake.append(batch, db)
                    try Hint.events.tell(from: node, db)
                    return appended
                } catch let error as PostgresError where !PostgresTrouble.isGeneral(error) {
                    throw WrongRow()
                }
            }
        } catch is WrongRow {
            return try batch.map { try appendAlone($0) }
        }
    }

    /// A row of the batch is one that the database cannot hold.
    private struct WrongRow: Error {}

    private func appendAlone(_ arrival: Arrival) throws -> Appended {
        try transaction(.durable) { db in
            do {
                return try db.inSavepoint { try Intake.append([arrival], db).first ?? .refused(reason: "no answer") }
            } catch let error as PostgresError where !PostgresTrouble.isGeneral(error) {
                return .refused(reason: "the journal cannot hold it (SQLSTATE \(error.state))")
            }
        }
    }
}

/// Commit 1.
enum Intake {
    /// An event with its place in the batch.
    private struct Item {
        var place: Int
        var event: Event
        var payload: [UInt8]
    }

    static func append(_ batch: [Arrival], _ db: Transaction) throws -> [Appended] {
        let entries = batch.enumerated().compactMap { place, arrival -> Item? in
            guard case .event(let event, let payload, _) = arrival else { return nil }
            return Item(place: place, event: event, payload: payload)
        }
        let events = entries.isEmpty ? [:] : try append(entries, db)
        return try batch.enumerated().map { place, arrival in
            switch arrival {
            case .kept(let delivery): return try keep(delivery, db)
            case .event(let event, _, let replayed):
                let appended = events[place] ?? .accepted(event.id)
                if let replayed {
                    let id = if case .duplicate(let earlier) = appended { earlier } else { event.id }
                    try db.run("UPDATE kept_deliveries SET replayed_as = $1 WHERE id = $2", id, replayed)
                }
                return appended
            }
        }
    }

    /// Keys, events, bodies and pending rows of all in one statement; by place, what became of each.
    ///
    /// Keys are taken in their own order, so that two nodes with the same events wait for each other and no more; of
    /// equal keys in one batch the first counts. A key that another transaction is just writing is waited for.
    private static func append(_ entries: [Item], _ db: Transaction) throws -> [Int: Appended] {
        let events = entries.map(\.event)
        let new = try db.rows(
            """
            WITH input AS (
                SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) WITH ORDINALITY
                    AS i (id, source, external_id, external_type, type, role, occurred_at, received_at, session,
                        user_id, data, body, is_recovered, trace, place)),
            keyed AS (
                INSERT INTO event_keys (external_id, source, event)
                SELECT external_id, source, id FROM input ORDER BY external_id, source, place
                ON CONFLICT DO NOTHING RETURNING event),
            new AS (
                INSERT INTO events (id, source, external_id, external_type, type, role, occurred_at, received_at,
                    session, user_id, data, is_recovered, trace)
                SELECT id, source, external_id, external_type, type, role, occurred_at, received_at, session, user_id,
                    data, is_recovered, trace
                FROM input WHERE id IN (SELECT event FROM keyed) ORDER BY place RETURNING seq, id),
            bodies AS (
                INSERT INTO payloads (seq, body) SELECT new.seq, input.body FROM new JOIN input ON input.id = new.id),
            waiting AS (INSERT INTO pending (seq) SELECT seq FROM new)
            SELECT id FROM new
            """, SQLArray(events.map(\.id)), SQLArray(events.map(\.source)), SQLArray(events.map(\.externalID)),
            SQLArray(events.map(\.externalType)), SQLArray(events.map(\.type.name)),
            SQLArray(events.map(\.role.rawValue)), SQLArray(events.map(\.occurredAt)),
            SQLArray(events.map(\.receivedAt)), SQLArray(events.map(\.session)), SQLArray(events.map(\.user)),
            SQLArray(events.map(\.data.encodedText)), SQLArray(entries.map(\.payload)),
            SQLArray(events.map(\.isRecovered)), SQLArray(events.map(\.trace))
        ) { try $0.id(0, EventTag.self) }
        var told: [Int: Appended] = [:]
        var fresh = Set(new)
        var known: [Item] = []
        for entry in entries {
            if fresh.remove(entry.event.id) != nil {
                told[entry.place] = .accepted(entry.event.id)
            } else {
                known.append(entry)
            }
        }
        for (entry, earlier) in zip(known, try self.earlier(known.map(\.event), db)) {
            told[entry.place] = .duplicate(earlier ?? entry.event.id)
        }
        return told
    }

    /// For each event the one that has its key.
    private static func earlier(_ events: [Event], _ db: Transaction) throws -> [EventID?] {
        guard !events.isEmpty else { return [] }
        return try db.rows(
            """
            SELECT event_keys.event FROM unnest($1, $2) WITH ORDINALITY AS i (external_id, source, place)
            LEFT JOIN event_keys USING (external_id, source) ORDER BY place
            """, SQLArray(events.map(\.externalID)), SQLArray(events.map(\.source))
        ) { try $0.idOrNil(0) }
    }

    /// Once for each (kind, source, external id): the earlier row stays.
    static func keep(_ delivery: KeptDelivery, _ db: Transaction) throws -> Appended {
        let isNew =
            try db.run(
                """
                INSERT INTO kept_deliveries (id, kind, source, external_id, external_type, code, reason, field,
                    received_at, replayed_as, event, payload)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
                ON CONFLICT (kind, source, external_id) DO NOTHING
                """, delivery.id, delivery.kind.rawValue, delivery.source, delivery.externalID, delivery.externalType,
                delivery.code, delivery.reason, delivery.field, delivery.receivedAt, delivery.replayedAs,
                delivery.event, delivery.payload) > 0
        if isNew { return .kept(delivery.id) }
        let earlier = try db.first(
            "SELECT id FROM kept_deliveries WHERE kind = $1 AND source = $2 AND external_id = $3",
            delivery.kind.rawValue, delivery.source, delivery.externalID
        ) { try $0.id(0, QuarantineTag.self) }
        return .kept(earlier ?? delivery.id)
    }
}
