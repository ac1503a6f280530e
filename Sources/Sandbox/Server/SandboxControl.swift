internal import Model
internal import Seams

/// The control surface of a sandbox.
///
/// - `POST /_sandbox/faults` with `{"stand_in": "zendesk", "seed": 7, "faults": [...]}` replaces its faults; an empty
///   list ends them.
/// - `GET /_sandbox/ledger` shows what the calls have done, `GET /_sandbox/ledger/NAME` one stand-in's part.
/// - `POST /_sandbox/reset` puts everything back to the beginning.
struct SandboxControl {
    let standIns: StandInSet

    func respond(to call: Call, at now: Instant) -> InboundResponse {
        switch (call.method, call.segments.dropFirst().first, call.segments.count) {
        case ("GET", "ledger", 2): return .json(200, standIns.ledger)
        case ("GET", "ledger", 3):
            guard let part = standIns.ledger[call.segments[2]]?.object else { return .text(404, "no such stand-in") }
            return .json(200, part)
        case ("POST", "reset", 2):
            standIns.reset()
            return .json(200, ["reset": true])
        case ("POST", "faults", 2):
            do throws(Failure) {
                return .json(200, ["faults": .int(Int64(try setFaults(call, at: now)))])
            } catch {
                return .json(400, ["error": ["code": "invalid", "message": .string(error.message)]])
            }
        default: return .text(404, "the sandbox has faults, ledger and reset here")
        }
    }

    private static let faultsMax = 100

    private func setFaults(_ call: Call, at now: Instant) throws(Failure) -> Int {
        guard let body = call.json, let name = body["stand_in"]?.string, let list = body["faults"]?.array,
            list.count <= Self.faultsMax
        else {
            throw Failure(
                .invalid, "send {\"stand_in\": NAME, \"faults\": [...]} with at most \(Self.faultsMax) faults")
        }
        var faults: [Fault] = []
        for json in list { faults.append(try Fault(json, at: now)) }
        guard standIns.setFaults(faults, seed: UInt64(bitPattern: body["seed"]?.int ?? 0), for: name) else {
            throw Failure(.invalid, "there is no stand-in '\(name.prefix(40))'")
        }
        return faults.count
    }
}
