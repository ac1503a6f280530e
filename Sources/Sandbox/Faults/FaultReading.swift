package import Model

extension Fault {
    /// Reads a fault as the control surface takes it.
    ///
    /// `{"fault": "status", "status": 503, "retry_after_ms": 2000, "times": 3, "share": 0.5, "method": "POST",
    /// "path": "/api", "for_ms": 60000}`. `fault` is one of `before_reset`, `before_timeout`, `after_reset`,
    /// `after_timeout`, `status`, `slow` (with `delay_ms`), `truncated` (with `bytes`).
    package init(_ json: JSONValue, at now: Instant) throws(Failure) {
        let name = json["fault"]?.string ?? ""
        switch name {
        case "before_reset": self = .before(.reset)
        case "before_timeout": self = .before(.timeout)
        case "after_reset": self = .after(.reset)
        case "after_timeout": self = .after(.timeout)
        case "status":
            let status = try Self.number(json, "status", 100...599)
            let wait = try Self.milliseconds(json, "retry_after_ms")
            self = .status(Int(status), retryAfter: wait)
        case "slow": self = .slow(.milliseconds(try Self.number(json, "delay_ms", 0...Self.longest)))
        case "truncated": self = .truncated(to: Int(try Self.number(json, "bytes", 0...1 << 20)))
        default: throw Failure(.invalid, "no fault is called '\(name.prefix(40))'", field: "fault")
        }
        if json["times"] != nil { remaining = Int(try Self.number(json, "times", 0...1_000_000)) }
        if let lasts = try Self.milliseconds(json, "for_ms") { until = now + lasts }
        if let given = json["share"] {
            guard let share = given.double, (0...1).contains(share) else {
                throw Failure(.invalid, "'share' must be a number from 0 to 1", field: "share")
            }
            self.share = share
        }
        method = json["method"]?.string
        path = json["path"]?.string ?? "/"
    }

    private static let longest: Int64 = 3_600_000

    private static func milliseconds(_ json: JSONValue, _ name: String) throws(Failure) -> Duration? {
        guard json[name] != nil else { return nil }
        return .milliseconds(try number(json, name, 0...longest))
    }

    private static func number(
        _ json: JSONValue, _ name: String, _ range: ClosedRange<Int64>
    ) throws(Failure) -> Int64 {
        guard let number = json[name]?.int, range.contains(number) else {
            throw Failure(
                .invalid, "'\(name)' must be a whole number from \(range.lowerBound) to \(range.upperBound)",
                field: name)
        }
        return number
    }
}
