package import Model

extension Answer {
    /// `{"error": {"code", "message", "field"}, "request_id"}`.
    package static func error(
        _ status: Int, code: String, _ message: String, field: String? = nil, requestID: String
    ) -> Answer {
        .json(
            [
                "error": [
                    "code": .string(code), "message": .string(message), "field": field.map { .string($0) } ?? .null,
                ],
                "request_id": .string(requestID),
            ], status: status)
    }

    /// The answer to a failure of ours.
    ///
    /// One that is none of ours is told without its words: they may hold anything.
    package static func error(_ error: any Error, requestID: String) -> Answer {
        guard let failure = error as? Failure else {
            return .error(
                500, code: "internal", "Something went wrong here; the log has it under this request id.",
                requestID: requestID)
        }
        var answer = Answer.error(
            status(of: failure.code), code: failure.code.name, failure.message, field: failure.field,
            requestID: requestID)
        if answer.status == 503 || answer.status == 429 { answer.headers.append(("retry-after", "5")) }
        if answer.status == 401 { answer.headers.append(("www-authenticate", "Bearer")) }
        return answer
    }

    package static func status(of code: Failure.Code) -> Int {
        switch code {
        case .invalid, .usage: 400
        case .unauthorized: 401
        case .forbidden: 403
        case .notFound: 404
        case .ambiguous, .conflict: 409
        case .tooLarge: 413
        case .unreachable: 502
        case .overloaded, .unavailable, .journal, .journalLocked: 503
        default: 500
        }
    }
}
