internal import Journal
package import Model
package import Seams

/// What every connector reads alike, unless its provider says otherwise.
package enum AnswerReading {
    /// The wait after a 429 that names none.
    package static let slowDownDefault: Duration = .seconds(10)

    /// What an answer other than success means by its status alone.
    ///
    /// `isKeyed`: the request carried an idempotency key, so that 409 says "still in progress" and not "refused".
    /// `message` are the destination's own words, masked already. `errorClass`: where it has a better name than the
    /// status.
    package static func verdict(
        of response: InboundResponse, errorClass: String? = nil, message: String, isKeyed: Bool, now: Instant
    ) -> Verdict {
        let words = message.trimmed.isEmpty ? "it answers \(response.status), without words that can be read" : message
        let trouble = Verdict.Trouble(errorClass ?? "http_\(response.status)", words)
        let wait = response.header("retry-after").flatMap { RetryAfter.duration(of: $0, now: now) }
        switch response.status {
        case 429: return .slowDown(trouble, after: wait ?? slowDownDefault)
        case 503: return wait.map { .slowDown(trouble, after: $0) } ?? .transient(trouble, mayHaveHappened: true)
        case 425: return .transient(trouble, mayHaveHappened: false, after: wait)
        case 409 where isKeyed: return .transient(trouble, mayHaveHappened: true, after: wait)
        case 408, 500...: return .transient(trouble, mayHaveHappened: true, after: wait)
        case 401, 403: return .credentials(trouble)
        case 300..<400:
            return .blocked(
                Verdict.Trouble(
                    "redirect",
                    "it answers \(response.status), a redirect, which is not followed: "
                        + "configure the address to which it leads"))
        default: return .permanent(trouble)
        }
    }

    /// What it means that there is no answer.
    package static func verdict(of error: TransportError, masking: Masking) -> Verdict {
        let trouble = Verdict.Trouble(error.kind.rawValue, masking.masked(error.description))
        switch error.kind {
        // An address that does not resolve or cannot prove itself fails for every job alike.
        case .name, .refusedAddress, .tls:
            return error.mayHaveArrived ? .transient(trouble, mayHaveHappened: true) : .blocked(trouble)
        case .connect, .timeout, .broken:
            return .transient(trouble, mayHaveHappened: error.mayHaveArrived)
        }
    }
}

extension InboundResponse {
    package var isSuccess: Bool { (200..<300).contains(status) }

    /// The body as a JSON object; nil for anything else (an error page, say, or a cut answer).
    package var json: JSONObject? {
        // A body that is no JSON is an answer like any other here; the caller reads the status instead.
        try? JSONObject(parsing: body)
    }

    /// A header that holds a whole number.
    package func number(_ header: String) -> Int? {
        self.header(header).flatMap { Int($0.trimmed) }
    }
}

extension Report {
    /// The report of a retry: see `Verdict.remembering`.
    package func remembering(_ approach: Approach) -> Report {
        Report(verdict.remembering(approach), status: status, limit: limit)
    }

    /// What went wrong; nil after success.
    package var trouble: Verdict.Trouble? { verdict.trouble }
}

extension Verdict {
    /// What went wrong; nil after success.
    package var trouble: Trouble? {
        switch self {
        case .succeeded: nil
        case .transient(let trouble, _, _), .slowDown(let trouble, _), .permanent(let trouble),
            .credentials(let trouble), .blocked(let trouble):
            trouble
        }
    }

    /// The same, where an earlier attempt's end is unknown: what this call did not do, that one may have done.
    package func remembering(_ approach: Approach) -> Verdict {
        guard approach != .first, case .transient(let trouble, _, let after) = self else { return self }
        return .transient(trouble, mayHaveHappened: true, after: after)
    }

    /// The same for a call that only reads: nothing can have happened.
    package var ofReading: Verdict {
        guard case .transient(let trouble, _, let after) = self else { return self }
        return .transient(trouble, mayHaveHappened: false, after: after)
    }
}
