internal import Journal
internal import Model
internal import Seams

/// What would become of a payload.
package enum PayloadReading: Sendable, Hashable {
    case event
    /// It is of no interest.
    case ignored
    /// It should become an event and cannot.
    case unusable
}

extension Intake {
    /// Reads a payload of that source without keeping anything.
    package func reading(of payload: [UInt8], source: String) -> PayloadReading {
        guard let reader = reader(source) else { return .unusable }
        return switch reader.decode(payload, id: nil, at: time.now, mint: mint) {
        case .event: .event
        case .ignored: .ignored
        case .rejected, .quarantined, .refused: .unusable
        }
    }

    /// Takes in what the provider says and nobody delivered: read, told from others and kept as a delivery is, and
    /// marked as recovered.
    package func recover(_ payload: [UInt8], source: String) async -> IntakeAnswer {
        guard let reader = reader(source) else { return .noSuchSource }
        let reception = reader.decode(payload, id: nil, at: time.now, mint: mint)
        guard case .event(var event) = reception else { return await admit(reception, payload: payload) }
        event.isRecovered = true
        return await admit(.event(event), arrival: .event(event, payload: payload))
    }
}
