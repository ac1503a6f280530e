import API
import ConnectorKit
import Console
import Intake
import Jobs
import Journal
import Model
import NIOPosix

/// The intake as the API asks for it.
struct IntakeDoor: Receiving {
    let intake: Intake

    func receive(source: String, headers: [(name: String, value: String)], body: [UInt8]) async -> ReceiptAnswer {
        Self.answer(await intake.receive(source: source, headers: headers, body: body))
    }

    func receiveEvents(source: String?, contentType: String?, body: [UInt8], boundSource: String?) async
        -> ReceiptAnswer
    {
        Self.answer(
            await intake.receiveEvents(source: source, contentType: contentType, body: body, boundSource: boundSource))
    }

    func replay(_ kept: KeptDelivery) async -> ReceiptAnswer { Self.answer(await intake.replay(kept)) }

    func recentRefusals() -> [RefusedDelivery] {
        intake.recentRefusals().map { RefusedDelivery(at: $0.at, source: $0.source, reason: $0.reason) }
    }

    private static func answer(_ answer: IntakeAnswer) -> ReceiptAnswer {
        ReceiptAnswer(status: answer.status, body: answer.body, retryAfter: answer.retryAfter)
    }
}

/// The runner as the API asks for it.
struct RunnerControl: DestinationControl {
    let runner: JobRunner

    func health() async -> [DestinationStatus] {
        runner.health().map { health in
            DestinationStatus(
                name: health.name, kind: health.kind, pause: health.pause, breaker: Self.name(of: health.breaker),
                running: health.inFlight)
        }
    }

    private static func name(of phase: Breaker.Phase) -> String {
        switch phase {
        case .closed: "closed"
        case .open: "open"
        case .halfOpen: "half_open"
        }
    }

    func pause(_ destination: String, reason: String) async throws { try await runner.pause(destination, by: reason) }

    func resume(_ destination: String, isForced: Bool) async throws -> ResumeResult {
        switch try await runner.resume(destination, force: isForced) {
        case .resumed, .notPaused: .resumed
        case .stillPaused(let trouble): .stillFailing(trouble.message)
        }
    }
}

/// Work that keeps a processor busy, on threads of its own: password hashing would starve the cooperative pool.
struct BlockingThreads: BlockingWork {
    func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await NIOThreadPool.singleton.runIfActive(work)
    }
}
