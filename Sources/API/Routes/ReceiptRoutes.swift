internal import Journal
internal import Model
internal import Seams
internal import Settings

extension Routes {
    /// What end users and the product's own code are told.
    static func receipts(_ dependencies: Dependencies, _ aftercare: Aftercare) -> [Route] {
        let path = "/v1/receipts/{event}"
        return [
            Route("GET", path, .open) { call in
                try await receipt(call, dependencies, aftercare) { event, _ in
                    guard let standing = try await aftercare.subjects.standing(of: event) else { return nil }
                    return receiptAnswer(standing, dependencies)
                }
            },
            Route("GET", path + "/stream", .open) { call in
                try await receipt(call, dependencies, aftercare) { event, place in
                    guard try await aftercare.subjects.standing(of: event) != nil else { return nil }
                    let stream = ReceiptStream(
                        event: event, place: place, subjects: aftercare.subjects, dependencies: dependencies)
                    return .stream("text/event-stream") { write in try await stream.run(write) }
                }
            },
            Route("OPTIONS", path, .open) { preflight($0, dependencies) },
            Route("OPTIONS", path + "/stream", .open) { preflight($0, dependencies) },
            Route("GET", "/v1/sessions/{id}/known", .scope(.ingest)) { call in
                let session = call.parameter("id")
                guard session.utf8.count <= Limits.idLengthMax else {
                    throw Failure(.invalid, "A session's id has at most \(Limits.idLengthMax) bytes.", field: "id")
                }
                let source: String? = if case .key(let row)? = call.caller { row.source } else { nil }
                let told = try await aftercare.subjects.told(in: session)
                return .json(["known": .object(Known.fields(of: told, in: session, source: source))])
            },
            Route("GET", "/throughline.js", .open) { _ in
                Answer(
                    status: 200,
                    headers: [
                        ("content-type", "text/javascript; charset=utf-8"), ("cache-control", "public, max-age=300"),
                        ("cross-origin-resource-policy", "cross-origin"), ("x-content-type-options", "nosniff"),
                    ], body: PackageResources.throughline_js)
            },
        ]
    }

    static func receiptAnswer(_ standing: EventStanding, _ dependencies: Dependencies) -> Answer {
        let settings = dependencies.settings.current.receipts
        let receipt = Receipt(of: standing, slowAfter: settings.slowAfter, now: dependencies.time.now)
        var answer = Answer.json(receipt.json(contact: settings.contact))
        answer.headers.append(("cache-control", "no-store"))
        return answer
    }

    /// Whoever has no token that opens this receipt learns nothing, not even whether the event exists.
    private static func receipt(
        _ call: Call, _ dependencies: Dependencies, _ aftercare: Aftercare,
        _ tell: (EventID, Places.Place) async throws -> Answer?
    ) async throws -> Answer {
        let text = call.parameter("event")
        let event = EventID(text) ?? EventID(at: Instant(milliseconds: 0), random: (0, 0))
        let token = call.query["token"] ?? bearer(call) ?? ""
        var answer: Answer
        if try await aftercare.receipts.opens(token, event), text == event.description {
            if let place = aftercare.receiptFollowers.take(for: text) {
                answer = try await tell(event, place) ?? unknownReceipt(call)
            } else {
                answer = .error(
                    429, code: "overloaded", "Too many follow receipts, or this one, now. Ask again in a moment.",
                    requestID: call.requestID)
                answer.headers.append(("retry-after", "5"))
            }
        } else {
            answer = unknownReceipt(call)
        }
        answer.headers += crossOrigin(call, dependencies)
        return answer
    }

    private static func unknownReceipt(_ call: Call) -> Answer {
        .error(
            404, code: "not_found",
            "No receipt opens with this event and token; a token comes with the answer to the event and expires.",
            requestID: call.requestID)
    }

    private static func bearer(_ call: Call) -> String? {
        guard let text = call.header("authorization"), text.lowercased().hasPrefix("bearer ") else { return nil }
        return String(text.dropFirst(7))
    }

    // MARK: Browsers

    /// Pages of the origins that the configuration names may read the answer; no cookie is ever part of it.
    private static func crossOrigin(_ call: Call, _ dependencies: Dependencies) -> [(name: String, value: String)] {
        var headers = [(name: "vary", value: "origin")]
        guard let origin = call.header("origin")?.lowercased(),
            dependencies.settings.current.receipts.origins.contains(origin)
        else { return headers }
        headers.append(("access-control-allow-origin", origin))
        return headers
    }

    private static func preflight(_ call: Call, _ dependencies: Dependencies) -> Answer {
        var headers = crossOrigin(call, dependencies)
        if headers.count > 1 {
            headers += [
                ("access-control-allow-methods", "GET"), ("access-control-allow-headers", "authorization"),
                ("access-control-max-age", "600"),
            ]
        }
        return Answer(status: 204, headers: headers)
    }

    /// The answer to something taken in, with the token that opens its receipt.
    static func withToken(_ receipt: ReceiptAnswer, _ dependencies: Dependencies) async -> ReceiptAnswer {
        guard receipt.status < 300, let aftercare = dependencies.aftercare else { return receipt }
        let lifetime = dependencies.settings.current.receipts.lifetime
        func token(_ event: JSONValue?) async -> JSONValue? {
            guard let event = event?.string.flatMap({ EventID($0) }) else { return nil }
            return await aftercare.receipts.token(for: event, lifetime: lifetime).map { .string($0) }
        }
        var receipt = receipt
        if let items = receipt.body["items"]?.array {
            var told: [JSONValue] = []
            for item in items {
                guard var object = item.object else { continue }
                object["token"] = await token(object["event"]) ?? .null
                told.append(.object(object))
            }
            receipt.body["items"] = .array(told)
        } else {
            receipt.body["token"] = await token(receipt.body["event"]) ?? .null
        }
        return receipt
    }
}

/// Tells one end user how their event stands, each time that it changes, until it is done.
struct ReceiptStream: Sendable {
    static let interval: Duration = .seconds(1)
    static let intervalLater: Duration = .seconds(3)
    static let eagerFor: Duration = .seconds(15)
    static let idleInterval: Duration = .seconds(15)

    let event: EventID
    let place: Places.Place
    let subjects: any SubjectJournal
    let dependencies: Dependencies

    func run(_ write: Answer.Write) async throws {
        let time = dependencies.time
        let startedAt = time.uptime
        var (told, wroteAt): (JSONObject?, Duration) = (nil, time.uptime)
        try await write(Array("retry: 3000\n\n".utf8))
        while dependencies.readiness.refusal == nil, time.uptime - startedAt < Limits.receiptFollowedMax {
            guard let standing = try await subjects.standing(of: event) else { return }
            let settings = dependencies.settings.current.receipts
            let receipt = Receipt(of: standing, slowAfter: settings.slowAfter, now: time.now)
            let json = receipt.json(contact: settings.contact)
            if json != told {
                try await write(Array("event: receipt\ndata: \(json.encodedText)\n\n".utf8))
                (told, wroteAt) = (json, time.uptime)
            } else if time.uptime - wroteAt >= Self.idleInterval {
                try await write(Array(": nothing new\n\n".utf8))
                wroteAt = time.uptime
            }
            if receipt.state == .done { return }
            let isEager = time.uptime - startedAt < Self.eagerFor
            try await time.sleep(for: isEager ? Self.interval : Self.intervalLater)
        }
    }
}
