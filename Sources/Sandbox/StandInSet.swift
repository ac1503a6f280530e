package import Model
package import Seams
internal import Synchronization

/// The stand-ins of one sandbox by name, each with its faults and a count of its calls, behind one lock.
package final class StandInSet: Sendable {
    /// What comes back to the caller, and when.
    package enum Outcome: Sendable, Hashable {
        case answer(InboundResponse, after: Duration)
        /// The answer's first bytes, then the end of the connection.
        case broken(InboundResponse, sent: Int, after: Duration)
        case lost(Fault.Loss, after: Duration)
    }

    private struct Stage {
        let fresh: any StandIn
        var standIn: any StandIn
        var faults = FaultPlan()
        /// Calls by method, path with its ids left out, and status (or what befell the answer).
        var calls: [String: Int] = [:]
    }

    private let stages: Mutex<[String: Stage]>

    package init(_ standIns: [String: any StandIn]) {
        stages = Mutex(standIns.mapValues { Stage(fresh: $0, standIn: $0) })
    }

    package var names: [String] { stages.withLock { $0.keys.sorted() } }

    /// Gives a request to a stand-in; nil where there is none of that name.
    package func receive(_ request: OutboundRequest, for name: String, at now: Instant) -> Outcome? {
        stages.withLock { stages in
            guard var stage = stages[name] else { return nil }
            // Taken out while it changes, so that its state has one owner and is not copied.
            stages[name] = nil
            defer { stages[name] = stage }
            return Self.receive(request, on: &stage, at: now)
        }
    }

    private static func receive(_ request: OutboundRequest, on stage: inout Stage, at now: Instant) -> Outcome {
        let call = Call(request)
        let (fault, delay) = stage.faults.fate(of: call, at: now)
        let outcome: Outcome
        var note: String
        switch fault {
        case .before(let loss):
            outcome = .lost(loss, after: delay)
            note = "lost before"
        case .status(let status, let wait):
            outcome = .answer(refusal(status, retryAfter: wait), after: delay)
            note = "\(status) by fault"
        case .after(let loss):
            note = "\(stage.standIn.respond(to: request, at: now).status), answer lost"
            outcome = .lost(loss, after: delay)
        case .truncated(let bytes):
            let answer = stage.standIn.respond(to: request, at: now)
            outcome = .broken(answer, sent: min(bytes, answer.body.count), after: delay)
            note = "\(answer.status), answer cut"
        case .slow, nil:
            let answer = stage.standIn.respond(to: request, at: now)
            outcome = .answer(answer, after: delay)
            note = "\(answer.status)"
        }
        let line = "\(call.method) \(call.route) \(note)"
        let isKept = stage.calls[line] != nil || stage.calls.count < linesMax
        stage.calls[isKept ? line : "others", default: 0] += 1
        return outcome
    }

    /// How many different calls are told apart.
    private static let linesMax = 500

    private static func refusal(_ status: Int, retryAfter: Duration?) -> InboundResponse {
        .text(
            status, "the sandbox was told to answer \(status)",
            headers: retryAfter.map { [.init("retry-after", $0.retryAfter)] } ?? [])
    }

    /// Replaces the faults of a stand-in; false where there is none of that name.
    @discardableResult
    package func setFaults(_ faults: [Fault], seed: UInt64 = 0, for name: String) -> Bool {
        stages.withLock { stages in
            guard stages[name] != nil else { return false }
            stages[name]?.faults = FaultPlan(faults, seed: seed)
            return true
        }
    }

    /// How often each call came: `POST /crm/v3/objects/contacts 201`, ids in paths shown as `{id}`.
    package func calls(of name: String) -> [String: Int] { stages.withLock { $0[name]?.calls ?? [:] } }

    /// The stand-in as it is now, to be read.
    package func state<S: StandIn>(of name: String, as type: S.Type = S.self) -> S? {
        stages.withLock { $0[name]?.standIn as? S }
    }

    /// Changes a stand-in from outside, as a person at that service would; nil where there is none.
    package func change<S: StandIn, R: Sendable>(
        _ name: String, as type: S.Type = S.self, _ change: @Sendable (inout S) -> R
    ) -> R? {
        stages.withLock { stages in
            guard var standIn = stages[name]?.standIn as? S else { return nil }
            defer { stages[name]?.standIn = standIn }
            return change(&standIn)
        }
    }

    /// Puts all stand-ins back to how they were made, without faults.
    package func reset() {
        stages.withLock { stages in stages = stages.mapValues { Stage(fresh: $0.fresh, standIn: $0.fresh) } }
    }

    /// What all calls have done: for each stand-in its own ledger, and `calls`.
    package var ledger: JSONObject {
        stages.withLock { stages in
            var all = JSONObject()
            for (name, stage) in stages.sorted(by: { $0.key < $1.key }) {
                var ledger = stage.standIn.ledger
                let calls = stage.calls.sorted { $0.key < $1.key }
                ledger["calls"] = .object(
                    JSONObject(members: calls.map { .init(key: $0.key, value: .int(Int64($0.value))) }))
                all[name] = .object(ledger)
            }
            return all
        }
    }
}

extension Call {
    /// The path with what is an id left out, so that counts stay few.
    var route: String {
        "/"
            + segments.prefix(12).map { segment in
                let isID = segment.contains("@") || segment.utf8.count > 40 || segment.utf8.allSatisfy(Self.isDigit)
                return isID ? "{id}" : segment
            }.joined(separator: "/")
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
