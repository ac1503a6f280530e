import API
import ConnectorKit
import Journal
import Model
import Seams
import Settings

/// Sends an alert that is none, at once and past the jobs, so that each destination's own answer can be told.
struct AlertTest: AlertTesting {
    let settings: LiveSettings
    let connectors: ConnectorSet
    let world: World

    func test(_ destination: String?) async throws -> [AlertTestAnswer] {
        let settings = settings.current
        let calls = settings.alerts.calls.filter { destination == nil || $0.destination == destination }
        guard !calls.isEmpty else {
            let known = settings.alerts.to.joined(separator: ", ")
            throw Failure(
                .notFound,
                destination.map {
                    "alerts.to does not name \($0)" + (known.isEmpty ? "." : "; it names \(known).")
                } ?? "No destination is told of alerts: name some under alerts.to in throughline.yaml.",
                field: destination == nil ? nil : "to")
        }
        var answers: [AlertTestAnswer] = []
        for call in calls { answers.append(await test(call, settings)) }
        return answers
    }

    private func test(_ call: Flow.Call, _ settings: Settings) async -> AlertTestAnswer {
        func answer(_ isTaken: Bool, _ words: String) -> AlertTestAnswer {
            AlertTestAnswer(destination: call.destination, isTaken: isTaken, answer: words)
        }
        guard let connector = connectors[call.destination],
            let action = connector.actions.first(where: { $0.name == call.action })
        else { return answer(false, "the destination is not set up") }
        let effect = effect(for: call, action, settings)
        do {
            let request = try connector.prepare(effect)
            let timeout = settings.destination(call.destination)?.timeout ?? .seconds(15)
            let report = await connector.perform(request, for: effect, approach: .first, deadline: timeout)
            if let trouble = report.trouble { return answer(false, "\(trouble.errorClass): \(trouble.message)") }
            return answer(true, report.status.map { "taken (\($0))" } ?? "taken")
        } catch {
            return answer(false, "it cannot be rendered: \(error)")
        }
    }

    private func effect(for call: Flow.Call, _ action: ActionDescription, _ settings: Settings) -> Effect {
        let (now, id): (Instant, AlertID) = (world.time.now, world.mint.make())
        let data: JSONObject = [
            "alert": .string(id.description), "key": "test", "severity": "warning",
            "title": .string("This is a test of the alerts of \(settings.product)"),
            "detail": "Nothing is wrong. Somebody ran `throughline alerts test`.", "since": .string(now.description),
            "product": .string(settings.product), "told": 1,
        ]
        // For a pager an ended alert, which calls nobody out.
        let isPager = settings.destination(call.destination)?.kind.name == "pagerduty"
        let type = isPager ? EventType.alertEnded : .alertOpened
        let event = Event(
            id: world.mint.make(), source: "throughline", externalID: "test-\(id)", externalType: type.name, type: type,
            occurredAt: now, receivedAt: now, session: id.description, data: data)
        var effect = Effect(
            key: EffectKey(flow: AlertSettings.flowID, call: call, fact: event.id.description),
            action: call.action, event: event, data: data, fields: JSONObject(), hasOwnFields: false,
            subject: SubjectView(id: world.mint.make(), identifiers: [], state: SubjectState()), payments: [],
            records: [], now: now)
        let scope = effect.scope
        effect.fields = JSONObject(
            members: action.defaults.compactMap { assignment in
                assignment.value.value(in: scope).map { JSONObject.Member(key: assignment.name, value: $0) }
            })
        return effect
    }
}
