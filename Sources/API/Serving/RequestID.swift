internal import Seams

/// Which id a request goes by in its answer and in the log.
enum RequestID {
    /// The caller's own `X-Request-Id` where it is a plain word of up to 128 characters, else the trace id of a valid
    /// `traceparent` (W3C Trace Context, section 3.2), else a new one.
    static func choose(given: String?, traceparent: String?, chance: any ChanceSource) -> String {
        if let given, isPlain(given) { return given }
        if let traceparent, let trace = traceID(in: traceparent) { return trace }
        return "req_" + String(chance.next(), radix: 36) + String(chance.next() >> 32, radix: 36)
    }

    private static func isPlain(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    private static func traceID(in traceparent: String) -> String? {
        let parts = traceparent.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, parts[0].count == 2, parts[0] != "ff", parts[1].utf8.count == 32,
            parts[1].utf8.allSatisfy({ isHex($0) }), parts[1].contains(where: { $0 != "0" })
        else { return nil }
        return String(parts[1])
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}
