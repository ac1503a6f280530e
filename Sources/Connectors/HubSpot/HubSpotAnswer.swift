internal import ConnectorKit
internal import Model
internal import Seams

/// HubSpot's words on what went wrong: `status`, `category`, `message`, and `errors` of single inputs.
struct HubSpotAnswer {
    var response: InboundResponse
    var visit: Visit
    var destination: String

    /// How long a used-up daily quota is left alone between looks; it returns at midnight of the account's zone.
    static let dailyWait: Duration = .seconds(3600)

    private var body: JSONObject { response.json ?? JSONObject() }
    /// In a 207 the words of the one input that failed, else those of the whole answer.
    private var fault: JSONObject {
        response.isSuccess ? body["errors"]?.array?.first?.object ?? body : body
    }
    var hasErrors: Bool { body["errors"]?.array?.isEmpty == false }
    private var category: String { fault["category"]?.string ?? "" }
    private var message: String { fault["message"]?.string ?? (response.isSuccess ? "" : response.text) }
    private var isConflict: Bool { response.status == 409 || hasErrors && category == "CONFLICT" }

    /// The contact that holds the address already; HubSpot says it in the text alone.
    var existingID: String? {
        guard isConflict, let range = message.firstRange(of: "Existing ID:") else { return nil }
        let digits = message[range.upperBound...].drop { $0 == " " }.prefix { $0.isASCII && $0.isNumber }
        return digits.isEmpty ? nil : String(digits)
    }

    var limit: RateHint? {
        if response.number("x-hubspot-ratelimit-daily-remaining") == 0 {
            return RateHint(remaining: 0, resetsAfter: Self.dailyWait)
        }
        guard let remaining = response.number("x-hubspot-ratelimit-remaining") else { return nil }
        let interval = response.number("x-hubspot-ratelimit-interval-milliseconds") ?? 10_000
        return RateHint(remaining: remaining, resetsAfter: .milliseconds(max(0, interval)))
    }

    var report: Report { Report(verdict, status: response.status, limit: limit) }

    private var verdict: Verdict {
        if let property = unknownProperty { return .blocked(propertyTrouble(property)) }
        let words = visit.masking.masked(message)
        switch (response.status, category) {
        case (401, _), (_, "INVALID_AUTHENTICATION"), (_, "EXPIRED_AUTHENTICATION"):
            return .credentials(trouble("HubSpot refuses the token (\(words)): set a live one and reload"))
        case (403, _), (_, "MISSING_SCOPES"):
            return .credentials(trouble("the token lacks a scope (\(words)): add it to the private app"))
        case (429, _), (_, "RATE_LIMITS"): return .slowDown(trouble(words), after: patience)
        case (423, _): return .transient(trouble(words), mayHaveHappened: false, after: retryAfter ?? .seconds(2))
        // HubSpot is moving the account to another hosting location, which takes up to a day.
        case (477, _): return .slowDown(trouble(words), after: retryAfter ?? .seconds(3600))
        case (200..<300, _) where hasErrors: return .permanent(trouble(words))
        // Cut off on its way, say: it tells nothing about the request.
        case (200..<300, _):
            return .transient(
                Verdict.Trouble(
                    "unreadable_answer", "HubSpot answered \(response.status) without the record that was asked for"),
                mayHaveHappened: true)
        default:
            return AnswerReading.verdict(
                of: response, errorClass: errorClass, message: words, isKeyed: false, now: visit.now)
        }
    }

    private var retryAfter: Duration? {
        response.header("retry-after").flatMap { RetryAfter.duration(of: $0, now: visit.now) }
    }

    private var patience: Duration {
        if let retryAfter { return retryAfter }
        let policy = (body["policyName"] ?? fault["policyName"])?.string?.uppercased() ?? ""
        if policy.hasPrefix("DAILY") { return Self.dailyWait }
        if policy.hasPrefix("SECONDLY") { return .seconds(1) }
        return .seconds(10)
    }

    /// HubSpot's category where it is one that we know, so that metrics stay bounded; else the status.
    private var errorClass: String {
        let known = ["VALIDATION_ERROR", "CONFLICT", "OBJECT_NOT_FOUND", "MISSING_SCOPES", "RATE_LIMITS"]
        return known.contains(category) ? category.lowercased() : "http_\(response.status)"
    }

    private func trouble(_ message: String) -> Verdict.Trouble { Verdict.Trouble(errorClass, message) }

    // MARK: Unknown properties

    /// The property that HubSpot does not know; empty where it does not say which.
    private var unknownProperty: String? {
        let details = fault["errors"]?.array ?? []
        let detail = details.first { $0["code"]?.string == "PROPERTY_DOESNT_EXIST" }
        let words = detail?["message"]?.string ?? message
        guard detail != nil || message.contains("PROPERTY_DOESNT_EXIST") else { return nil }
        if let name = detail?["context"]?["propertyName"]?.array?.first?.string { return name }
        let quoted = words.split(separator: "\"", omittingEmptySubsequences: false)
        return quoted.count > 2 ? String(quoted[1]).trimmed : ""
    }

    private func propertyTrouble(_ property: String) -> Verdict.Trouble {
        let isName = !property.isEmpty && property.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" }
        let what = isName ? "the property `\(property)`" : "a property that is to be written"
        return Verdict.Trouble(
            "property_does_not_exist",
            "HubSpot does not have \(what): make it with `throughline config check --connect --create`, "
                + "then `throughline destinations resume \(destination)`", field: isName ? property : nil)
    }
}
