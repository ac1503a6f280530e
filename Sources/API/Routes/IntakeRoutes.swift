internal import Journal
internal import Model
internal import Seams
internal import Settings
internal import Watch

extension Routes {
    static func intake(_ dependencies: Dependencies) -> [Route] {
        [
            Route(
                "POST", "/in/{source}", .open, media: .json, bodySizeMax: Limits.deliverySizeMax,
                isForDeliveries: true,
                check: { call in
                    guard dependencies.settings.current.source(call.parameter("source")) != nil else {
                        throw Failure(.notFound, "There is no source of this name in throughline.yaml.")
                    }
                }
            ) { call in
                let source = call.parameter("source")
                if let refused = refusal(dependencies, call) { return refused }
                let receipt = await traced(call) {
                    await dependencies.receiving.receive(source: source, headers: call.headers, body: call.body)
                }
                return answer(await withToken(receipt, dependencies), of: source, call, dependencies)
            },
            Route(
                "POST", "/v1/events", .scope(.ingest), media: .events, bodySizeMax: Limits.eventsSizeMax,
                isForDeliveries: true
            ) { call in
                if let refused = refusal(dependencies, call) { return refused }
                let inputs = try Inputs(call.query, known: ["source"], now: dependencies.time.now)
                let source = try inputs.text("source")
                let receipt = await traced(call) {
                    await dependencies.receiving.receiveEvents(
                        source: source, contentType: call.header("content-type"), body: call.body,
                        boundSource: boundSource(of: call))
                }
                return answer(
                    await withToken(receipt, dependencies), of: eventsSource(source, call, dependencies), call,
                    dependencies
                )
            },
        ]
    }

    /// The source that the events count for: as named, else the key's, else the only one there is.
    private static func eventsSource(_ named: String?, _ call: Call, _ dependencies: Dependencies) -> String {
        let known = dependencies.settings.current.sources.filter { $0.kind == .events }.map(\.name)
        let told = named ?? boundSource(of: call)
        return told.flatMap { known.contains($0) ? $0 : nil } ?? (told == nil && known.count == 1 ? known[0] : "events")
    }

    private static func boundSource(of call: Call) -> String? {
        if case .key(let row)? = call.caller { row.source } else { nil }
    }

    private static func refusal(_ dependencies: Dependencies, _ call: Call) -> Answer? {
        guard let reason = dependencies.readiness.refusal else { return nil }
        var answer = Answer.error(
            503, code: "unavailable", "Nothing is taken in now (\(reason)); send it again.", requestID: call.requestID)
        answer.headers.append(("retry-after", "5"))
        return answer
    }

    private static func answer(
        _ receipt: ReceiptAnswer, of source: String, _ call: Call, _ dependencies: Dependencies
    ) -> Answer {
        dependencies.meters.countDelivery(source: source, status: receipt.status)
        if receipt.status < 300 {
            dependencies.meters.recordAcknowledgement(dependencies.time.uptime - call.arrivedAt)
        }
        tell(receipt, of: source, call, dependencies)
        return relay(receipt, call)
    }

    /// Does it as a part of the sender's trace, where it names one.
    private static func traced(_ call: Call, _ body: () async -> ReceiptAnswer) async -> ReceiptAnswer {
        guard let sender = call.header("traceparent").flatMap(TraceContext.init(traceparent:)) else {
            return await body()
        }
        return await TraceContext.$current.withValue(sender) { await body() }
    }

    /// A span for each event that was taken.
    private static func tell(
        _ receipt: ReceiptAnswer, of source: String, _ call: Call, _ dependencies: Dependencies
    ) {
        guard dependencies.spans.isRecording, receipt.status < 300 else { return }
        let duration = dependencies.time.uptime - call.arrivedAt
        let trace = call.header("traceparent")
        let items = receipt.body["items"]?.array?.compactMap(\.object) ?? [receipt.body]
        for item in items where item["status"] == "accepted" {
            guard let event = item["event"]?.string.flatMap({ EventID($0) }) else { continue }
            dependencies.spans.record(
                Span(
                    name: "receive \(source)", kind: .server, context: TraceContext(of: event, trace: trace),
                    parent: trace.flatMap(TraceContext.init(traceparent:))?.span,
                    startedAt: dependencies.time.now - duration, duration: duration,
                    attributes: [
                        .init("event.id", "\(event)"), .init("source", source), .init("request.id", call.requestID),
                    ]))
        }
    }

    /// A receipt as an answer: its own body, with the request's id.
    static func relay(_ receipt: ReceiptAnswer, _ call: Call) -> Answer {
        var body = receipt.body
        body["request_id"] = .string(call.requestID)
        var answer = Answer.json(body, status: receipt.status)
        let wait = receipt.retryAfter ?? (receipt.status == 429 || receipt.status == 503 ? 5 : nil)
        if let wait { answer.headers.append(("retry-after", String(wait))) }
        return answer
    }
}
