import Model
import Seams

/// Calls the HTTP API as any other client would.
struct APIClient: Sendable {
    var base: String
    var credential: Redacted<String>
    var http: OutboundHTTP

    /// Calls and returns the answer's JSON; an error answer is thrown as the failure that it tells of.
    @discardableResult
    func call(
        _ method: String, _ path: String, query: [(String, String?)] = [], body: JSONValue? = nil,
        contentType: String = "application/json", raw: [UInt8]? = nil, timeout: Duration = .seconds(60)
    ) async throws -> JSONValue {
        guard !path.contains("//"), !path.hasSuffix("/") else {
            throw Failure(.usage, "The id or name is empty. Say which one you mean.")
        }
        let response = try await exchange(
            method, path, query: query, body: raw ?? body?.encoded ?? [], contentType: contentType, timeout: timeout)
        // A page, say, of whatever stands there or before it.
        guard let answer = try? JSONValue(parsing: response.body.isEmpty ? Array("null".utf8) : response.body) else {
            throw Self.foreign(base)
        }
        guard (200...299).contains(response.status) else { throw Self.failure(status: response.status, answer) }
        return answer
    }

    /// All items of a list, page by page, until `limit` of them were given to `each`.
    ///
    /// `isPaged`: false for a list that is answered whole and takes neither a limit nor a cursor.
    func list(
        _ path: String, query: [(String, String?)] = [], limit: Int, isPaged: Bool = true,
        each: (JSONObject) throws -> Void
    ) async throws {
        var cursor: String?
        var remaining = limit
        repeat {
            let paging = isPaged ? [("limit", String(min(remaining, Limits.pageMax))), ("cursor", cursor)] : []
            let page = try await call("GET", path, query: query + paging)
            guard let items = page["items"]?.array else { throw Self.foreign(base) }
            for item in items.prefix(remaining) { if let object = item.object { try each(object) } }
            remaining -= items.count
            cursor = isPaged ? page["next"]?.string : nil
        } while cursor != nil && remaining > 0
    }

    private static func foreign(_ base: String) -> Failure {
        Failure(
            .unreachable, "What answers at \(base) is no Throughline server. Check --server, and what stands before it."
        )
    }

    private func exchange(
        _ method: String, _ path: String, query: [(String, String?)], body: [UInt8], contentType: String,
        timeout: Duration
    ) async throws -> InboundResponse {
        var request = request(method, path, query: query, body: body, contentType: contentType)
        request.timeout = timeout
        do {
            return try await http.send(request)
        } catch {
            throw Failure(
                .unreachable, "The server at \(base) cannot be reached: \(error.description). Is it running?")
        }
    }

    func request(
        _ method: String, _ path: String, query: [(String, String?)], body: [UInt8], contentType: String
    ) -> OutboundRequest {
        let pairs = query.compactMap { name, value in
            value.map { "\(name)=\(PercentEncoding.encode($0))" }
        }
        let url = base + path + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
        var headers = [OutboundRequest.Header("authorization", "Bearer \(credential.revealed)")]
        if !body.isEmpty { headers.append(OutboundRequest.Header("content-type", contentType)) }
        return OutboundRequest(method: method, url: url, headers: headers, body: body)
    }

    static func failure(status: Int, _ answer: JSONValue) -> Failure {
        let message = answer["error"]?["message"]?.string ?? "The server answered \(status)."
        let field = answer["error"]?["field"]?.string
        let code: Failure.Code =
            switch status {
            case 401, 403: .unauthorized
            case 404: .notFound
            case 409: .conflict
            case 429, 503: .unavailable
            case 500...599: .journal
            default: .invalid
            }
        return Failure(code, message, field: field)
    }
}

enum PercentEncoding {
    /// Percent-encodes all but unreserved characters (RFC 3986, section 2.3).
    static func encode(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return encoded
    }
}
