import API
import Connectors
import Intake
import Journal
import Model
import Reconciliation
import Seams
import Settings

/// The intake as a reconciliation asks for it.
struct RecoveryDoor: Recovering {
    let intake: Intake

    func assess(_ payload: [UInt8], of source: String) -> Assessment {
        switch intake.reading(of: payload, source: source) {
        case .event: .event
        case .ignored: .ignored
        case .unusable: .unusable
        }
    }

    func recover(_ payload: [UInt8], of source: String) async -> Recovery {
        Self.recovery(await intake.recover(payload, source: source))
    }

    func replay(_ kept: KeptDelivery) async -> Recovery { Self.recovery(await intake.replay(kept)) }

    private static func recovery(_ answer: IntakeAnswer) -> Recovery {
        if let event = answer.event {
            return answer.body["status"]?.string == "duplicate" ? .duplicate(event) : .accepted(event)
        }
        let message = answer.body["error"]?["message"]?.string
        // What was read and is no event stays where it is kept; what could not be kept may work later.
        return answer.status < 429
            ? .kept(reason: message ?? answer.body["status"]?.string ?? "it is of no interest")
            : .refused(reason: message ?? "it could not be kept")
    }
}

/// The reconciler as the API asks for it.
struct ReconcilerControl: ReconciliationControl {
    let reconciler: Reconciler

    var places: [String] { reconciler.places }

    func order(place: String?, since: Instant?, by actor: String) async throws -> [Reconciliation] {
        try await reconciler.order(place: place, since: since, by: actor)
    }

    func repairPlan(of id: ReconciliationID, causes: Set<Difference.Cause>) async throws -> JSONObject {
        let plan = try await reconciler.repairPlan(of: id, causes: causes)
        return [
            "reconciliation": .string(plan.run.description), "count": .int(Int64(plan.count)),
            "steps": .array(
                plan.steps.map {
                    [
                        "cause": .string($0.cause.rawValue), "count": .int(Int64($0.count)),
                        "action": .string($0.action), "words": .string($0.words), "is_final": .bool($0.isFinal),
                    ]
                }),
        ]
    }

    func orderRepair(of id: ReconciliationID, causes: Set<Difference.Cause>, by actor: String) async throws {
        try await reconciler.orderRepair(of: id, causes: causes, by: actor)
    }
}
