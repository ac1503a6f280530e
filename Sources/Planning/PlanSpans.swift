internal import Model
internal import Seams
internal import Synchronization

/// How long each plan of a batch took; one that was planned anew counts with its last time.
final class PlanSpans: Sendable {
    private let time: any TimeSource
    private let isRecording: Bool
    private let spans = Mutex<[EventID: Span]>([:])

    init(time: any TimeSource, isRecording: Bool) {
        self.time = time
        self.isRecording = isRecording
    }

    func note(_ event: Event, plan: () throws -> Void) rethrows {
        guard isRecording else { return try plan() }
        let (startedAt, uptime) = (time.now, time.uptime)
        try plan()
        let arrival = TraceContext(of: event.id, trace: event.trace)
        let span = Span(
            name: "plan \(event.type.name)", kind: .internal, context: arrival.planning, parent: arrival.span,
            startedAt: startedAt, duration: time.uptime - uptime,
            attributes: [.init("event.id", "\(event.id)"), .init("event.type", event.type.name)])
        spans.withLock { $0[event.id] = span }
    }

    var all: [Span] { spans.withLock { Array($0.values) } }
}
