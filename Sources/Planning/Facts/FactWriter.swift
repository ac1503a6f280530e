internal import Journal
internal import Model

/// Merges what an event tells into the facts of the journal.
struct FactWriter {
    /// Another fact of which this event's object row tells more now.
    struct Enriched {
        var fact: Fact
        var data: JSONObject
        var dataBefore: JSONObject
    }

    let event: Event
    let home: SubjectID
    let tx: any PlanTransaction
    private(set) var enriched: [Enriched] = []

    init(event: Event, home: SubjectID, tx: any PlanTransaction) {
        self.event = event
        self.home = home
        self.tx = tx
    }

    /// Writes the event's own fact and the row of the object that it speaks of; returns what flows are to be asked
    /// about, nil for an event that only enriches.
    mutating func write() throws -> Matter? {
        let statement = FactRules.statement(of: event)
        let fact = try statement.key.map { try writeFact($0, object: statement.object) }
        let row = try writeRow(except: fact?.key)
        guard event.role == .states else { return nil }
        guard let fact else {
            return Matter(
                key: event.id.description, type: event.type, object: statement.object, subject: home, event: event,
                data: event.data)
        }
        let object = row?.key == fact.object ? row : try fact.object.flatMap { try tx.fact($0) }
        return Matter(
            key: fact.key, type: event.type, object: fact.object, subject: fact.subject, event: event,
            data: FactMerge.view(of: fact, object: object))
    }

    private func writeFact(_ key: String, object: String?) throws -> Fact {
        let told = FactMerge.fact(
            key, type: event.type, object: object, subject: home, event: event, data: event.data)
        return try put(told, known: try tx.fact(key))
    }

    private mutating func writeRow(except own: String?) throws -> Fact? {
        guard let (object, data) = ObjectRules.row(of: event) else { return nil }
        let facts = try tx.facts(ofObject: object)
        let known = facts.first { $0.key == object }
        let told = FactMerge.fact(object, type: nil, object: object, subject: home, event: event, data: data)
        let row = try put(told, known: known)
        guard row.data != known?.data else { return row }
        enriched = facts.filter { $0.key != object && $0.key != own }.map {
            Enriched(
                fact: $0, data: FactMerge.view(of: $0, object: row), dataBefore: FactMerge.view(of: $0, object: known))
        }
        return row
    }

    private func put(_ told: Fact, known: Fact?) throws -> Fact {
        let fact = known.map { FactMerge.merge($0, with: told) } ?? told
        if fact != known { try tx.putFact(fact) }
        try tx.link(event.id, to: fact.key)
        return fact
    }
}
