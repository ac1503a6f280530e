internal import HTTPTypes
internal import Hummingbird
internal import Model
internal import NIOCore

/// Why a request is turned away before its handler.
struct DoorRefusal: Error {
    var status: Int
    var code: String
    var message: String
    /// Whether the body is left unread.
    var isClosing = false
    /// Seconds, for `Retry-After`.
    var retryAfter: Int?

    static let overloaded = DoorRefusal(
        status: 429, code: "overloaded", message: "More arrives than can be taken in. Send it again in a moment.",
        retryAfter: 1)

    static func tooLarge(_ limit: Int) -> DoorRefusal {
        DoorRefusal(
            status: 413, code: "too_large", message: "The body is larger than the \(limit) bytes that this path takes.",
            isClosing: true)
    }
}

extension Responder {
    /// All header lines, names in lower case.
    static func headers(of request: Request) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        headers.reserveCapacity(request.headers.count + 1)
        for field in request.headers { headers.append((field.name.canonicalName, field.value)) }
        if let authority = request.head.authority { headers.append(("host", authority)) }
        return headers
    }

    static func checkSize(of headers: [(name: String, value: String)]) throws(DoorRefusal) {
        guard headers.reduce(0, { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }) <= Limits.headersSizeMax else {
            throw DoorRefusal(
                status: 431, code: "headers_too_large",
                message: "The headers are larger than \(Limits.headersSizeMax) bytes.", isClosing: true)
        }
    }

    static func checkDeclaredLength(of request: Request, _ route: Route) throws(DoorRefusal) {
        guard route.media != .none, let text = request.headers[.contentLength] else { return }
        guard let length = Int(text), length >= 0 else {
            throw DoorRefusal(status: 400, code: "invalid", message: "Content-Length is no number.", isClosing: true)
        }
        if length > route.bodySizeMax { throw .tooLarge(route.bodySizeMax) }
    }

    /// Whether more is declared than is worth reading for nothing, or nothing is declared at all.
    static func hasLargeBody(_ headers: [(name: String, value: String)]) -> Bool {
        headers.contains { name, value in
            name == "transfer-encoding" || (name == "content-length" && Int(value).map { $0 > 64 << 10 } ?? true)
        }
    }

    static func checkMedia(of call: Call, _ route: Route) throws(DoorRefusal) {
        guard route.media != .none, let text = call.header("content-type") else { return }
        // What nearly all send, told without taking it apart.
        if route.media != .form, text == "application/json" { return }
        let type = text.prefix { $0 != ";" }.lowercased().filter { !$0.isWhitespace }
        let taken: Bool
        switch route.media {
        case .none: return
        case .json: taken = isJSON(type)
        case .events: taken = isJSON(type) || type == "application/x-ndjson" || type == "application/jsonl"
        case .form: taken = type == "application/x-www-form-urlencoded"
        }
        guard taken else {
            let expected = route.media == .form ? "application/x-www-form-urlencoded" : "application/json"
            throw DoorRefusal(
                status: 415, code: "unsupported_media_type", message: "Send the body as \(expected).", isClosing: true)
        }
    }

    private static func isJSON(_ type: String) -> Bool {
        type.isEmpty || type == "application/json" || (type.hasPrefix("application/") && type.hasSuffix("+json"))
    }

    /// Reads the body into `body`; what of it is there when this throws counts in the room as well.
    static func read(_ body: inout [UInt8], of request: Request, upTo limit: Int, in room: DeliveryRoom) async throws {
        var parts = request.body.makeAsyncIterator()
        while let buffer = try await next(&parts) {
            let size = body.count + buffer.readableBytes
            guard size <= limit else { throw DoorRefusal.tooLarge(limit) }
            try room.grow(from: body.count, to: size)
            body.append(contentsOf: buffer.readableBytesView)
        }
    }

    /// A sender that goes away in the middle is no failure of ours.
    private static func next(_ parts: inout RequestBody.AsyncIterator) async throws -> ByteBuffer? {
        do {
            return try await parts.next()
        } catch {
            throw DoorRefusal(
                status: 400, code: "incomplete", message: "The connection ended before the body did.", isClosing: true)
        }
    }
}
