package import Journal
internal import Model
internal import Settings

extension Intake {
    /// Takes rows of an inbox into the journal, and says what is to become of each.
    ///
    /// Throws where the journal takes nothing now: then all rows stay.
    package func take(_ rows: [InboxRow], inbox: String) async throws -> [InboxVerdict] {
        let readings = rows.map { reading(of: $0, inbox: inbox) }
        let arrivals = readings.compactMap { if case .arrival(let arrival) = $0 { arrival } else { nil } }
        var appended = try await admission.submit(batch: arrivals).map { try $0.get() }[...]
        return readings.map { reading in
            switch reading {
            case .held(let reason): .held(reason: reason)
            case .arrival:
                // Each arrival has one answer, in their order.
                switch appended.removeFirst() {
                case .accepted, .duplicate, .kept: .taken
                case .refused(let reason): .held(reason: "the journal could not take it: \(reason)")
                }
            }
        }
    }

    private enum RowReading {
        case arrival(Arrival)
        case held(String)
    }

    /// An authentic row becomes an event, or is kept with what is wrong; one that is not believed waits for a person.
    ///
    /// It is not kept in quarantine: a replay from there asks for no signature.
    private func reading(of row: InboxRow, inbox: String) -> RowReading {
        let name = row.source ?? inbox
        guard let reader = reader(name), row.source == nil || !reader.source.kind.isInbox else {
            return .held("no source is called \(name) in throughline.yaml")
        }
        if row.isCut { return .arrival(.kept(reader.oversized(row.payload, at: row.acceptedAt, mint: mint))) }
        let reception: Reception
        if row.source == nil {
            reception = reader.decode(row.payload, id: nil, at: row.acceptedAt, mint: mint)
        } else {
            let headers = HeaderList(row.headers.map { ($0.name, $0.value) })
            reception = reader.read(
                InboundDelivery(headers: headers, body: row.payload), at: row.acceptedAt, mint: mint)
        }
        if case .refused(let refusal) = reception { return .held(refusal.reason) }
        guard let arrival = Self.arrival(of: reception, payload: row.payload) else {
            return .held("it was not believed")
        }
        return .arrival(arrival)
    }
}
