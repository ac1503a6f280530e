internal import Model
internal import Seams

/// A refusal in HubSpot's form.
struct HubSpotError: Error {
    struct Detail {
        var message: String
        var code: String
        var property: String
    }

    var status: Int
    var category: String
    var message: String
    var details: [Detail] = []
    var policyName: String?

    init(_ status: Int, _ category: String, _ message: String) {
        self.status = status
        self.category = category
        self.message = message
    }

    static func validation(_ message: String) -> HubSpotError { HubSpotError(400, "VALIDATION_ERROR", message) }

    /// Values that do not fit their properties: the text repeats the details as JSON, as HubSpot's does.
    static func values(_ details: [Detail]) -> HubSpotError {
        let list = details.map { detail -> JSONValue in
            [
                "isValid": false, "message": .string(detail.message), "error": .string(detail.code),
                "name": .string(detail.property), "localizedErrorMessage": .string(detail.message),
            ]
        }
        var error = validation("Property values were not valid: \(JSONValue.array(list).encodedText)")
        error.details = details
        return error
    }

    static func notFound(_ what: String) -> HubSpotError {
        HubSpotError(404, "OBJECT_NOT_FOUND", "Object not found.  objectId are usually numeric. (\(what))")
    }

    static func rate(_ policy: String, _ word: String) -> HubSpotError {
        var error = HubSpotError(429, "RATE_LIMITS", "You have reached your \(word) limit.")
        error.policyName = policy
        return error
    }

    /// The answer; `number` makes its correlation id.
    func response(number: Int) -> InboundResponse {
        let digits = String(number, radix: 16)
        let id = "00000000-0000-4000-8000-" + String(repeating: "0", count: max(0, 12 - digits.count)) + digits
        var body: JSONObject = [
            "status": "error", "message": .string(message), "correlationId": .string(id),
            "category": .string(category),
        ]
        if let policyName {
            body["errorType"] = "RATE_LIMIT"
            body["policyName"] = .string(policyName)
        }
        if !details.isEmpty { body["errors"] = detailsJSON }
        return .json(status, body)
    }

    /// The error as one entry of a batch's `errors`, with the ids it is about.
    func entry(ids: [String]) -> JSONValue {
        [
            "status": "error", "category": .string(category), "message": .string(message), "links": [:],
            "context": ["ids": .array(ids.map { .string($0) })], "errors": detailsJSON,
        ]
    }

    private var detailsJSON: JSONValue {
        .array(
            details.map { detail in
                [
                    "message": .string(detail.message), "code": .string(detail.code),
                    "context": ["propertyName": [.string(detail.property)]],
                ]
            })
    }
}
