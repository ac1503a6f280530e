internal import Journal
internal import Model
internal import Sandbox

/// Acknowledged means kept; one event a (source, external id); nothing that nobody sent.
enum IntakeChecker {
    static func check(_ evidence: Evidence, _ fail: (String, String) -> Void) {
        let rows = Dictionary(grouping: evidence.snapshot.events) { key($0.row.event.source, $0.row.event.externalID) }
        for (name, same) in rows where same.count > 1 { fail("one-event", "\(name) is \(same.count) events") }
        let kept = Set(evidence.snapshot.kept.map(\.id.description))
        var known: Set<String> = []
        for record in evidence.deliveries {
            let delivery = record.item.delivery
            known.insert(key(delivery.source, delivery.id))
            check(record, row: rows[key(delivery.source, delivery.id)]?.first, kept: kept, fail)
        }
        for name in rows.keys.sorted() where !known.contains(name) {
            fail("nothing-invented", "the event \(name) was never sent")
        }
        if evidence.snapshot.pending > 0 { fail("all-planned", "\(evidence.snapshot.pending) events are pending") }
    }

    private static func key(_ source: String, _ id: String) -> String { "\(source)/\(id)" }

    private static func check(
        _ record: DeliveryRecord, row: EventDetail?, kept: Set<String>, _ fail: (String, String) -> Void
    ) {
        let id = record.item.delivery.id
        let answers = record.answers
        let possible: Set<Int> = record.item.kind == .forged ? [401, 503] : [200, 400, 429, 503]
        if let odd = answers.first(where: { !possible.contains($0.status) }) {
            fail("answers", "\(id) was answered \(odd.status)")
        }
        for quarantine in answers.compactMap(\.quarantine) where !kept.contains(quarantine) {
            fail("acknowledged-is-kept", "\(id) was said to be kept as \(quarantine), which is gone")
        }
        let events = Set(answers.compactMap(\.event))
        if events.count > 1 { fail("one-event", "\(id) was said to be \(events.sorted())") }
        switch record.item.kind {
        case .forged, .malformed:
            if row != nil { fail("nothing-invented", "\(id) became an event") }
        default:
            guard let event = events.first else { return }
            guard let row, row.row.event.id.description == event else {
                return fail("acknowledged-is-kept", "\(id) was acknowledged as \(event), which is gone")
            }
            if row.payload != record.item.delivery.body {
                fail("acknowledged-is-kept", "what \(id) said is not what is kept")
            }
        }
    }
}
