import ConnectorKit
import Journal
import Model
import Seams
import Settings
import Synchronization

/// A destination that answers as the test says, and remembers how it was called.
final class ScriptedConnector: Connector {
    struct Call: Sendable, Hashable {
        var key: EffectKey
        var approach: Approach
        var body: [UInt8]
        var at: Instant
    }

    let actions: [ActionDescription]
    private let time: any TimeSource
    private let answer: @Sendable (_ number: Int, Call) async -> Report
    private let probeAnswer: @Sendable (_ number: Int) -> Verdict
    private let log = Mutex((calls: [Call](), rendered: 0, probes: 0, underWay: 0, mostUnderWay: 0))

    init(
        _ effectClass: EffectClass = .upsert, isStateSetting: Bool = false, required: [String] = [],
        time: any TimeSource, probe: @escaping @Sendable (Int) -> Verdict = { _ in .succeeded(nil) },
        answer: @escaping @Sendable (Int, Call) async -> Report
    ) {
        actions = [
            ActionDescription(
                name: "act", effectClass: effectClass, isStateSetting: isStateSetting, required: required)
        ]
        self.time = time
        self.probeAnswer = probe
        self.answer = answer
    }

    var calls: [Call] { log.withLock { $0.calls } }
    var probes: Int { log.withLock { $0.probes } }
    var mostUnderWay: Int { log.withLock { $0.mostUnderWay } }

    func prepare(_ effect: Effect) throws(EffectRefusal) -> StoredRequest {
        guard effect.fields.present("email") != nil else { throw .missingField("email") }
        // Each rendering differs, so that a second one cannot be taken for the first.
        let number = log.withLock { log in
            log.rendered += 1
            return log.rendered
        }
        return StoredRequest(
            method: "POST", path: "/act", body: Array("\(effect.key) \(number)".utf8), renderedAt: effect.now)
    }

    func perform(_ request: StoredRequest, for effect: Effect, approach: Approach, deadline: Duration) async -> Report {
        let call = Call(key: effect.key, approach: approach, body: request.body, at: time.now)
        let number = log.withLock { log in
            log.calls.append(call)
            log.underWay += 1
            log.mostUnderWay = max(log.mostUnderWay, log.underWay)
            return log.calls.count
        }
        for _ in 0..<5 { await Task.yield() }
        let report = await answer(number, call)
        log.withLock { $0.underWay -= 1 }
        return report
    }

    func probe() async -> Verdict {
        let number = log.withLock { log in
            log.probes += 1
            return log.probes
        }
        return probeAnswer(number)
    }

    func missingRequirements(for calls: [Flow], isCreating: Bool) async -> RequirementReport { RequirementReport() }
}
