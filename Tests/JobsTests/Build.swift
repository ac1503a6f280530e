import ConnectorKit
import Journal
import Model
import Seams
import Settings
import TestKit

/// Valid values with defaults, for tests to change what they are about.
enum Build {
    static let start = Instant(rfc3339: "2026-11-23T10:00:00Z") ?? Instant(seconds: 0)
    static let call = Flow.Call(destination: "crm", action: "act")
    static let mint = IDMint(time: ManualTime(start), chance: SeededChance(seed: 7))

    static func destination(concurrency: Int = 4, rate: Rate? = nil) -> DestinationSettings {
        DestinationSettings(
            name: "crm", kind: .hubspot(token: .environment("TOKEN")), timeout: .seconds(15), rate: rate,
            concurrency: concurrency)
    }

    static func flow(onUnknown: Flow.OnUnknown = .repeat, retry: RetryPolicy? = nil) -> Flow {
        Flow(
            id: "new-lead", name: "new lead", on: [.leadCaptured], calls: [call],
            set: [Flow.Assignment(name: "email", value: .path(Path(steps: ["email"])))], onUnknown: onUnknown,
            retry: retry)
    }

    static func settings(
        destination: DestinationSettings = destination(), flow: Flow? = flow(), retry: RetryPolicy = .init()
    ) -> Settings {
        Settings(product: "Acme", destinations: [destination], flows: flow.map { [$0] } ?? [], retry: retry)
    }

    static func claimed(
        attempts: Int = 0, createdAt: Instant = start, firstAttemptAt: Instant? = nil, unknownSince: Instant? = nil
    ) -> ClaimedJob {
        ClaimedJob(
            id: mint.make(JobTag.self), effect: EffectKey(flow: "new-lead", call: call, fact: "f"), flow: "new-lead",
            call: call, event: mint.make(EventTag.self), fact: "f", subject: mint.make(SubjectTag.self), token: 3,
            attempts: attempts, createdAt: createdAt, firstAttemptAt: firstAttemptAt, unknownSince: unknownSince)
    }
}
