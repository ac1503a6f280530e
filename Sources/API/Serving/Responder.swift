internal import HTTPTypes
package import Hummingbird
internal import Journal
package import Logging
internal import Model
package import NIOCore
package import Seams
package import Watch

/// Answers every request of the server: the one place where the HTTP framework and our routes meet.
///
/// In this order: route (404, 405), size of the headers (431), declared length (413, before anything is read), a place
/// among the deliveries (429), key (401, 403), media type (415), the body up to its limit (413), and then the handler.
package struct Responder: HTTPResponder {
    private let table: RouteTable
    private let keys: KeyRing
    private let meters: Meters
    private let time: any TimeSource
    private let chance: any ChanceSource
    private let logger: Logger
    private let room: DeliveryRoom

    package init(
        routes: [Route], keys: KeyRing, meters: Meters, time: any TimeSource, chance: any ChanceSource, logger: Logger,
        room: DeliveryRoom = DeliveryRoom()
    ) {
        self.room = room
        table = RouteTable(routes)
        self.keys = keys
        self.meters = meters
        self.time = time
        self.chance = chance
        self.logger = logger
    }

    package func respond(to request: Request, context: Connection) async throws -> Response {
        let arrivedAt = time.uptime
        let headers = Self.headers(of: request)
        let requestID = RequestID.choose(
            given: headers.first { $0.name == "x-request-id" }?.value,
            traceparent: headers.first { $0.name == "traceparent" }?.value, chance: chance)
        let target = request.head.path ?? "/"
        let path = Substring(target.utf8.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") })
        var answer: Answer
        var route = "none"
        switch table.match(method: request.method.rawValue, path: path) {
        case .notFound:
            answer = .error(
                404, code: "not_found", "There is nothing at this path; /openapi.json lists what there is.",
                requestID: requestID)
        case .wrongMethod(let allowed):
            var refused = Answer.error(
                405, code: "method_not_allowed", "This path takes \(allowed.joined(separator: ", ")).",
                requestID: requestID)
            refused.headers.append(("allow", allowed.joined(separator: ", ")))
            answer = refused
        case .route(let matched, let parameters):
            route = matched.template
            var call = Call(
                method: request.method.rawValue, parameters: parameters,
                query: Query(target.dropFirst(path.count + 1).prefix { $0 != "#" }), headers: headers,
                requestID: requestID, arrivedAt: arrivedAt)
            answer = await self.answer(request, &call, matched)
        }
        // Turned away before its body was read: a small one is read and dropped, a large one ends the connection.
        if answer.status >= 400, Self.hasLargeBody(headers) { answer.isClosing = true }
        meters.countRequest(route: route, status: answer.status)
        return response(answer, requestID: requestID, context: context, isHead: request.method == .head)
    }

    private func answer(_ request: Request, _ call: inout Call, _ route: Route) async -> Answer {
        do {
            try Self.checkSize(of: call.headers)
            try route.check(call)
            try Self.checkDeclaredLength(of: request, route)
            if route.isForDeliveries { try room.checkPlace() }
            call.caller = try await caller(of: call, route)
            try Self.checkMedia(of: call, route)
            guard route.media != .none else { return try await route.handler(call) }
            defer { room.release(call.body.count) }
            try await Self.read(&call.body, of: request, upTo: route.bodySizeMax, in: room)
            guard route.isForDeliveries else { return try await route.handler(call) }
            try room.enter()
            defer { room.leave() }
            return try await route.handler(call)
        } catch {
            return refusal(of: error, call: call, route: route)
        }
    }

    private func refusal(of error: any Error, call: Call, route: Route) -> Answer {
        if let refusal = error as? DoorRefusal {
            var answer = Answer.error(
                refusal.status, code: refusal.code, refusal.message, requestID: call.requestID)
            answer.isClosing = refusal.isClosing
            if let seconds = refusal.retryAfter { answer.headers.append(("retry-after", String(seconds))) }
            return answer
        }
        let answer = Answer.error(error, requestID: call.requestID)
        if answer.status >= 500 {
            logger.error(
                "request failed",
                metadata: [
                    "request.id": "\(call.requestID)", "http.route": "\(route.template)",
                    "error": "\((error as? Failure)?.debugDescription ?? String(reflecting: error))",
                ])
        }
        return answer
    }

    private func caller(of call: Call, _ route: Route) async throws -> Caller? {
        guard case .scope(let scope) = route.access else { return nil }
        let caller = try await keys.caller(authorization: call.header("authorization"))
        guard caller.may(scope) else {
            let scopes = scope == .admin ? "admin" : "\(scope.rawValue) or admin"
            throw Failure(
                .forbidden,
                "This key may not do this: it takes a key of scope \(scopes) "
                    + "(throughline keys create --scope \(scope.rawValue)).")
        }
        return caller
    }

    private func response(_ answer: Answer, requestID: String, context: Connection, isHead: Bool) -> Response {
        var fields = HTTPFields()
        for (name, value) in answer.headers + [("x-request-id", requestID)] {
            if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
        }
        if let stream = answer.stream, !isHead {
            return Response(
                status: .init(code: answer.status), headers: fields, body: Self.body(stream, on: context.channel))
        }
        if answer.stream == nil { fields[values: .contentLength] = [String(answer.body.count)] }
        let body = isHead ? ByteBuffer() : ByteBuffer(bytes: answer.body)
        guard answer.isClosing else {
            return Response(
                status: .init(code: answer.status), headers: fields,
                body: isHead ? .init() : .init(byteBuffer: body))
        }
        fields[.connection] = "close"
        let channel = context.channel
        return Response(
            status: .init(code: answer.status), headers: fields,
            body: .init(contentLength: body.readableBytes) { writer in
                channel.eventLoop.execute {
                    // A connection that is gone already has nothing to drop.
                    try? channel.pipeline.syncOperations.addHandler(Drain(), position: .first)
                }
                try await writer.write(body)
                try await writer.finish(nil)
                // What is still on its way is read and dropped for a second, so that the sender sees the answer
                // instead of a reset.
                channel.eventLoop.scheduleTask(in: .seconds(1)) { channel.close(mode: .all, promise: nil) }
            })
    }

    /// How long a reader of a stream may leave it unread.
    private static let unreadMax: TimeAmount = .seconds(10)

    private static func body(
        _ stream: @escaping @Sendable (_ write: Answer.Write) async throws -> Void, on channel: any Channel
    ) -> ResponseBody {
        ResponseBody { writer in
            try await stream { bytes in
                let end = channel.eventLoop.scheduleTask(in: unreadMax) { channel.close(mode: .all, promise: nil) }
                defer { end.cancel() }
                try await writer.write(ByteBuffer(bytes: bytes))
            }
            try await writer.finish(nil)
        }
    }
}

/// What a request brings along from its connection.
package struct Connection: RequestContext {
    package var coreContext: CoreRequestContextStorage
    package let channel: any Channel

    package init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }
}
