internal import Journal
package import Model

/// What the sender of a delivery hears.
package struct IntakeAnswer: Sendable, Hashable {
    package var status: Int
    package var body: JSONObject
    /// Seconds, for `Retry-After`.
    package var retryAfter: Int?

    package init(status: Int, body: JSONObject, retryAfter: Int? = nil) {
        self.status = status
        self.body = body
        self.retryAfter = retryAfter
    }

    /// The event that the answer is about, where there is one.
    package var event: EventID? { body["event"]?.string.flatMap { EventID($0) } }

    static func error(
        _ status: Int, _ code: Failure.Code, _ message: String, field: String? = nil, retryAfter: Int? = nil
    ) -> Self {
        Self(status: status, body: ["error": errorObject(code.name, message, field: field)], retryAfter: retryAfter)
    }

    static func errorObject(_ code: String, _ message: String, field: String?) -> JSONValue {
        ["code": .string(code), "message": .string(message), "field": field.map { .string($0) } ?? .null]
    }

    static let noSuchSource = error(
        404, .notFound, "There is no source of this name. Names stand under sources: in throughline.yaml.")

    /// The same for each reason, so that nobody learns from it how far a forged signature came.
    static let unverified = error(
        401, .unauthorized,
        "The signature could not be verified, and nothing was kept."
            + " Check the signing secret and both clocks; the first page of the console shows the reason.")

    static func tooLarge(sizeMax: Int) -> Self {
        error(413, .tooLarge, "The body is larger than \(sizeMax >> 20) MiB. Send less in one request.")
    }

    static let wrongMediaType = error(
        415, .invalid, "The body must be JSON, uncompressed, with Content-Type: application/json.",
        field: "Content-Type")

    /// What became of a reception once it was handed to the journal.
    static func of(_ reception: Reception, _ result: Result<Appended, any Error>) -> Self {
        switch result {
        case .failure(let error): failure(error)
        case .success(.refused):
            Self.error(
                503, .unavailable, "The journal could not take this delivery. Send it again later.", retryAfter: 60)
        case .success(.accepted(let id)): event("accepted", id)
        case .success(.duplicate(let id)): event("duplicate", id)
        case .success(.kept(let id)): kept(reception, id)
        }
    }

    private static func event(_ status: String, _ id: EventID) -> Self {
        Self(status: 200, body: ["status": .string(status), "event": .string(id.description)])
    }

    private static func kept(_ reception: Reception, _ id: QuarantineID) -> Self {
        let id = JSONValue.string(id.description)
        switch reception {
        case .rejected(let kept):
            return Self(
                status: 400,
                body: ["error": errorObject(kept.code, kept.reason, field: kept.field), "quarantine": id])
        case .ignored: return Self(status: 200, body: ["status": "ignored", "event": nil, "quarantine": id])
        case .quarantined, .event, .refused:
            return Self(status: 200, body: ["status": "quarantined", "event": nil, "quarantine": id])
        }
    }

    private static func failure(_ error: any Error) -> Self {
        guard let failure = error as? Failure, failure.code == .overloaded else {
            let message = (error as? Failure)?.message ?? "Nothing was taken. Send the delivery again in a moment."
            return Self.error(503, .unavailable, message, retryAfter: 5)
        }
        return Self.error(429, .overloaded, failure.message, retryAfter: 1)
    }
}
