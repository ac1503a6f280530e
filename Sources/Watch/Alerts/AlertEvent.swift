internal import Journal
internal import Model
internal import Seams

/// What is told of an alert, as an event: from here on it goes the way of all events, kept, planned, retried and made
/// once.
enum AlertEvent {
    /// A source that no configuration can have.
    static let source = "throughline"

    static func make(
        _ what: NoticeRules.What, of row: AlertRow, product: String, mint: IDMint, now: Instant
    ) -> Event {
        let type: EventType =
            switch what {
            case .opened: .alertOpened
            case .changed: .alertChanged
            case .ended: .alertEnded
            }
        var data: JSONObject = [
            "alert": .string(row.id.description), "key": .string(row.alert.key),
            "severity": .string(row.alert.severity.rawValue), "title": .string(row.alert.title),
            "detail": .string(what == .ended ? "It is over." : row.alert.detail),
            "since": .string(row.alert.at.description),
            "product": .string(product), "told": .int(Int64(row.telling.count + 1)),
        ]
        data["cost"] = row.alert.cost.map { .string($0) }
        data["ended_at"] = row.endedAt.map { .string($0.description) }
        data["duration_s"] = row.endedAt.map { .int(($0 - row.alert.at).components.seconds) }
        return Event(
            id: mint.make(), source: source, externalID: "\(row.id).\(row.telling.count + 1)",
            externalType: type.name, type: type, occurredAt: now, receivedAt: now, session: row.id.description,
            data: data)
    }
}
