package import Model
package import Seams

/// A stand-in for another company's service: a value that answers as the real one would and refuses what it refuses.
///
/// It has no clock, no network and no chance of its own, so the same calls at the same times give the same answers.
package protocol StandIn: Sendable {
    mutating func respond(to request: OutboundRequest, at now: Instant) -> InboundResponse

    /// What the calls have done here, for tests, checkers and people.
    var ledger: JSONObject { get }
}

/// A request, taken apart once.
struct Call {
    let method: String
    /// Without query; never ends in a slash.
    let path: String
    /// The path's parts, percent-decoded.
    let segments: [String]
    let query: [(name: String, value: String)]
    let headers: [OutboundRequest.Header]
    let body: [UInt8]

    init(_ request: OutboundRequest) {
        method = request.method.uppercased()
        let target = Self.target(of: request.url)
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let raw = parts[0].split(separator: "/")
        path = "/" + raw.joined(separator: "/")
        segments = raw.map { Self.decoded($0) }
        query = (parts.count > 1 ? parts[1].split(separator: "&") : []).map { pair in
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (Self.decoded(sides[0], isForm: true), sides.count > 1 ? Self.decoded(sides[1], isForm: true) : "")
        }
        headers = request.headers
        body = request.body
    }

    func header(_ name: String) -> String? { headers.first { $0.name == name.lowercased() }?.value }
    func parameter(_ name: String) -> String? { query.first { $0.name == name }?.value }

    /// The body as a JSON object; nil where it is none.
    var json: JSONObject? {
        // Why it is unreadable does not matter here: the services answer all unreadable bodies alike.
        try? JSONObject(parsing: body)
    }

    /// True where the call says that its body is JSON, as a service that checks its media type demands.
    var saysJSON: Bool { (header("content-type") ?? "").lowercased().hasPrefix("application/json") }

    /// The path and query of an address, whether it is whole or begins at the path.
    static func target(of url: String) -> Substring {
        guard let scheme = url.firstRange(of: "://") else { return url[...] }
        let rest = url[scheme.upperBound...]
        guard let slash = rest.firstIndex(where: { $0 == "/" || $0 == "?" }) else { return "/" }
        return rest[slash...].prefix { $0 != "#" }
    }

    /// Percent-decoded text; a broken escape stays as it is.
    static func decoded(_ text: some StringProtocol, isForm: Bool = false) -> String {
        var bytes: [UInt8] = []
        let source = Array(text.utf8)
        var index = 0
        while index < source.count {
            if source[index] == UInt8(ascii: "%"), index + 2 < source.count,
                let byte = UInt8(String(decoding: source[index + 1...index + 2], as: UTF8.self), radix: 16)
            {
                bytes.append(byte)
                index += 3
            } else {
                bytes.append(isForm && source[index] == UInt8(ascii: "+") ? UInt8(ascii: " ") : source[index])
                index += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension InboundResponse {
    static func json(
        _ status: Int, _ body: JSONObject, headers: [OutboundRequest.Header] = []
    ) -> InboundResponse {
        InboundResponse(
            status: status, headers: [.init("content-type", "application/json;charset=utf-8")] + headers,
            body: body.encoded)
    }

    static func text(
        _ status: Int, _ body: String, headers: [OutboundRequest.Header] = []
    ) -> InboundResponse {
        InboundResponse(
            status: status, headers: [.init("content-type", "text/plain; charset=utf-8")] + headers,
            body: Array(body.utf8))
    }
}
