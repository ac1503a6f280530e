package import Journal
internal import Model
internal import Seams

extension Intake {
    /// Reads a kept delivery again with the configuration of today; it was authentic when it came.
    ///
    /// It becomes an event (200, as `/in` answers), or 409 says what still stands in its way and it stays as it is.
    package func replay(_ kept: KeptDelivery) async -> IntakeAnswer {
        guard kept.kind != .unplannable else {
            return .error(
                409, .conflict, "This event is in the journal already. Replay the event, not the delivery.")
        }
        guard let reader = reader(kept.source) else {
            return .error(
                409, .conflict,
                "Its source is not configured any more. Add it under sources: in throughline.yaml, then replay.")
        }
        // Ids that came in a header are known from then; a digest stood in for one that was missing.
        let id = kept.externalID.hasPrefix(SourceReader.digestPrefix) ? nil : kept.externalID
        switch reader.decode(kept.payload, id: id, at: time.now, mint: mint) {
        case .event(var event):
            event.receivedAt = kept.receivedAt
            return await admit(.event(event), arrival: .event(event, payload: kept.payload, replayed: kept.id))
        case .rejected(let still), .quarantined(let still), .ignored(let still):
            return .error(409, .conflict, "It still is no event: \(still.reason)", field: still.field)
        case .refused: return .unverified
        }
    }
}
