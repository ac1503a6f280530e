internal import ConnectorKit
internal import Model
internal import Seams

/// Zendesk's words on what went wrong: `error`, `description`, `details` by field; plain text on a 429.
struct ZendeskAnswer {
    var response: InboundResponse
    var visit: Visit

    private var body: JSONObject { response.json ?? JSONObject() }

    /// Zendesk's own name of the error; some answers wrap it with a title.
    var name: String? { body["error"]?.string ?? body["error"]?["title"]?.string }

    private var words: String {
        let description = body["description"]?.string ?? body["error"]?["message"]?.string ?? body["message"]?.string
        let details = (body["details"]?.object?.members ?? []).flatMap { member in
            (member.value.array ?? []).compactMap { $0["description"]?.string }
        }
        let known = [name, description].compactMap { $0 } + details
        return visit.masking.masked(known.isEmpty ? response.text : known.joined(separator: ": "))
    }

    /// Ticketing endpoints name their own count and reset; the account's counts by the minute.
    var limit: RateHint? {
        if let remaining = response.number("ratelimit-remaining"), let reset = response.number("ratelimit-reset") {
            return RateHint(remaining: remaining, resetsAfter: .seconds(max(0, reset)))
        }
        return response.number("x-rate-limit-remaining").map { RateHint(remaining: $0, resetsAfter: .seconds(60)) }
    }

    var report: Report { Report(verdict, status: response.status, limit: limit) }

    private var verdict: Verdict {
        let words = words
        let trouble = Verdict.Trouble("http_\(response.status)", words)
        switch response.status {
        case 401, 403:
            return .credentials(
                .init(trouble.errorClass, "Zendesk refuses the credential (\(words)): check email, token and role"))
        case 404 where response.json == nil:
            return .blocked(.init("no_such_account", "there is no Zendesk API at this address: check the subdomain"))
        // An update of a ticket that another change beat.
        case 409: return .transient(trouble, mayHaveHappened: false)
        case 422 where words.lowercased().contains("closed"):
            return .permanent(
                .init(
                    "ticket_closed",
                    "the ticket is closed and cannot change any more (\(words)): open a new ticket that follows it up"))
        case 422: return .permanent(.init("record_invalid", words))
        case 429 where response.header("retry-after") == nil:
            return .slowDown(trouble, after: limit?.resetsAfter ?? .seconds(60))
        default: return AnswerReading.verdict(of: response, message: words, isKeyed: true, now: visit.now)
        }
    }
}
