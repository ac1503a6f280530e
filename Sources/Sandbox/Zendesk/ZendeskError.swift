internal import Model
internal import Seams

/// A refusal in Zendesk's form.
struct ZendeskError: Error {
    var status: Int
    var error: String
    var text: String?
    /// Field, then what is wrong with it and the word for that.
    var details: [(field: String, text: String, word: String)] = []
    var retryAfter: Duration?

    init(_ status: Int, _ error: String, _ text: String? = nil) {
        self.status = status
        self.error = error
        self.text = text
    }

    static let notFound = ZendeskError(404, "RecordNotFound", "Not found")

    static func invalid(_ field: String, _ text: String, _ word: String) -> ZendeskError {
        var error = ZendeskError(422, "RecordInvalid", "Record validation errors")
        error.details = [(field, text, word)]
        return error
    }

    static func tooMany(_ wait: Duration) -> ZendeskError {
        var error = ZendeskError(429, "Number of allowed API requests per minute exceeded")
        error.retryAfter = wait
        return error
    }

    var response: InboundResponse {
        if let retryAfter {
            return .text(status, error, headers: [.init("retry-after", retryAfter.retryAfter)])
        }
        var body: JSONObject = ["error": .string(error)]
        if let text { body["description"] = .string(text) }
        if !details.isEmpty {
            var fields = JSONObject()
            for detail in details {
                fields[detail.field] = [["description": .string(detail.text), "error": .string(detail.word)]]
            }
            body["details"] = .object(fields)
        }
        return .json(status, body)
    }
}

/// The answer to a ticket's creation, kept under its idempotency key.
struct ZendeskKeptAnswer: Sendable {
    var requestBody: [UInt8]
    var answer: InboundResponse
    var at: Instant
}
