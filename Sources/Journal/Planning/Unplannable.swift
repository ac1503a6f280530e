package import Model

/// What becomes of an event that could not be planned: it lies with the kept deliveries, and people are told.
extension KeptDelivery {
    package static func unplannable(_ event: Event, code: String, reason: String, payload: [UInt8], at now: Instant)
        -> KeptDelivery
    {
        KeptDelivery(
            id: QuarantineID(at: now, random: (event.id.high, event.id.low)), kind: .unplannable,
            source: event.source, externalID: event.externalID, externalType: event.externalType, code: code,
            reason: reason, receivedAt: event.receivedAt, payload: payload, event: event.id)
    }
}

extension NewAlert {
    package static func unplannable(_ event: EventID, reason: String, at now: Instant) -> NewAlert {
        NewAlert(
            key: "unplannable", title: "An event could not be planned",
            detail: "Event \(event) was set aside: \(reason) Replay it when the cause is gone.", at: now)
    }
}
