package import ConnectorKit
internal import Journal
package import Model
package import Seams
package import Settings

/// What Stripe says has happened: its events of the last 30 days, and its objects as they stand now.
package struct StripeHistory: HistoryProvider {
    static let address = "https://api.stripe.com"
    /// The version in which objects are read; events keep the one in which they were made.
    static let version = "2026-07-29.dahlia"
    static let pageSize = 100

    let courier: Courier

    /// `key` needs no more than to read: events, payment intents, charges, refunds and subscriptions.
    package init(api: ProviderAPI, key: Redacted<String>?, world: World) {
        courier = Courier(
            base: api.baseURL ?? Self.address,
            headers: key.map {
                [
                    .init("authorization", "Bearer \($0.revealed)"), .init("accept", "application/json"),
                    .init("stripe-version", Self.version),
                ]
            }, timeout: .seconds(20), masking: Masking(words: key.map { [$0] } ?? []), world: world)
    }

    package var reach: Duration { .seconds(30 * 86_400) }
    // A test account allows 25 calls a second, shared with everything else that the product does there.
    package var pace: Duration { .milliseconds(100) }

    package func events(in window: ListWindow, after: String?) async throws(Setback) -> ToldPage<ToldEvent> {
        let page = try await list("events", query(window, after))
        return ToldPage(items: page.items.compactMap(StripeObjects.event), next: page.next)
    }

    package var objectKinds: [String] { StripeObjects.Kind.allCases.map(\.rawValue) }

    package func objects(
        _ kind: String, in window: ListWindow, after: String?
    ) async throws(Setback) -> ToldPage<ToldObject> {
        guard let kind = StripeObjects.Kind(rawValue: kind) else { return ToldPage(items: [], next: nil) }
        let all = kind == .subscriptions ? "&status=all" : ""
        let page = try await list(kind.rawValue, query(window, after) + all)
        return ToldPage(items: page.items.compactMap { StripeObjects.told($0, as: kind) }, next: page.next)
    }

    package func payload(of id: String, now: Instant) async throws(Setback) -> [UInt8]? {
        guard let kind = StripeObjects.Kind(id: id) else {
            return try await one("events", id)?.encoded
        }
        guard let object = try await one(kind.rawValue, id) else { return nil }
        return StripeObjects.event(of: object, as: kind, now: now)?.encoded
    }

    // MARK: Calls

    private func query(_ window: ListWindow, _ after: String?) -> String {
        // Brackets percent-encoded: a URL holds none in its query.
        "limit=\(Self.pageSize)&created%5Bgte%5D=\(window.since.seconds)&created%5Blt%5D=\(window.until.seconds)"
            + (after.map { "&starting_after=\(Encodings.percent($0))" } ?? "")
    }

    private func list(_ path: String, _ query: String) async throws(Setback) -> (items: [JSONObject], next: String?) {
        let response = try await courier.visit().read("/v1/\(path)?\(query)")
        guard response.isSuccess else { throw Setback(verdict(of: response)) }
        guard let page = response.json, let data = page["data"]?.array else { throw unreadable(path) }
        let items = data.compactMap(\.object)
        guard page["has_more"]?.bool == true else { return (items, nil) }
        guard let last = items.last?["id"]?.string else { throw unreadable(path) }
        return (items, last)
    }

    private func one(_ path: String, _ id: String) async throws(Setback) -> JSONObject? {
        let response = try await courier.visit().read("/v1/\(path)/\(Encodings.percent(id))")
        if response.status == 404 { return nil }
        guard response.isSuccess else { throw Setback(verdict(of: response)) }
        guard let object = response.json else { throw unreadable(path) }
        return object
    }

    private func unreadable(_ path: String) -> Setback {
        Setback(
            .transient(
                .init("unreadable_answer", "Stripe answered without the \(path) that were asked for"),
                mayHaveHappened: false))
    }

    private func verdict(of response: InboundResponse) -> Verdict {
        let error = response.json?["error"]
        let words = courier.masking.masked(error?["message"]?.string ?? "it answered \(response.status)")
        let wait = response.header("retry-after").flatMap { RetryAfter.duration(of: $0, now: courier.time.now) }
        switch response.status {
        case 401:
            return .credentials(
                .init("http_401", "Stripe refuses the key (\(words)): set a live one as api_key, and reload"))
        case 403:
            return .credentials(
                .init("http_403", "the key may not read this (\(words)): give the restricted key that permission"))
        case 429: return .slowDown(.init("http_429", words), after: wait ?? .seconds(1))
        default:
            return AnswerReading.verdict(
                of: response, errorClass: "http_\(response.status)", message: words, isKeyed: false,
                now: courier.time.now
            ).ofReading
        }
    }
}
