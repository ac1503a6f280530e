package import Model

/// A place in a trace, as it travels between systems (W3C Trace Context).
package struct TraceContext: Sendable, Hashable {
    package var high: UInt64
    package var low: UInt64
    package var span: UInt64

    /// Of what this task does; calls to other servers carry it on.
    @TaskLocal package static var current: TraceContext?

    package init(high: UInt64, low: UInt64, span: UInt64) {
        self.high = high
        self.low = low
        self.span = span
    }

    /// From the header's text, version 00 or a later one that begins like it; nil for anything else.
    package init?(traceparent text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, parts[0].utf8.count == 2, parts[0] != "ff", parts[0] != "00" || parts.count == 4,
            parts[1].utf8.count == 32, parts[2].utf8.count == 16, parts[3].utf8.count == 2,
            parts.prefix(4).allSatisfy({ $0.utf8.allSatisfy(Self.isHex) }),
            let high = UInt64(parts[1].prefix(16), radix: 16), let low = UInt64(parts[1].suffix(16), radix: 16),
            let span = UInt64(parts[2], radix: 16), high | low != 0, span != 0
        else { return nil }
        self.init(high: high, low: low, span: span)
    }

    /// The trace to which all that comes of an event belongs: its sender's, else one of its own, the same on every node.
    ///
    /// Spans of an event have ids that follow from it, so that nobody has to keep them: this one is that of its arrival.
    package init(of event: EventID, trace: String?) {
        let sender = trace.flatMap(TraceContext.init(traceparent:))
        self.init(high: sender?.high ?? event.high, low: sender?.low ?? event.low, span: event.low)
    }

    /// The plan of the event whose arrival this is.
    package var planning: TraceContext { TraceContext(high: high, low: low, span: span ^ 0x5555_5555_5555_5555) }

    /// The attempt at a job, by the job's id and its fencing token.
    package func attempt(at job: JobID, token: Int64) -> TraceContext {
        let mixed = job.low ^ (UInt64(bitPattern: token) &* 0x9E37_79B9_7F4A_7C15)
        return TraceContext(high: high, low: low, span: mixed == 0 ? 1 : mixed)
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }

    package var traceID: String { Self.hex(high) + Self.hex(low) }
    package var spanID: String { Self.hex(span) }
    package var traceparent: String { "00-\(traceID)-\(spanID)-01" }

    package static func hex(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// Something that was done, with its beginning, its length and its place in a trace.
package struct Span: Sendable, Hashable {
    package enum Kind: Int, Sendable, Hashable { case `internal` = 1, server, client, producer, consumer }

    package struct Attribute: Sendable, Hashable {
        package var key: String
        package var value: String

        package init(_ key: String, _ value: String) {
            self.key = key
            self.value = value
        }
    }

    package var name: String
    package var kind: Kind
    package var context: TraceContext
    /// The span above it; nil: it is the first of its trace.
    package var parent: UInt64?
    package var startedAt: Instant
    package var duration: Duration
    /// The same dotted keys as in the log; never a payload, a secret or a person's data.
    package var attributes: [Attribute]
    package var isError: Bool

    package init(
        name: String, kind: Kind, context: TraceContext, parent: UInt64?, startedAt: Instant, duration: Duration,
        attributes: [Attribute] = [], isError: Bool = false
    ) {
        self.name = name
        self.kind = kind
        self.context = context
        self.parent = parent
        self.startedAt = startedAt
        self.duration = duration
        self.attributes = attributes
        self.isError = isError
    }
}

/// Takes spans; never blocks and never fails: what it has no room for is dropped and counted.
package protocol SpanSink: Sendable {
    /// Whether anybody wants them: where not, none need be made.
    var isRecording: Bool { get }
    func record(_ span: Span)
}

package struct NoSpans: SpanSink {
    package init() {}
    package var isRecording: Bool { false }
    package func record(_ span: Span) {}
}
